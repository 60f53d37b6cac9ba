"""Commands on results."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.state import State


class ShowNoise(Command):
    """Show how noisy the machine was, what to do about it, and start-up and memory if they were measured."""

    title, keys, footer, group = "Show noise, machine and start-up", ("i",), "Noise", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a result."""
        return state.result is not None


class PreviousResult(Command):
    """Show the previous result; before the first one of this session, those of older sessions."""

    title, keys, shown, group = "Show the previous result", ("left_square_bracket",), "[", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is being measured; the history may have one that is not open yet."""
        return state.work != "profiling"


class NextResult(Command):
    """Show the next result."""

    title, keys, shown, group = "Show the next result", ("right_square_bracket",), "]", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is being measured."""
        return state.work != "profiling"


class SaveAs(Command):
    """Save the result to a file: .json, .html, .md, .csv and others; a browser downloads it."""

    title, keys, footer, group = "Save the result as a file", ("s",), "Save", "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a result."""
        return state.result is not None


class CopyTable(Command):
    """Copy the table of results to the clipboard, also over SSH (OSC 52)."""

    title, keys, group = "Copy the table of results", ("y",), "Results"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a result."""
        return state.result is not None


class MeasureMore(PlanCommand):
    """Continue the measurement: finish what was stopped, or measure what would decide the answer."""

    title, keys, footer = "Measure more for this result", ("m",), "More"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running, and more calls would change the answer."""
        if state.measurement is None or state.measurement.is_saved:
            return False
        return super().applies(state) and state.result is not None and state.result.more is not None
