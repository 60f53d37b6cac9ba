"""The commands of the app, one class per action; `bindings` makes the keys, footer, help and guide from them.

A command is a message to the main screen. A key, a button and the command palette post the same one. The first line of
the docstring is the help text.
"""

from __future__ import annotations

from latency_tui.tui.commands.announcement import announcement
from latency_tui.tui.commands.base import KEY_LABELS, Command, PlanCommand
from latency_tui.tui.commands.history import (
    CompareWithSaved,
    DeleteSaved,
    FilterSaved,
    FirstSaved,
    LastSaved,
    NextSaved,
    OpenSaved,
    PreviousSaved,
    SavedPageDown,
    SavedPageUp,
    ShowTrend,
    command_of_key,
)
from latency_tui.tui.commands.measuring import (
    FocusRuns,
    Freeze,
    MeasureColdStart,
    Profile,
    SetOptions,
    Stop,
    TakeControl,
    Train,
    UntilKnown,
)
from latency_tui.tui.commands.models import (
    AddModel,
    AddVariants,
    ChangeData,
    Choose,
    ChooseAll,
    ChooseNone,
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
    failure,
)
from latency_tui.tui.commands.refusal import refusal
from latency_tui.tui.commands.results import CopyTable, MeasureMore, NextResult, PreviousResult, SaveAs, ShowNoise
from latency_tui.tui.commands.screen import (
    ChangeTheme,
    Enlarge,
    LeaveChart,
    Quit,
    ReverseComparison,
    ShowHelp,
    ShowPalette,
    SortComparison,
)
from latency_tui.tui.commands.steps import ShowSteps
from latency_tui.tui.commands.tabs import (
    TABS,
    NextTab,
    NextView,
    PreviousTab,
    ShowCompare,
    ShowHistory,
    ShowLatency,
    ShowModels,
    ShowSpread,
    ShowTab,
)

__all__ = [
    "COMMANDS",
    "KEY_LABELS",
    "TABS",
    "AddModel",
    "AddVariants",
    "ChangeData",
    "ChangeTheme",
    "Choose",
    "ChooseAll",
    "ChooseNone",
    "Command",
    "CompareWithSaved",
    "CopyTable",
    "DeleteSaved",
    "Enlarge",
    "FilterSaved",
    "Find",
    "FirstSaved",
    "FocusRuns",
    "Freeze",
    "HighlightFirst",
    "HighlightLast",
    "HighlightNext",
    "HighlightPageDown",
    "HighlightPageUp",
    "HighlightPrevious",
    "LastSaved",
    "LeaveChart",
    "MakeBaseline",
    "MeasureColdStart",
    "MeasureMore",
    "NextResult",
    "NextSaved",
    "NextTab",
    "NextView",
    "OpenSaved",
    "PlanCommand",
    "PreviousResult",
    "PreviousSaved",
    "PreviousTab",
    "Profile",
    "Quit",
    "RemoveModel",
    "ReverseComparison",
    "SaveAs",
    "SavedPageDown",
    "SavedPageUp",
    "SetOptions",
    "ShowCompare",
    "ShowFailure",
    "ShowHelp",
    "ShowHistory",
    "ShowLatency",
    "ShowModels",
    "ShowNoise",
    "ShowPalette",
    "ShowSpread",
    "ShowSteps",
    "ShowTab",
    "ShowTrend",
    "SortComparison",
    "Stop",
    "TakeControl",
    "Train",
    "UntilKnown",
    "announcement",
    "command_of_key",
    "failure",
    "refusal",
]

COMMANDS: dict[str, type[Command]] = {
    command.__name__: command
    for command in (
        *(Profile, MeasureMore, Train, Stop, Freeze, FocusRuns, SetOptions, UntilKnown, TakeControl, MeasureColdStart),
        *(Choose, ChooseAll, ChooseNone, AddModel, AddVariants, RemoveModel, ChangeData, MakeBaseline),
        *(ShowSteps, ShowFailure),
        *(Find, HighlightNext, HighlightPrevious, HighlightFirst, HighlightLast, HighlightPageDown, HighlightPageUp),
        *(*TABS, NextTab, PreviousTab, NextView, Enlarge),
        *(SortComparison, ReverseComparison, ChangeTheme),
        *(ShowHelp, ShowPalette, Quit),
        *(OpenSaved, CompareWithSaved, DeleteSaved, FilterSaved, ShowTrend),
        *(NextSaved, PreviousSaved, FirstSaved, LastSaved, SavedPageDown, SavedPageUp),
        *(PreviousResult, NextResult, ShowNoise, SaveAs, CopyTable),
    )
}
"""Every command by the name that bindings use."""
