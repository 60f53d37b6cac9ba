"""Key bindings, and the lists of keys in the footer, on the help screen and in the guide."""

from __future__ import annotations

from textual.binding import Binding

from latency_tui.tui.commands import (
    COMMANDS,
    AddModel,
    AddVariants,
    ChangeData,
    Choose,
    Command,
    CompareWithSaved,
    DeleteSaved,
    Enlarge,
    FilterSaved,
    Freeze,
    LeaveChart,
    MakeBaseline,
    MeasureLoad,
    MeasureMore,
    MeasureSweep,
    NextView,
    OpenSaved,
    Profile,
    Quit,
    SaveAs,
    ShowFailure,
    ShowHelp,
    ShowNoise,
    ShowPalette,
    ShowSteps,
    ShowTrend,
    SortComparison,
    Stop,
    Train,
)
from latency_tui.tui.state import State

ALWAYS: tuple[type[Command], ...] = (ShowHelp, ShowPalette, Quit)
"""Commands that are always shown at the right end of the footer."""

_FOOTER: tuple[type[Command], ...] = (
    *(Stop, Freeze, Profile, ShowFailure, MeasureMore, Choose, Train, AddModel, ChangeData, AddVariants),
    *(MakeBaseline, ShowSteps, Enlarge, SaveAs, ShowNoise),
)
"""The keys of the models, the most important first: a narrow footer drops them from the end."""

_FOOTER_OF_RESULTS: tuple[type[Command], ...] = (
    *(
        Stop,
        Freeze,
        Profile,
        ShowFailure,
        MeasureMore,
        NextView,
        SortComparison,
        SaveAs,
        MakeBaseline,
        Enlarge,
        ShowSteps,
        ShowNoise,
    ),
    *(Choose, Train),
)
_FOOTER_OF_LOAD: tuple[type[Command], ...] = (
    *(Stop, Freeze, MeasureLoad, Profile, ShowFailure, NextView, SaveAs, Enlarge, ShowNoise, Choose),
)
_FOOTER_OF_SWEEP: tuple[type[Command], ...] = (
    *(Stop, Freeze, MeasureSweep, Profile, ShowFailure, NextView, SaveAs, Enlarge, ShowNoise, Choose),
)
_FOOTER_OF_HISTORY: tuple[type[Command], ...] = (
    *(Stop, OpenSaved, CompareWithSaved, ShowTrend, FilterSaved, DeleteSaved, Profile, Freeze, Choose),
)
_FOOTER_OF_TAB = {"sweep": _FOOTER_OF_SWEEP, "load": _FOOTER_OF_LOAD, "history": _FOOTER_OF_HISTORY}
"""The keys of tabs whose figures need a measurement of their own, and of saved results."""
_MAX_IN_FOOTER = 6


def bindings() -> list[Binding]:
    """Return the key bindings of the main screen; a configuration can change keys by the ids of the bindings."""
    return [
        Binding(
            ",".join(command.keys),
            f"command('{name}')",
            command.title or command.help(),
            show=bool(command.footer),
            key_display=command.default_label(),
            tooltip=command.help(),
            id=binding_id(name),
        )
        for name, command in COMMANDS.items()
        if command.keys
    ]


def footer(state: State, *, enlarged: bool = False) -> tuple[type[Command], ...]:
    """Return the commands at the left end of the footer: at most six that apply now, the most important first."""
    if enlarged:
        return (
            LeaveChart,
            Enlarge,
            *(command for command in (NextView, Freeze, SaveAs, ShowNoise) if command.applies(state)),
        )
    order = _FOOTER if state.tab == "models" or state.result is None else _FOOTER_OF_RESULTS
    if state.mode != "tiny":
        order = _FOOTER_OF_TAB.get(state.tab, order)
    return tuple(command for command in order if command.applies(state))[:_MAX_IN_FOOTER]


def grouped() -> dict[str, list[type[Command]]]:
    """Return the commands by their heading on the help screen."""
    groups: dict[str, list[type[Command]]] = {}
    for command in COMMANDS.values():
        groups.setdefault(command.group, []).append(command)
    return groups


def key_table() -> str:
    """Return all keys and their descriptions as a Markdown table for the guide."""
    lines = ["| key | what it does |", "| --- | --- |"]
    lines += [
        f"| `{c.default_label()}` | {c.help()} |" for group in grouped().values() for c in group if c.default_label()
    ]
    return "\n".join(lines) + "\n"


def binding_id(name: str) -> str:
    """Return the name of a command in a configuration file: `MakeBaseline` becomes `make-baseline`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).strip("-")
