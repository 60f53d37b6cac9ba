"""The dialog that asks whether to trust a configuration file in the working directory; shows what it would run."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.tui.screens.text_dialog import TextDialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line, wrap


class TrustScreen(TextDialog):
    """Shows what the configuration would run, with a key that trusts it.

    Args:
        configuration: The configuration.
        trusted: Called when the user trusts the file.
    """

    KEYS = "ctrl+t trusts this file · esc cancels"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "trust", "Trust this file", show=False)]

    def __init__(self, configuration: LoadedConfiguration, trusted: Callable[[], None]) -> None:
        super().__init__("Trust latency-tui.toml?")
        self._configuration = configuration
        self._trusted = trusted

    def compose(self) -> ComposeResult:
        """Yield the frame with the text and the buttons."""
        with VerticalScroll(id="sheet", classes="-asks") as sheet:
            sheet.border_title = Content(self._title)
            sheet.border_subtitle = self.KEYS
            yield Static(id="text")
            with Horizontal(id="consent"):
                yield Button("Trust this file", id="trust", variant="warning", compact=True, action="screen.trust")
                yield Button("Cancel", compact=True, action="screen.dismiss")

    def lines(self, width: int) -> list[Content]:
        """Return what the file would run, and what trusting it means."""
        warning = "This file was found in the working directory. What it names runs as you, with your permissions:"
        meaning = (
            "Trust it only if you know where it comes from. Nothing of it has run. Once trusted, a file with this very "
            "content runs what it names without asking."
        )
        return [
            *(Content.styled(line, "$text-warning") for line in wrap(warning, width)),
            Content(""),
            *(
                Content.assemble("  ", (sanitize_line(name), "bold"), "  ", sanitize_line(code))
                for name, code in self._configuration.code()
            ),
            Content(""),
            *(Content(line) for line in wrap(meaning, width)),
            Content.assemble(("sha-256 ", MUTED), self._configuration.digest[:16], ("…", MUTED)),
        ]

    def action_trust(self) -> None:
        """Trust the file and close."""
        self.dismiss()
        self._trusted()
