"""The dialog that starts a load test: a request rate, or a limit for the search of the highest rate."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from latency_tui.errors import UsageError
from latency_tui.plan import LoadTest, Plan
from latency_tui.plan.limits import Limit
from latency_tui.plan.load import DEFAULT_DURATION, MAX_WORKERS, WORKER_KINDS, WorkerKind
from latency_tui.text.formatting import format_seconds
from latency_tui.tui.plan_options import read_limits, some_seconds, whole_number
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line

_SEARCH_STEPS = 10
"""Approximate number of rates that a search measures."""


class LoadRequest(NamedTuple):
    """What to measure under load: the load test, and the limits of the plan."""

    load: LoadTest
    limits: tuple[Limit, ...]


class LoadOptions(Dialog[LoadRequest]):
    """Edits a load test; Enter starts it, Escape cancels.

    Args:
        plan: The plan with the selected models; its load test and limits are in the fields.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def compose(self) -> ComposeResult:
        """Yield a line for each field, and a line on what it will measure."""
        load = self._plan.load
        rates = ",".join(f"{rate:g}" for rate in load.rates) if load else ""
        kind: WorkerKind = load.worker_kind if load else "process"
        with Vertical(id="box") as box:
            box.border_title = "Measure under load"
            box.border_subtitle = "enter starts · esc cancels"
            with VerticalScroll(id="options", can_focus=False), Grid(id="lines"):
                yield from _line("rate", "Rate", rates, "requests per second, such as 200 or 50,100; empty to search")
                limits = "; ".join(str(limit) for limit in self._plan.limits)
                yield from _line("limit", "Limit", limits, "on the response time, such as p99 < 5ms")
                yield from _line("workers", "Workers", f"{load.workers if load else 1}", "per model")
                yield from _line("kind", "Kind", kind, "process, or thread for threads of one process")
                seconds = f"{load.duration if load else DEFAULT_DURATION:g} s"
                yield from _line("duration", "Duration", seconds, "of load per model and rate")
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """Show what it will measure."""
        self._check()

    @on(Input.Changed)
    def _check(self) -> None:
        try:
            request = self._read()
        except UsageError as error:
            self._say(str(error), "$text-error")
            return
        load, models = request.load, len(self._plan.candidates)
        if load.find_rate:
            seconds = load.duration * models * _SEARCH_STEPS
            self._say(f"Searches the highest rate of each model: about {format_seconds(seconds)} under load.")
        else:
            seconds = load.duration * models * len(load.rates)
            self._say(f"Takes about {format_seconds(seconds)} under load, after the models were measured alone.")

    def _say(self, words: str, style: str = MUTED) -> None:
        self.query_one("#hint", Static).update(Content.styled(sanitize_line(words), style))

    def _read(self) -> LoadRequest:
        """Return what the fields describe.

        Raises:
            UsageError: A field is invalid, or there is neither a rate nor a limit.
        """
        texts = {field.id or "": field.value.strip() for field in self.query(Input)}
        limits = read_limits(texts["limit"])
        load = read_load_test(self._plan.load, texts, searches=bool(limits))
        plan = msgspec.structs.replace(self._plan, load=load, limits=limits)  # validates both together
        return LoadRequest(load, plan.limits)

    @on(Input.Submitted)
    def _apply(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            request = self._read()
        except UsageError as error:
            self._say(str(error), "$text-error")
            return
        self.dismiss(request)


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


def _line(name: str, label: str, text: str, hint: str) -> ComposeResult:
    yield Static(label, classes="label", markup=False)
    yield Input(text, id=name, compact=True, select_on_focus=True)
    yield Static(Content.styled(hint, MUTED), classes="meaning", markup=False)
