"""The sentence above the footer: the answer in words, which claims no more than the confidence interval supports."""

from __future__ import annotations

from latency_tui.tui.commands import Choose, ChooseAll
from latency_tui.tui.state import State
from latency_tui.tui.text import sanitize_line, wrap
from latency_tui.tui.widgets.painted_widget import PaintedWidget
from latency_tui.tui.widgets.styled_lines import Line

_ONE_LINE, _TWO_LINES = 138, 56  # minimum widths at which most sentences need one or two lines


class AnswerLine(PaintedWidget):
    """The answer of the result, or what to do if there is no result yet."""

    def lines(self, state: State, width: int) -> int:
        """Return the number of lines to reserve for the sentence, which is constant during a measurement."""
        needed = len(wrap(_sentence(state), max(width - 2, 1)))
        kept = 1 if state.result is None or width >= _ONE_LINE else 2 if width >= _TWO_LINES else 3
        return max(needed, kept)

    def paint(self, state: State) -> None:
        """Show the state."""
        text = _sentence(state)
        if self.is_new(text):
            self.draw(in_lines(text, _subject(text, state), self.content_size.width))


def _sentence(state: State) -> str:
    if state.result is not None and state.result.answer:
        return sanitize_line(state.result.answer)
    if state.work == "profiling":
        return "The answer appears after the first rounds."
    if not state.selected:
        one, every = Choose.key_label(), ChooseAll.key_label()
        return f"No model is selected: {one} selects the highlighted one, {every} selects all."
    return ""


def _subject(text: str, state: State) -> str:
    """Return the name of the model with which the sentence begins; empty if it begins with none."""
    names = [sanitize_line(c.name) for c in state.result.candidates] if state.result else []
    return next((name for name in sorted(names, key=len, reverse=True) if text.startswith(name)), "")


def in_lines(text: str, subject: str, width: int) -> list[Line]:
    """Return a sentence in lines, with its subject in bold."""
    lines: list[Line] = []
    at = 0
    for line in wrap(text, width):
        at = max(text.find(line, at), at)  # lines are broken at spaces, which are dropped, and inside long words
        bold = max(len(subject) - at, 0)
        lines.append([(line[:bold], "bold"), (line[bold:], "")])
        at += len(line)
    return lines
