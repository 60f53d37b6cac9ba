"""Commands that train, measure, and set how to measure."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.state import State


class Profile(Command):
    """Measure the selected models; untrained models are trained first."""

    title, keys, footer = "Profile the selected models", ("p",), "Profile"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether it can start now, or when the training that runs has ended."""
        return state.work == "idle" or (state.work == "training" and not state.profile_after_training)


class MeasureSweep(PlanCommand):
    """Measure the selected models at batch sizes from 1 to 256 rows, or at the values of Sweep in the options."""

    title, keys, footer = "Sweep the batch size or a setting", ("S",), "Sweep"


class Train(PlanCommand):
    """Train the selected models without measuring them."""

    title, keys, footer = "Train the selected models", ("t",), "Train"


class MeasureLoad(PlanCommand):
    """Measure under load: requests at a rate, or the highest rate within a limit on the response time."""

    title, keys, footer = "Measure under load", ("L",), "Load"


class Stop(Command):
    """Close the enlarged chart, stop training the highlighted model, or stop everything (twice after 5 s of work)."""

    title, keys, shown, footer = "Stop and keep the results", ("escape",), "esc", "Stop"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether something is running that can be stopped."""
        return state.work != "idle" and state.progress.phase != "stopping"


class Freeze(Command):
    """Freeze the screen while measuring continues; the same key unfreezes it."""

    title, keys, footer = "Freeze or unfreeze the screen", ("f",), "Freeze"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether a measurement is running."""
        return state.work == "profiling"


class FocusRuns(Command):
    """Edit Runs, the number of calls per model."""

    title, keys = "Set the number of runs", ("r",)

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the number of runs counts, and its field is on the screen."""
        return not state.until_known and state.mode != "tiny"


class UntilKnown(PlanCommand):
    """Measure until every model is shown to differ from, or match, the baseline, instead of a number of runs."""

    title, keys, footer = "Toggle measuring until known", ("u",), "until known"


class SetOptions(PlanCommand):
    """Set how to measure: runs or time, limits, launches, method, threads, cores, seed and runtime."""

    title, keys, shown, footer = "Set how to measure", ("comma",), ",", "Options"


class TakeControl(PlanCommand):
    """Add a control, a hidden copy of the first model, which shows how far two equal models seem to differ here."""

    title, keys, footer = "Toggle the control", ("c",), "control"


class MeasureColdStart(PlanCommand):
    """Also measure start-up in fresh processes: import, load, first calls and memory."""

    title, keys, footer = "Toggle measuring start-up and memory", ("o",), "cold start"
