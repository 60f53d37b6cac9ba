"""Commands on the results of the tab History. Each has the key of its counterpart for the list of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from latency_tui.tui.commands.base import Command
from latency_tui.tui.commands.models import (
    Find,
    HighlightFirst,
    HighlightLast,
    HighlightNext,
    HighlightPageDown,
    HighlightPageUp,
    HighlightPrevious,
    MakeBaseline,
    RemoveModel,
    ShowFailure,
)
from latency_tui.tui.state import State


class HistoryCommand(Command):
    """A command that applies while the tab History is open.

    Attributes:
        key_of: The command whose key it has.
    """

    key_of: ClassVar[type[Command]]
    group = "History"

    @classmethod
    def key_label(cls) -> str:
        """Return the key of its counterpart."""
        return cls.key_of.key_label()

    @classmethod
    def default_label(cls) -> str:
        """Return the default key of its counterpart."""
        return cls.key_of.default_label()

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the tab is open and has results."""
        return is_listed(state)


def is_listed(state: State) -> bool:
    """Return whether the tab History is open and has results."""
    return state.tab == "history" and state.mode != "tiny" and bool(state.history.rows)


class OpenSaved(HistoryCommand):
    """In History: open the highlighted result."""

    title, footer, key_of = "Open the highlighted result", "Open", ShowFailure

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether a result is highlighted, and nothing is being measured."""
        return super().applies(state) and state.history.row is not None and state.work != "profiling"


class CompareWithSaved(HistoryCommand):
    """In History: compare results with the highlighted one, in Compare and in the bars; again on it stops that."""

    title, footer, key_of = "Compare with the highlighted result", "Baseline", MakeBaseline

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether a result is highlighted."""
        return super().applies(state) and state.history.row is not None


class DeleteSaved(HistoryCommand):
    """In History: delete the highlighted result (twice, because it asks first)."""

    title, footer, key_of = "Delete the highlighted result", "Delete", RemoveModel

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether a result is highlighted."""
        return super().applies(state) and state.history.row is not None


class FilterSaved(HistoryCommand):
    """In History: show only results with a text in their date, name, tags, models, data or host."""

    title, footer, key_of = "Filter the results", "Filter", Find

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the tab is open and the history has results."""
        return state.tab == "history" and state.mode != "tiny" and bool(state.history.all_rows)


class NextSaved(HistoryCommand):
    """In History: highlight the next result."""

    key_of = HighlightNext


class PreviousSaved(HistoryCommand):
    """In History: highlight the previous result."""

    key_of = HighlightPrevious


class FirstSaved(HistoryCommand):
    """In History: highlight the newest result."""

    key_of = HighlightFirst


class LastSaved(HistoryCommand):
    """In History: highlight the oldest result."""

    key_of = HighlightLast


class SavedPageDown(HistoryCommand):
    """In History: highlight the result ten lines below."""

    key_of = HighlightPageDown


class SavedPageUp(HistoryCommand):
    """In History: highlight the result ten lines above."""

    key_of = HighlightPageUp


class ShowTrend(Command):
    """In History: show how the p50 changed over the results of the highlighted plan; again for the next model."""

    title, keys, footer, group = "Show the trend of the highlighted plan", ("T",), "Trend", "History"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether a result is highlighted."""
        return is_listed(state) and state.history.row is not None


_COUNTERPARTS: Mapping[type[Command], type[HistoryCommand]] = {
    command.key_of: command
    for command in (
        *(OpenSaved, CompareWithSaved, DeleteSaved, FilterSaved, NextSaved, PreviousSaved),
        *(FirstSaved, LastSaved, SavedPageDown, SavedPageUp),
    )
}


def command_of_key(command: type[Command], state: State) -> type[Command]:
    """Return what the key of a command does now: while History is open, some keys mean its results."""
    return _COUNTERPARTS.get(command, command) if state.tab == "history" and state.mode != "tiny" else command
