"""What a user can do: one class an action; `offers` makes keys, footer, help screen and README table of them.

A command is a message; whoever presses a key, clicks a button or picks it in the palette posts the same one, and the
main screen answers it. The first line of the docstring is the help text.
"""

from __future__ import annotations

from typing import ClassVar

from textual.message import Message

from latency_tui.tui.state import State

CHANGED_LABELS: dict[str, str] = {}
"""How the keys are written that the open app's configuration has changed, by the command's name."""


class Command(Message):
    """One action of a user.

    Attributes:
        title: What the palette and the footer call it: a verb.
        keys: Keys that do it, as Textual names them; the first is the one shown.
        shown: How the key is written; empty for the first key as it is.
        footer: A word for the footer; empty where it has no place there.
        group: Heading on the help screen.
    """

    title: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()
    shown: ClassVar[str] = ""
    footer: ClassVar[str] = ""
    group: ClassVar[str] = "Measure"

    @classmethod
    def help(cls) -> str:
        """Return the sentence that explains it."""
        return (cls.__doc__ or "").partition("\n")[0].strip()

    @classmethod
    def key_label(cls) -> str:
        """Return the key as a person reads it: the one of the configuration, where that has changed it."""
        return CHANGED_LABELS.get(cls.__name__) or cls.default_label()

    @classmethod
    def default_label(cls) -> str:
        """Return the key that it has where no configuration says otherwise, as a person reads it."""
        return cls.shown or (cls.keys[0] if cls.keys else "")

    @classmethod
    def applies(cls, state: State) -> bool:  # noqa: ARG003  # those that depend on it read it
        """Return whether it would do something now."""
        return True

    @classmethod
    def refusal(cls, state: State) -> str:
        """Return why it does nothing now, and what to do; empty where that needs no word."""
        if state.work != "idle" and issubclass(cls, PlanCommand | Profile | PreviousResult | NextResult):
            return f"Something is running: {Stop.key_label()} stops it and keeps what was measured."
        if cls in (AddVariants, RemoveModel):
            return f"There is no model in the list; {AddModel.key_label()} adds one."
        if cls in (PreviousResult, NextResult):
            return f"There is no other result; {Profile.key_label()} measures again."
        if cls is MakeBaseline and state.result is not None:
            return "There are no numbers of the highlighted model on the screen."
        if cls is MeasureMore and state.result is not None:
            return f"More runs would change nothing in this answer; {Profile.key_label()} measures afresh."
        if cls in (ShowFailure, Stop, FocusRuns):
            return ""
        return f"There is {'nothing to freeze' if cls is Freeze else 'no result'} yet; {Profile.key_label()} measures."


class PlanCommand(Command):
    """One that changes what is measured, or begins to: not while something runs."""

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running."""
        return state.work == "idle"


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


class MeasureMore(PlanCommand):
    """Measure what is missing, and add it to the result: what was stopped, or what would settle the answer."""

    title, keys, footer = "Measure more for this result", ("m",), "More"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running, and more would help."""
        return super().applies(state) and state.result is not None and state.result.more is not None


class Stop(Command):
    """Leave the enlarged chart, or stop the highlighted training, or else stop all and keep what was measured."""

    title, keys, shown, footer = "Stop, keep what was measured", ("escape",), "esc", "Stop"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether something runs."""
        return state.work != "idle" and state.progress.phase != "stopping"


class LeaveChart(Command):
    """Leave the enlarged chart; the key is that of Stop, which needs a second press then."""

    footer, group = "Back", "Screen"

    @classmethod
    def key_label(cls) -> str:
        """Return the key of Stop."""
        return Stop.key_label()


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
        """Return whether that number says how long to measure."""
        return not state.until_known


class UntilKnown(PlanCommand):
    """Measure until each model is told from the baseline or known to be the same, instead of a number of runs."""

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


class Choose(PlanCommand):
    """Choose or drop the highlighted model."""

    title, keys, footer, group = "Choose or drop the highlighted model", ("space",), "Choose", "Models"


class ChooseAll(PlanCommand):
    """Choose all models."""

    title, keys, group = "Choose all models", ("a",), "Models"


class ChooseNone(PlanCommand):
    """Choose no model."""

    title, keys, group = "Choose no model", ("n",), "Models"


class AddModel(PlanCommand):
    """Add a model: by its name, from a file, which is looked at first, or by an import path."""

    title, keys, shown, footer, group = "Add a model to the list", ("plus",), "+", "Add", "Models"


class ChangeData(PlanCommand):
    """Change the data: a bundled set, a file with its target, or one that is made; models are trained anew."""

    title, keys, footer, group = "Change the data", ("d",), "Data", "Models"


class AddVariants(PlanCommand):
    """Add variants of the highlighted model: the same model with other settings."""

    title, keys, footer, group = "Add variants of the highlighted model", ("v",), "Variants", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running and there is a model."""
        return super().applies(state) and state.row is not None


class RemoveModel(PlanCommand):
    """Remove the highlighted line from the list; what was measured of it stays."""

    title, keys, shown, group = "Remove the highlighted model from the list", ("minus",), "-", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running and there is a model."""
        return super().applies(state) and state.row is not None


class MakeBaseline(Command):
    """Make the highlighted model the baseline that the others are compared with; nothing is measured again."""

    title, keys, footer, group = "Make the highlighted model the baseline", ("b",), "Baseline", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether numbers of the highlighted model are on the screen."""
        result = state.result
        return result is not None and any(c.slug == state.highlighted and c.statistics for c in result.candidates)


class ShowFailure(Command):
    """Show why the highlighted model failed, with its traceback."""

    title, keys, group = "Show why the highlighted model failed", ("enter",), "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether it failed."""
        return failure(state) is not None


class Find(Command):
    """Find a model by a part of its name."""

    title, keys, shown, group = "Find a model", ("slash",), "/", "Models"


class HighlightNext(Command):
    """Highlight the next model."""

    title, keys, shown, group = "", ("j", "down"), "j ↓", "Models"


class HighlightPrevious(Command):
    """Highlight the previous model."""

    title, keys, shown, group = "", ("k", "up"), "k ↑", "Models"


class ShowModels(Command):
    """Show the models and the plan (a tab of its own on narrow screens)."""

    title, keys, group = "Show the models and the plan", ("0",), "Screen"


class ShowLatency(Command):
    """Show the charts of latencies; once more for the other chart where only one fits."""

    title, keys, group = "Show Latency", ("1",), "Screen"


class ShowCompare(Command):
    """Show every model against the baseline, and percentiles side by side."""

    title, keys, group = "Show Compare", ("3",), "Screen"


class ShowNoise(Command):
    """Show how quiet the machine was, what to do about it, and start-up and memory where they were measured."""

    title, keys, footer, group = "Show noise, machine and start-up", ("i",), "Noise", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a result."""
        return state.result is not None


class NextTab(Command):
    """Show the next tab."""

    title, keys, shown, group = "", ("l", "right"), "l →", "Screen"


class PreviousTab(Command):
    """Show the previous tab."""

    title, keys, shown, group = "", ("h", "left"), "h ←", "Screen"


class Enlarge(Command):
    """Enlarge a chart to the whole screen; once more for the next one, then back."""

    title, keys, footer, group = "Enlarge a chart, or go back", ("e",), "Enlarge", "Screen"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a chart to enlarge."""
        return state.result is not None and bool(state.result.measured)


class PreviousResult(Command):
    """Show the result before this one."""

    title, keys, shown, group = "Show the result before", ("left_square_bracket",), "[", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is one, and nothing is being measured."""
        return state.work != "profiling" and state.shown > 0


class NextResult(Command):
    """Show the result after this one."""

    title, keys, shown, group = "Show the result after", ("right_square_bracket",), "]", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is one, and nothing is being measured."""
        return state.work != "profiling" and state.shown < len(state.measurements) - 1


class SaveAs(Command):
    """Save the result to a file: .json, .csv or .md."""

    title, keys, footer, group = "Save the result as a file", ("s",), "Save", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a result."""
        return state.result is not None


class CopyTable(Command):
    """Copy the table of results to the clipboard, over SSH as well (OSC 52)."""

    title, keys, group = "Copy the table of results", ("y",), "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a result."""
        return state.result is not None


class ChangeTheme(Command):
    """Change the colours of the screen."""

    title, group = "Change the theme", "Screen"


class ShowHelp(Command):
    """Show this help."""

    title, keys, shown, footer, group = "Show all keys", ("question_mark", "f1"), "?", "Help", "Screen"


class ShowPalette(Command):
    """Show the commands that apply now, to be found by typing."""

    title, keys, shown, footer, group = "", ("ctrl+p", "colon"), "^p", "Commands", "Screen"


class Quit(Command):
    """Leave; the last table is printed to the shell."""

    title, keys, footer, group = "Quit", ("q",), "Quit", "Screen"


COMMANDS: dict[str, type[Command]] = {
    command.__name__: command
    for command in (
        *(Profile, MeasureMore, Train, Stop, Freeze, FocusRuns, SetOptions, UntilKnown, TakeControl, MeasureColdStart),
        *(Choose, ChooseAll, ChooseNone, AddModel, AddVariants, RemoveModel, ChangeData, MakeBaseline, ShowFailure),
        *(Find, HighlightNext, HighlightPrevious),
        *(ShowModels, ShowLatency, ShowCompare, NextTab, PreviousTab, Enlarge, ChangeTheme),
        *(ShowHelp, ShowPalette, Quit),
        *(PreviousResult, NextResult, ShowNoise, SaveAs, CopyTable),
    )
}
"""Every command by the name that bindings use."""


def failure(state: State) -> tuple[str, str, str] | None:
    """Return name, message and traceback of the highlighted model's failure; None where it did not fail."""
    for candidate in state.result.candidates if state.result else ():
        if candidate.slug == state.highlighted and candidate.status == "failed":
            return candidate.name, candidate.error or "", candidate.traceback or ""
    row = state.row
    if row is not None and row.stage == "failed":
        return row.candidate.name, row.error, row.traceback
    return None
