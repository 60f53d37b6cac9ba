"""A switch of one line that shows its key: `[✔] until known u`."""

from __future__ import annotations

from textual.content import Content

from latency_tui.tui.styles import FAINT, KEY
from latency_tui.tui.widgets.key_button import KeyButton


class KeySwitch(KeyButton):
    """Posts a command to the screen when it is clicked, or pressed with Enter; painted from the state.

    Textual's `Checkbox` changes its value itself before the state does, also if the change is refused.

    Args:
        command: What it does.
        id: Its name in style sheets.
    """

    _painted: tuple[object, ...] = ()

    def paint(self, *, on: bool, enabled: bool) -> None:
        """Show whether it is on, and whether it can be changed now."""
        facts = (on, enabled, self._command.key_label())
        if facts == self._painted:
            return
        self._painted = facts
        self.disabled = not enabled
        self.update(
            Content.assemble(
                ("[", FAINT),
                ("✔" if on else " ", "bold $text-success" if enabled else FAINT),
                ("] ", FAINT),
                (self._command.footer, ""),
                " ",
                (self._command.key_label(), KEY if enabled else FAINT),
            )
        )
