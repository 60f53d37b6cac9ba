"""All keys, by what they are for; made from the commands, so that it cannot say anything else than they do."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from latency_tui.tui.bindings import grouped
from latency_tui.tui.screens.sheet import Sheet
from latency_tui.tui.styles import KEY
from latency_tui.tui.text import fit, wrap

_KEY = 8


class HelpScreen(Sheet):
    """A list of every key; any of the keys that opened it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1", "dismiss", show=False)]

    def __init__(self) -> None:
        super().__init__("Keys")

    def lines(self, width: int) -> list[Content]:
        """Return a heading a group and a line or more a key."""
        lines: list[Content] = []
        for group, members in grouped().items():
            lines += [Content("")] if lines else []
            lines.append(Content.styled(group, "bold $text-primary"))
            for command in members:
                if not command.keys:
                    continue
                first, *rest = wrap(command.help(), max(width - _KEY, 8))
                lines.append(Content.assemble((fit(command.key_label(), _KEY), KEY), first))
                lines += [Content(" " * _KEY + line) for line in rest]
        return lines
