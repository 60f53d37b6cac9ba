"""All keys, by what they are for; made from the commands, so that it cannot say anything else than they do."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from latency_tui.tui.commands import grouped
from latency_tui.tui.marks import KEY
from latency_tui.tui.text import fit, wrap


class HelpScreen(ModalScreen[None]):
    """A list of every key; any of the keys that opened it closes it."""

    CSS_PATH = "sheets.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "dismiss", "Close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with VerticalScroll(id="sheet") as sheet:
            sheet.border_title = "Keys"
            sheet.border_subtitle = "esc closes"
            yield Static(id="text")

    def on_resize(self) -> None:
        """Wrap the sentences anew."""
        self.call_after_refresh(self._write)

    def action_scroll(self, lines: int) -> None:
        """Scroll by a line."""
        self.query_one("#sheet").scroll_relative(y=lines, animate=False)

    def _write(self) -> None:
        width = max(self.query_one("#sheet").scrollable_content_region.width, 12)
        lines: list[Content] = []
        for group, members in grouped().items():
            lines += (
                [Content(""), Content.styled(group, "bold $text-primary")]
                if lines
                else [Content.styled(group, "bold $text-primary")]
            )
            for command in members:
                if not command.keys:
                    continue
                first, *rest = wrap(command.help(), max(width - 8, 8))
                lines.append(Content.assemble((fit(command.key_label(), 8), KEY), first))
                lines += [Content(" " * 8 + line) for line in rest]
        self.query_one("#text", Static).update(Content("\n").join(lines))
