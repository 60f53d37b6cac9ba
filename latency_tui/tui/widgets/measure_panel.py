"""The panel Measure: two fields, three switches, two buttons, and the progress of the running job."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.widgets import Static

from latency_tui.plan import Plan
from latency_tui.text.formatting import format_more, format_seconds
from latency_tui.tui.commands import (
    Choose,
    ChooseAll,
    MeasureColdStart,
    MeasureMore,
    Profile,
    SetOptions,
    Stop,
    TakeControl,
    Train,
    UntilKnown,
)
from latency_tui.tui.plan_to_measure import refusals
from latency_tui.tui.state import State
from latency_tui.tui.styles import FAINT, KEY, MUTED
from latency_tui.tui.text import wrap
from latency_tui.tui.widgets.fields import Field
from latency_tui.tui.widgets.key_button import KeyButton
from latency_tui.tui.widgets.key_switch import KeySwitch
from latency_tui.tui.widgets.styled_lines import Line, Piece, StyledLines

_BAR = 16
_PROGRESS_LINES = 2


class MeasurePanel(Container):
    """Runs (or seconds), batch, the switches, Train, Profile and the progress line."""

    def __init__(self, state: State, *, id: str | None = None) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._state = state
        self._painted: tuple[object, ...] = ()
        self._offered: tuple[bool, ...] = ()
        self._field_resets = state.field_resets
        self.border_title = "Measure"

    def compose(self) -> ComposeResult:
        """Yield the fields, the switches, the buttons and the progress line."""
        yield Static(_unit(self._state.plan), id="unit", classes="label", markup=False)
        with Horizontal(id="length"):
            yield Field(self._state.runs_text, id="runs", compact=True)
            options = KeyButton(SetOptions, id="options")
            options.can_focus = False  # tab goes from field to field
            yield options
        yield Static("Batch", classes="label", markup=False)
        yield Field(self._state.batch_text, id="batch", compact=True)
        with Container(id="switches"):
            yield KeySwitch(UntilKnown, id="until-known")
            yield KeySwitch(TakeControl, id="control")
            yield KeySwitch(MeasureColdStart, id="cold-start")
        with Horizontal(id="buttons"):
            yield KeyButton(Train, id="train")
            yield KeyButton(Profile, id="profile")
        yield StyledLines(id="progress")

    def focus_runs(self) -> None:
        """Focus the first field."""
        self.query("#runs").focus()

    def paint(self, state: State) -> None:
        """Show the state."""
        self._fill_fields(state)
        width = self.content_size.width
        refused = refusals(state)
        facts = (
            state.work,
            state.progress,
            state.profile_after_training,
            state.plan.launches,
            tuple(refused.items()),
            len(state.selected),
            _summary(state, width),
            (state.until_known, state.control, state.cold_start, _count_decided(state)),
            width,
        )
        if facts == self._painted:
            return
        self._painted = facts
        idle = state.work == "idle"
        switches = {"until-known": state.until_known, "control": state.control, "cold-start": state.cold_start}
        offered = (idle, bool(state.selected), *switches.values())
        if offered != self._offered:
            self._offered = offered
            self._offer(state, switches, idle=idle)
        for name in ("runs", "batch"):
            self.query(f"#{name}").set_class(name in refused, "-refused")
        if state.until_known:
            refused.pop("runs", None)
        progress = self.query_one("#progress", StyledLines)
        if refused and idle:
            progress.draw(_wrapped(next(reversed(refused.values())), width, "$text-error"))
        else:
            progress.draw(_progress(state, width))

    def _offer(self, state: State, switches: dict[str, bool], *, idle: bool) -> None:
        for button in self.query("#buttons KeyButton"):
            button.disabled = not idle or not state.selected
        for button in self.query("#options"):
            button.disabled = not idle
        for name, switched in switches.items():
            for switch in self.query(f"#{name}").results(KeySwitch):
                switch.paint(on=switched, enabled=idle)
        for field in self.query("#runs"):
            field.disabled = state.until_known

    def _fill_fields(self, state: State) -> None:
        """Show numbers that the app has set; text that the user types is in the fields already."""
        if state.field_resets == self._field_resets:
            return
        self._field_resets = state.field_resets
        self.query_one("#unit", Static).update(_unit(state.plan))
        for name, text in (("runs", state.runs_text), ("batch", state.batch_text)):
            for field in self.query(f"#{name}").results(Field):
                field.value = text


def _unit(plan: Plan) -> str:
    return "Runs" if plan.seconds is None else "Seconds"


def _progress(state: State, width: int) -> list[Line]:
    progress = state.progress
    if state.work == "idle":
        if not state.selected:
            words = f"Select a model first: {Choose.key_label()} or {ChooseAll.key_label()}."
            return _wrapped(words, width, MUTED)
        words = _summary(state, width)
        if not words and state.until_known:
            one = len(state.selected) == 1
            most = format_seconds(state.plan.max_seconds)
            each = "" if state.plan.launches == 1 else " per launch"
            words = "Until known needs two models." if one else f"Measures for at most {most}{each}."
        return _wrapped(words, width, MUTED)
    if progress.phase == "stopping":
        return [[("stopping …", MUTED)]]
    left = "" if progress.seconds_left is None else f"{format_seconds(progress.seconds_left)} left"
    left = "then profile" if state.profile_after_training else left
    decided, asked = _count_decided(state)
    done, total = (decided, asked) if asked else (progress.done, progress.total)
    steps = _steps(state)
    first = [*_bar(done, total), (f"  {left}" if left else "", MUTED)]
    if len(steps) > width:
        steps = steps.rpartition(" · ")[2]
    key = Stop.key_label()
    if len(steps) + len(f" · {key} stops") > width:
        return [first, [(steps, "")]]
    return [first, [(f"{steps} · ", ""), (key, KEY), (" stops", "")]]


def progress_words(state: State) -> tuple[str, ...]:
    """Return the progress of the running job as one line, in several wordings from the longest to the shortest.

    `launch 1 of 3 · round 12 of 40 · 3 s left · esc stops` down to `round 12 of 40`; empty if no job runs.
    """
    progress = state.progress
    if state.work == "idle":
        return ()
    if progress.phase == "stopping":
        return ("stopping …",)
    steps = _steps(state)
    left = [f"{format_seconds(progress.seconds_left)} left"] if progress.seconds_left is not None else []
    left += ["then profile"] if state.profile_after_training else []
    ways = ([steps, *left, f"{Stop.key_label()} stops"], [steps, *left], [steps], [steps.partition(" · ")[2] or steps])
    return tuple(" · ".join(parts) for parts in ways)


def _steps(state: State) -> str:
    progress = state.progress
    words = {
        "preparing": "getting ready",
        "waiting": "waiting for another measurement",
        "training": f"trained {progress.done} of {progress.total}",
        "warming up": f"warmed up {progress.done} of {progress.total}",
        "measuring": f"round {progress.done:,} of {progress.total:,}",
        "load": f"load window {progress.done:,}" + (f" of {progress.total:,}" if progress.total else ""),
        "cold start": f"cold start {progress.done} of {progress.total}",
        "steps": f"steps: round {progress.done} of {progress.total}" if progress.total else "timing the steps",
        "stopping": "stopping",
    }[progress.phase]
    decided, asked = _count_decided(state)
    if asked:
        words = f"round {progress.done:,} · decided {decided} of {asked}"
    launches = (
        (state.running_measurement.launches or state.running_measurement.plan.launches)
        if state.running_measurement
        else 1
    )
    if launches > 1:
        words = f"launch {progress.launch + 1} of {launches} · {words}"
    return words


def _count_decided(state: State) -> tuple[int, int]:
    """Return the number of decided pairs and of all pairs; both are 0 if the plan does not end when all are decided."""
    measurement = state.measurement
    if measurement is None or state.work != "profiling" or state.progress.phase != "measuring":
        return 0, 0
    if not measurement.plan.until_known or measurement.result is None:
        return 0, 0
    active = {c.slug for c in measurement.result.candidates if c.status != "failed"}
    comparisons = [c for c in measurement.result.comparisons if {c.baseline, c.candidate} <= active]
    return sum(comparison.verdict != "inconclusive" for comparison in comparisons), len(comparisons)


def _summary(state: State, width: int) -> str:
    """Return how much was measured, and what `m` adds, in the longest wording that fits into two lines.

    `measured: 100 runs each; m measures 3,000 more runs` or `100 runs each; m: 3,000 more runs`.
    """
    measurement = state.measurement
    if measurement is None or measurement.result is None:
        return ""
    if not measurement.is_exact:
        return "computing the result …"
    counts = [c.calls for c in measurement.result.candidates if c.calls and c.status != "failed"]
    if not counts:
        return ""
    least, most = min(counts), max(counts)
    runs = f"{most:,}" if least == most else f"{least:,}–{most:,}"
    wanted = measurement.plan.runs
    more = measurement.result.more
    long = short = ""
    if more is not None and state.work == "idle":
        key, amount = MeasureMore.key_label(), "the rest" if more.stopped else format_more(more)
        long, short = f"; {key} measures {amount}", f"; {key}: {amount}"
    if wanted is not None and most < wanted * measurement.plan.launches:
        counted = f"{runs} of {wanted * measurement.plan.launches:,} runs"
        words = f"stopped: {counted} are kept{long}"
    else:
        counted = f"{runs} {'run' if most == 1 else 'runs'} each"
        words = f"measured: {counted}{long}"
    return words if len(wrap(words, width)) <= _PROGRESS_LINES else f"{counted}{short}"


def _wrapped(words: str, width: int, style: str) -> list[Line]:
    return [[(line, style)] for line in wrap(words, width)]


def _bar(done: int, total: int) -> list[Piece]:
    full = round(_BAR * done / total) if total else 0
    return [("▰" * full, "$success"), ("▱" * (_BAR - full), FAINT)]
