"""The dialog Where the time goes: the steps of a model with their bars, while they are timed and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content

from latency_tui.text.steps import TITLE, StepRow, bar, call_line, describe_steps, step_rows
from latency_tui.tui.screens.text_dialog import TextDialog
from latency_tui.tui.step_view import StepView
from latency_tui.tui.styles import FAINT, MUTED
from latency_tui.tui.text import fit, sanitize_line, wrap

_MAX_BAR = 24
_MIN_BAR = 6
_WIDE = 76
"""From this width on, there is room for the intervals."""


class StepsDialog(TextDialog):
    """Shows the steps of a model, and those of other models of a result.

    Args:
        views: What to show.
        stop: Stops the pass that runs; returns whether one was running.
        again: Times the steps of the first model again.
        may_repeat: Returns whether that is possible.

    Attributes:
        views: What it shows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "stop_or_close", "Close"),
        Binding("W", "again", "Again"),
    ]

    def __init__(
        self,
        views: tuple[StepView, ...],
        stop: Callable[[], bool],
        again: Callable[[], None],
        may_repeat: Callable[[], bool],
    ) -> None:
        super().__init__(TITLE)
        self.views = views
        self._stop = stop
        self._again = again
        self._may_repeat = may_repeat

    def show(self, views: tuple[StepView, ...]) -> None:
        """Show other views, or a later state of the same one."""
        self.views = views
        if self.is_mounted and not self.closed:
            self._write()

    def lines(self, width: int) -> list[Content]:
        """Return all lines of the dialog."""
        found: list[Content] = []
        for view in self.views:
            found += [Content("")] if found else []
            found += step_lines(view, width)
        return found

    def _write(self) -> None:
        super()._write()
        if not self.closed:
            running = any(view.progress for view in self.views)
            keys = "W times them again · esc closes" if self._may_repeat() else self.KEYS
            self.query_one("#sheet").border_subtitle = "esc stops" if running else keys

    def action_stop_or_close(self) -> None:
        """Stop the pass that runs; close the dialog if none runs."""
        if not self._stop():
            self.dismiss()

    def action_again(self) -> None:
        """Time the steps again."""
        self._again()


def step_lines(view: StepView, width: int) -> list[Content]:
    """Return the lines of one model, each at most as wide as given."""
    name = sanitize_line(view.name)
    if view.error:
        words = f"The steps of {name} could not be timed: {sanitize_line(view.error).rstrip('.')}."
        return [Content.styled(line, "bold $text-error") for line in wrap(words, width)]
    progress = [Content.styled(line, MUTED) for line in wrap(view.progress, width)]
    found = view.found
    if found is None:
        words = f"The steps of {name} are timed in a separate pass, which takes a few seconds."
        return [*(Content.styled(line, "bold") for line in wrap(words, width)), Content(""), *progress]
    sentences = describe_steps(name, found, view.steps)
    if view.progress:
        sentences = sentences[:1]
    lines = [Content.styled(line, "bold") for line in wrap(sentences[0], width)]
    if line := call_line(found):
        lines += [Content.styled(part, MUTED) for part in wrap(line, width)]
    lines.append(Content(""))
    lines += _table(step_rows(found, view.steps), width)
    for sentence in sentences[1:]:
        lines += [Content(""), *(Content(part) for part in wrap(sentence, width))]
    return [*lines, Content(""), *progress] if progress else lines


def _table(rows: list[StepRow], width: int) -> list[Content]:
    if not rows:
        return []
    labels = ["  " * row.depth + sanitize_line(row.label) for row in rows]
    times, shares, intervals = ([getattr(row, name) for row in rows] for name in ("time", "percent", "interval"))
    time, share, interval = (max(map(cell_len, column)) for column in (times, shares, intervals))
    interval = interval if width >= _WIDE else 0
    fixed = time + share + 6 + (interval + 2 if interval else 0)
    longest = max(map(cell_len, labels))
    size = min(max(width - fixed - longest, _MIN_BAR), _MAX_BAR)
    label = min(longest, max(width - fixed - size, 8))
    lines = []
    for row, text in zip(rows, labels, strict=True):
        style = "" if row.kind == "step" else MUTED
        parts = [(fit(text, label), style), ("  ", ""), (fit(row.time, time, right=True), style)]
        if interval:
            parts += [("  ", ""), (fit(row.interval, interval, right=True), MUTED)]
        parts += [("  ", ""), (fit(row.percent, share, right=True), style)]
        if row.kind in ("step", "rest"):
            parts += [("  ", ""), (bar(row.share, size), "$primary" if row.kind == "step" else FAINT)]
        lines.append(Content.assemble(*parts))
    return lines
