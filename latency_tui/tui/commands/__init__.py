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
    NextSaved,
    OpenSaved,
    PreviousSaved,
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
    HighlightNext,
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
    "FocusRuns",
    "Freeze",
    "HighlightNext",
    "HighlightPrevious",
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
    "ShowTab",
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
        *(Choose, ChooseAll, ChooseNone, AddModel, AddVariants, RemoveModel, ChangeData, MakeBaseline, ShowFailure),
        *(Find, HighlightNext, HighlightPrevious),
        *(*TABS, NextTab, PreviousTab, NextView, Enlarge),
        *(SortComparison, ReverseComparison, ChangeTheme),
        *(ShowHelp, ShowPalette, Quit),
        *(OpenSaved, CompareWithSaved, DeleteSaved, FilterSaved, NextSaved, PreviousSaved),
        *(PreviousResult, NextResult, ShowNoise, SaveAs, CopyTable),
    )
}
"""Every command by the name that bindings use."""
