"""The dialog that starts a load test: a request rate, or a limit for the search of the highest rate."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from textual.app import ComposeResult

from latency_tui.errors import UsageError
from latency_tui.plan import LoadTest, Plan
from latency_tui.plan.limits import Limit
from latency_tui.plan.load import DEFAULT_DURATION, MAX_WORKERS, WORKER_KINDS, WorkerKind
from latency_tui.text.formatting import format_seconds
from latency_tui.tui.plan_options import read_limits, some_seconds, whole_number
from latency_tui.tui.screens.options_form import OptionsForm, option_line

_SEARCH_STEPS = 10
"""Approximate number of rates that a search measures."""


class LoadRequest(NamedTuple):
    """What to measure under load: the load test, and the limits of the plan."""

    load: LoadTest
    limits: tuple[Limit, ...]


class LoadOptions(OptionsForm[LoadRequest]):
    """Edits a load test; Enter starts it, Escape cancels.

    Args:
        plan: The plan with the selected models; its load test and limits are in the fields.
    """

    HEADING = "Measure under load"
    ENTER = "starts"

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def compose_lines(self) -> ComposeResult:
        """Yield a line for each field."""
        load = self._plan.load
        rates = ",".join(f"{rate:g}" for rate in load.rates) if load else ""
        yield from option_line("rate", "Rate", rates, "requests per second, such as 200 or 50,100; empty to search")
        limits = "; ".join(str(limit) for limit in self._plan.limits)
        yield from option_line("limit", "Limit", limits, "on the response time, such as p99 < 5ms")
        yield from option_line("workers", "Workers", f"{load.workers if load else 1}", "per model")
        kind: WorkerKind = load.worker_kind if load else "process"
        yield from option_line("kind", "Kind", kind, "process, or thread for threads of one process")
        seconds = f"{load.duration if load else DEFAULT_DURATION:g} s"
        yield from option_line("duration", "Duration", seconds, "of load per model and rate")

    def read(self, texts: dict[str, str]) -> LoadRequest:
        """Return the load test; there must be a rate or a limit."""
        limits = read_limits(texts["limit"])
        load = read_load_test(self._plan.load, texts, searches=bool(limits))
        plan = msgspec.structs.replace(self._plan, load=load, limits=limits)  # validates both together
        return LoadRequest(load, plan.limits)

    def describe(self, found: LoadRequest) -> str:
        """Return about how long it will take."""
        load, models = found.load, len(self._plan.candidates)
        if load.find_rate:
            seconds = load.duration * models * _SEARCH_STEPS
            return f"Searches the highest rate of each model: about {format_seconds(seconds)} under load."
        seconds = load.duration * models * len(load.rates)
        return f"Takes about {format_seconds(seconds)} under load, after the models were measured alone."


def read_load_test(before: LoadTest | None, texts: dict[str, str], *, searches: bool) -> LoadTest:
    """Return the load test that the fields describe; arrivals stay as they were.

    Args:
        before: The load test that was edited.
        texts: The text of each field, by its id.
        searches: Whether the highest rate can be searched, because there is a limit.

    Raises:
        UsageError: A field is invalid, or there is neither a rate nor a limit.
    """
    try:
        rates = tuple(float(part.strip().removesuffix("/s")) for part in texts["rate"].split(",") if part.strip())
    except ValueError:
        raise UsageError("Rate: requests per second, such as 200 or 50,100,200.") from None
    if not rates and not searches:
        raise UsageError("Type a rate, or a limit such as p99 < 5ms to search the highest rate.")
    kind = next((kind for kind in WORKER_KINDS if texts["kind"] and kind.startswith(texts["kind"].casefold())), None)
    if kind is None:
        raise UsageError(f"Kind: {' or '.join(WORKER_KINDS)}.")
    return LoadTest(
        rates=rates,
        find_rate=not rates,
        workers=whole_number(texts["workers"], "Workers", MAX_WORKERS),
        worker_kind=kind,
        duration=some_seconds(texts["duration"], "Duration"),
        arrivals=before.arrivals if before else "poisson",
        gaps=before.gaps if before else (),
        gaps_file=before.gaps_file if before else "",
    )
