"""Says where the time of a call goes, in sentences and in rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latency_tui.text.formatting import NOTHING, format_duration, format_interval
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.result import Result
    from latency_tui.result.steps import Estimate, Step, StepPass

TITLE = "Where the time goes"
CHECK = "check for NaN and infinity"
DATA_FRAME = "data frame instead of array"
OVERHEAD = "timing the steps"
_SMALL = 0.005
"""A rest that is a smaller share of the call is not shown."""
_WORTH_SAYING = 0.05
_LARGE_OVERHEAD = 0.1
_BLOCKS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One row of the table of a candidate.

    Attributes:
        label: Name of the step, without the steps that contain it, and its type.
        depth: Number of steps that contain it.
        kind: `step`, `rest` (in no step), `part` (a time that is inside the steps), or `added` (by timing them).
        share: Its share of the call.
        time: Its time.
        interval: The interval of its time.
        percent: Its share.
    """

    label: str
    depth: int = 0
    kind: Literal["step", "rest", "part", "added"]
    share: float
    time: str
    interval: str
    percent: str


def has_steps(result: Result) -> bool:
    """Return whether a result contains a pass that timed steps."""
    return bool(result.step_passes)


def passes(result: Result) -> Iterator[tuple[str, StepPass, tuple[Step, ...]]]:
    """Yield the name of each candidate whose steps were timed, the pass, and its steps."""
    names = {candidate.slug: clean(candidate.name) for candidate in result.candidates}
    for one in result.step_passes:
        steps = tuple(step for step in result.steps if step.candidate == one.candidate)
        yield names.get(one.candidate, one.candidate), one, steps


def step_rows(found: StepPass, steps: Iterable[Step]) -> list[StepRow]:
    """Return the rows of the table of one candidate: its steps, then what is inside them, then the pass's own cost."""
    call = found.call
    if call is None or call.value <= 0:
        return []
    rows = [_step_row(step) for step in steps if step.kind == "step" or abs(step.share) >= _SMALL]
    for label, estimate in ((CHECK, found.validation), (DATA_FRAME, found.data_frame)):
        if estimate is not None:
            rows.append(_part_row(f"of which {label}", "part", estimate, call.value))
    if found.overhead is not None:
        rows.append(_part_row(f"added by {OVERHEAD}", "added", found.overhead, call.value))
    return rows


def _step_row(step: Step) -> StepRow:
    return StepRow(
        label=clean(_rest_label(step) if step.kind == "rest" else _label(step)),
        depth=step.depth,
        kind="rest" if step.kind == "rest" else "step",
        share=step.share,
        time=_signed(step.seconds),
        interval=_interval(step.low, step.high),
        percent=format_share(step.share),
    )


def _part_row(label: str, kind: Literal["part", "added"], estimate: Estimate, call: float) -> StepRow:
    few = estimate.low is None or estimate.high is None
    unknown = few or (estimate.low or 0.0) <= 0  # a time below 0 is noise
    return StepRow(
        label=label,
        kind=kind,
        share=0.0 if unknown else estimate.value / call,
        time=NOTHING if few else "none" if unknown else format_duration(estimate.value),
        interval=_interval(estimate.low, estimate.high),
        percent=NOTHING if unknown else format_share(estimate.value / call),
    )


def _label(step: Step) -> str:
    """Return the own name of a step, and its type unless the name says it."""
    name = step.own_name
    said = step.type.casefold() in name.replace("_", "").casefold()
    return name if said or not step.type else f"{name} ({step.type})"


def _rest_label(step: Step) -> str:
    match step.type:
        case "ColumnTransformer":
            return "rest: selecting and joining columns"
        case "FeatureUnion":
            return "rest: joining columns"
        case _:
            return "rest"


def format_share(share: float) -> str:
    """Return a share in per cent: `78 %`, `0.4 %`."""
    percent = share * 100
    return (f"{percent:.1f} %" if abs(percent) < 0.95 else f"{percent:.0f} %").replace("-", "−")


def bar(share: float, width: int) -> str:
    """Return a bar of at most `width` cells, in eighths of a cell, for a share of 0 to 1."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_BLOCKS[part] if part else "")).rstrip()


def call_line(found: StepPass) -> str:
    """Return the duration of a call, which the shares refer to."""
    call = found.call
    if call is None:
        return ""
    interval = _interval(call.low, call.high)
    return f"{format_duration(call.value)} per call" + (f" (95 % CI {interval})" if interval != NOTHING else "")


def describe_steps(name: str, found: StepPass, steps: tuple[Step, ...]) -> list[str]:
    """Return sentences on where the time of one candidate goes, the most important first."""
    call = found.call
    if call is None or call.value <= 0:
        reason = found.error.strip().rstrip(".") or "nothing was measured"
        return [f"The steps of {name} could not be timed: {reason}."]
    sentences = [_main_sentence(name, call, steps, found)]
    if steps and not found.adds_up:
        total = sum(step.seconds for step in steps if step.depth == 0 and step.kind == "step")
        why = ", because they run at the same time" if found.parallel else "; the shares are too large"
        sentences.append(
            f"The steps do not add up: together they take {format_duration(total)}, more than the call{why}."
        )
    overhead = found.overhead
    if overhead is not None and overhead.value > _LARGE_OVERHEAD * call.value and (overhead.low or 0) > 0:
        sentences.append(
            f"Timing the steps makes a call {format_share(overhead.value / call.value)} slower, so shares of short "
            "steps are uncertain."
        )
    check = found.validation
    if steps and check is not None and (check.low or 0) > 0 and check.value > _WORTH_SAYING * call.value:
        sentences.append(_check_sentence(check, call))
    frame = found.data_frame
    if frame is not None and (frame.low or 0) > 0 and frame.value > _WORTH_SAYING * call.value:
        sentences.append(
            f"An array instead of a data frame saves {format_duration(frame.value)} "
            f"({format_share(frame.value / call.value)}) and gives the same answers."
        )
    if found.error:
        sentences.append(f"The pass ended early: {found.error.strip().rstrip('.')}.")
    elif found.done < found.total:
        sentences.append(f"The pass was stopped after {found.done} of {found.total} rounds.")
    return sentences + [f"{name}: {note}." for note in found.notes]


def _main_sentence(name: str, call: Estimate, steps: tuple[Step, ...], found: StepPass) -> str:
    took = format_duration(call.value)
    if not steps:
        if found.notes:
            return f"The steps of {name} are not known; a call takes {took}."
        check = found.validation
        if check is not None and (check.low or 0) > 0:
            return f"{name} has one step, which takes {took}. {_check_sentence(check, call)}"
        return f"{name} has one step, which takes {took}."
    parents = {step.parent for step in steps}
    leaves = [step for step in steps if step.name not in parents or step.kind == "rest"]
    largest = max(leaves, key=lambda step: step.share)
    share = format_share(min(largest.share, 1.0))
    if largest.kind == "step":
        where = largest.name if _label(largest) == largest.own_name else f"{largest.name} ({largest.type})"
        return f"{share} of {name}'s {took} is {clean(where)}."
    if not largest.parent:
        return f"{share} of {name}'s {took} is outside its steps."
    what = _rest_label(largest).removeprefix("rest").removeprefix(": ")
    parent = f"{clean(largest.parent)} ({largest.type})"
    if what:
        return f"{share} of {name}'s {took} is {what} in {parent}."
    return f"{share} of {name}'s {took} is in {parent}, outside its steps."


def _check_sentence(check: Estimate, call: Estimate) -> str:
    return (
        f"Its input is checked for NaN and infinity, which takes {format_duration(check.value)} "
        f"({format_share(check.value / call.value)}); the setting assume_finite=true omits that."
    )


def _signed(seconds: float) -> str:
    return format_duration(seconds).replace("-", "−")


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return NOTHING
    if low < 0:
        return f"{_signed(low)} to {_signed(high)}"
    return format_interval(low, high)
