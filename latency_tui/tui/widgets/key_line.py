"""The footer: at most six keys that apply now, then the keys for commands, quit and help."""

from __future__ import annotations

from textual import events

from latency_tui.tui.bindings import ALWAYS, footer
from latency_tui.tui.commands import Command, Quit, ShowPalette
from latency_tui.tui.state import State
from latency_tui.tui.styles import KEY
from latency_tui.tui.widgets.painted_widget import PaintedWidget
from latency_tui.tui.widgets.styled_lines import Piece

Key = tuple[str, str, type[Command]]
_FEW, _FEWEST = 4, 2  # keys at the left end for which commands, and then quit, give way


class KeyLine(PaintedWidget):
    """Keys and their commands; a click runs a command.

    Textual's `Footer` scrolls if keys do not fit; this line drops the least important ones and keeps Help.
    """

    _spots: tuple[tuple[int, int, type[Command]], ...] = ()

    def paint(self, state: State, *, typing: bool, enlarged: bool) -> None:
        """Show the commands that apply now; while the user types into a field, show how to leave it."""
        left = () if typing else footer(state, enlarged=enlarged)
        if not self.is_new(left, typing):
            return
        width = self.size.width - 1
        always = _pieces(ALWAYS)
        pieces = _pieces(left)
        parts: list[Piece] = [("  enter", KEY), (" Done", "")] if typing else []
        if typing:
            always = []
        _shorten(pieces, always, width)
        at = sum(len(text) for text, _ in parts)
        gap = max(width - _length(pieces) - _length(always) - at, 0)
        spots: list[tuple[int, int, type[Command]]] = []
        for piece in (*pieces, None, *always):
            if piece is None:
                parts.append((" " * gap, ""))
                at += gap
                continue
            key, word, command = piece
            parts += [("  ", ""), (key, KEY), (f" {word}", "")]
            length = _length([piece])
            spots.append((at, at + length, command))
            at += length
        self._spots = tuple(spots)
        self.draw([parts])

    def on_click(self, event: events.Click) -> None:
        """Run the command under the pointer."""
        for start, end, command in self._spots:
            if start <= event.x < end:
                self.screen.post_message(command())


def _shorten(pieces: list[Key], always: list[Key], width: int) -> None:
    """Drop keys until the rest fits: the last of more than four, commands, the last of more than two, quit, the rest.

    Help, which lists every key, always stays.
    """
    for fewest, dropped in ((_FEW, ShowPalette), (_FEWEST, Quit), (0, None)):
        while len(pieces) > fewest and _length(pieces) + _length(always) > width:
            pieces.pop()
        if _length(pieces) + _length(always) > width:
            always[:] = [key for key in always if key[2] is not dropped]


def _pieces(commands: tuple[type[Command], ...]) -> list[Key]:
    return [(command.key_label(), command.footer, command) for command in commands]


def _length(pieces: list[Key]) -> int:
    return sum(len(key) + len(word) + 3 for key, word, _ in pieces)
