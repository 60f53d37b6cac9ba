"""Checks that machine, libraries, files and modules are the same as in an earlier measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from latency_tui.catalog.input_hashes import named_inputs
from latency_tui.engine.protocol import Environment, Event, InputsIdentified
from latency_tui.errors import EngineError
from latency_tui.plan import Plan

_SHOWN = 3
_SHA_256_DIGITS = 64


class InputsChangedError(EngineError):
    """A file, a module or a library has changed since the first calls of a result."""

    title = "What is measured has changed"


def check_inputs(plan: Plan, before: Mapping[str, str], event: Event) -> None:
    """Check an event of a measurement, before anything is loaded.

    Args:
        plan: The current plan; inputs that only other plans use are not compared.
        before: SHA-256 of each file and module, and version of each library, of the earlier calls.
        event: The event.

    Raises:
        InputsChangedError: An input differs; the message names it, as part of a sentence.
    """
    if not isinstance(event, InputsIdentified):
        return
    names = {*event.inputs, *(name for name in named_inputs(plan) if name in before)}
    known = {name: before[name] for name in sorted(names) if name in before}
    if differences := [*map(_format_difference, _find_differences(known, event.inputs))]:
        raise InputsChangedError(f"what was measured has changed: {_first(differences)}")


def check_environment(before: Environment, now: Environment) -> None:
    """Check that latencies of two environments can be compared.

    Raises:
        InputsChangedError: CPU, cores, Python or a library differ; the message names it, as part of a sentence.
    """
    was, is_ = (
        {"CPU": one.cpu, "cores": str(one.cores), "Python": one.python, **one.versions} for one in (before, now)
    )
    if differences := [*map(_format_difference, _find_differences(was, is_))]:
        raise InputsChangedError(f"the environment is not the same: {_first(differences)}")


def _find_differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Yield the name, the old and the new value of each difference; a missing value is `none`."""
    for name in dict.fromkeys((*before, *now)):
        was, is_ = before.get(name, "none"), now.get(name, "none")
        if was != is_:
            yield name, was, is_


def _format_difference(difference: tuple[str, str, str]) -> str:
    name, was, is_ = difference
    if _SHA_256_DIGITS in (len(was), len(is_)):
        return f"the content of {name}"
    return f"{name} was {was} and is {is_}"


def _first(differences: list[str]) -> str:
    more = len(differences) - _SHOWN
    return "; ".join(differences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
