"""The empty state: what to press, and what will appear."""

from __future__ import annotations

from latency_tui.tui.commands import (
    RECIPE_COMMANDS,
    AddModel,
    Command,
    MeasureLoad,
    MeasureOnHosts,
    MeasureSweep,
    Profile,
    ShowHelp,
    ShowHistory,
    ShowPalette,
    Train,
)
from latency_tui.tui.state import State
from latency_tui.tui.styles import KEY, MUTED
from latency_tui.tui.text import wrap
from latency_tui.tui.widgets.painted_widget import PaintedWidget
from latency_tui.tui.widgets.styled_lines import Line

_PROMISE = (
    "Results appear here: the median of each model with its interval, charts of the latencies, and the answer in "
    "a sentence."
)


class EmptyState(PaintedWidget):
    """A few lines in the middle of the empty area."""

    def paint(self, state: State) -> None:
        """Show the state."""
        if self.is_new(state.work, len(state.selected)):
            lines = _text(state, min(self.content_size.width, 58))
            self.draw(lines[: max(self.content_size.height, 1)])


def _text(state: State, width: int) -> list[Line]:
    if state.work == "profiling":
        head, tail = (
            "Starting",
            "The models are being trained and warmed up; the first figures appear after the first round.",
        )
        return [[(head, "bold")], [], *_muted(tail, width)]
    if state.work == "timing steps":
        tail = "The steps of the highlighted model are timed; the dialog shows where the time goes."
        return [[("Timing steps", "bold")], [], *_muted(tail, width)]
    if state.work == "training":
        head, tail = (
            "Training",
            "The list shows the training time of each model and, if there is room, its held-out score.",
        )
        return [[(head, "bold")], [], *_muted(tail, width)]
    count = len(state.selected)
    models = "1 model" if count == 1 else f"{count} models"
    return [
        [("Nothing is measured yet", "bold")],
        [],
        _key(Profile, f"profiles the {models}" if count else "profiles the selected models"),
        _key(Train, "trains without measuring"),
        _key(MeasureSweep, "profiles them at batch sizes from 1 to 256"),
        _key(MeasureLoad, "measures them under load"),
        _key(MeasureOnHosts, "measures them on other machines"),
        _key(AddModel, "adds a model of your own"),
        _key(ShowHistory, "shows the results of earlier sessions"),
        _key(ShowHelp, "shows all keys and the guide"),
        [],
        *_questions(width),
        [],
        *_muted(_PROMISE, width),
    ]  # fmt: skip


def _key(command: type[Command], words: str) -> Line:
    return [(command.key_label(), KEY), (f"  {words}", "")]


def _questions(width: int) -> list[Line]:
    """Return the questions for which the command palette has a measurement."""
    key, asked = ShowPalette.key_label(), " ".join(command.recipe.question for command in RECIPE_COMMANDS)
    start = f"{key}  "
    first, *more = wrap(f"measures for a question: {asked}", max(width - len(start), 1))
    return [[(key, KEY), (f"  {first}", "")], *([(" " * len(start) + line, "")] for line in more)]


def _muted(text: str, width: int) -> list[Line]:
    return [[(line, MUTED)] for line in wrap(text, max(width, 1))]
