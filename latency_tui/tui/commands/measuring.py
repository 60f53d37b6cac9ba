"""Commands that train and measure, and that set how."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.state import State


class Profile(Command):
    """Measure the chosen models; those that are not trained yet are trained first."""

    title, keys, footer = "Profile the chosen models", ("p",), "Profile"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is being measured; while models are trained, it follows when they are."""
        return state.work == "idle" or (state.work == "training" and not state.then_profile)


class Train(PlanCommand):
    """Train the chosen models, and measure nothing yet."""

    title, keys, footer = "Train the chosen models", ("t",), "Train"


class Stop(Command):
    """Leave the enlarged chart, or stop the highlighted training, or stop all: press it twice after 5 s of work."""

    title, keys, shown, footer = "Stop, keep what was measured", ("escape",), "esc", "Stop"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether something runs."""
        return state.work != "idle" and state.progress.phase != "stopping"


class Freeze(Command):
    """Freeze the screen; measuring goes on, and the same key lets the screen catch up."""

    title, keys, footer = "Freeze or unfreeze the screen", ("f",), "Freeze"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether a measurement runs."""
        return state.work == "profiling"


class FocusRuns(Command):
    """Go to the field Runs: how often each model is called."""

    title, keys = "Set the number of runs", ("r",)

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether that number says how long to measure, and the field is on the screen."""
        return not state.until_known and state.mode != "tiny"


class UntilKnown(PlanCommand):
    """Measure until each model is shown to differ from the baseline or to be the same, instead of a number of runs."""

    title, keys, footer = "Measure until it is known, or for a number of runs", ("u",), "until known"


class SetOptions(PlanCommand):
    """Set how to measure: runs, time or until decided, limits, launches, method, threads, cores, seed and runtime."""

    title, keys, shown, footer = "Set how to measure", ("comma",), ",", "Options"


class TakeControl(PlanCommand):
    """Take a hidden copy of the first model along: what this machine makes of two that are identical."""

    title, keys, footer = "Take a control copy along, or leave it", ("c",), "control"


class MeasureColdStart(PlanCommand):
    """Measure what a fresh process costs too, in a pass of its own: import, load, first calls and memory."""

    title, keys, footer = "Measure start-up and memory too, or not", ("o",), "cold start"
