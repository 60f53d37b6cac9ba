"""The sentence above the footer: the answer in words, and never more than the interval allows."""

from __future__ import annotations

from latency_tui.tui.commands import Choose, ChooseAll
from latency_tui.tui.state import State
from latency_tui.tui.text import clean, wrap
from latency_tui.tui.widgets.lines import Line
from latency_tui.tui.widgets.painted import Painted

_ONE_LINE, _TWO_LINES = 138, 56  # columns from which all but the longest sentences take so many lines


class AnswerLine(Painted):
    """The result's answer; before there is one, what to do."""

    def lines(self, state: State, width: int) -> int:
        """Return how many lines to keep for the sentence: a number that does not change while it is measured."""
        needed = len(wrap(_sentence(state), max(width - 2, 1)))
        kept = 1 if state.result is None or width >= _ONE_LINE else 2 if width >= _TWO_LINES else 3
        return max(needed, kept)

    def paint(self, state: State) -> None:
        """Show the snapshot."""
        text = _sentence(state)
        if self.is_new(text):
            self.draw(in_lines(text, _subject(text, state), self.content_size.width))


def _sentence(state: State) -> str:
    if state.result is not None and state.result.answer:
        return clean(state.result.answer)
    if state.work == "profiling":
        return "The answer appears after the first rounds."
    if not state.chosen:
        one, every = Choose.key_label(), ChooseAll.key_label()
        return f"No model is selected: {one} selects the highlighted one, {every} selects all."
    return ""


def _subject(text: str, state: State) -> str:
    """Return the name that the sentence begins with; empty where it begins with none."""
    names = [clean(c.name) for c in state.result.candidates] if state.result else []
    return next((name for name in sorted(names, key=len, reverse=True) if text.startswith(name)), "")


def in_lines(text: str, subject: str, width: int) -> list[Line]:
    """Return a sentence in lines, with the subject that it begins with in bold, for the eye to land on."""
    lines: list[Line] = []
    at = 0
    for line in wrap(text, width):
        at = max(text.find(line, at), at)  # lines are broken at spaces, which go, and inside a word that is too long
        bold = max(len(subject) - at, 0)
        lines.append([(line[:bold], "bold"), (line[bold:], "")])
        at += len(line)
    return lines
