"""Computes where the time of a call goes, from the rounds of the pass that times the steps of a candidate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.step_events import StepsMeasured, StepTimes, StepTimings
from latency_tui.result.steps import Estimate, Step, StepPass
from latency_tui.stats.median_ci import median_interval
from latency_tui.stats.percentiles import MIN_ROUNDS

Values = NDArray[np.float64]
Path = tuple[str, ...]
_NANO = 1e-9
_MIN_OVERHEAD = 0.02
"""An overhead is taken into account if it is at least this share of the call, and its interval does not include 0."""


def analyse_steps(events: Sequence[StepsMeasured]) -> tuple[StepPass, tuple[Step, ...]] | None:
    """Return the pass of a candidate and its steps, each before those that it contains; None without events.

    A step's share is the median, over rounds, of its share of the calls in which it was timed. Both times of a share
    are of the same calls, so a machine that becomes slower meanwhile does not change it. Durations are shares of a
    call that is not timed. What timing adds to a call is therefore in no step, except for what the clock itself takes.

    Args:
        events: The events of one candidate, in order, possibly of several launches.
    """
    if not events:
        return None
    timings = _joined([event.timings for event in events])
    last = events[-1]
    slug, error = last.candidate, next((event.error for event in events if event.error), "")
    plain, timed = np.asarray(timings.plain), np.asarray(timings.timed)
    if not plain.size or not (plain > 0).all():
        return StepPass(candidate=slug, notes=timings.notes, error=error, done=last.done, total=last.total), ()
    call = _median(plain * _NANO)
    ratio = _median(timed / plain) if timed.size else Estimate(value=1.0, low=1.0, high=1.0)
    steps = tuple(_steps(slug, timings, call.value, _known(ratio))) if timed.size else ()
    top = [step for step in steps if not step.parent and step.kind == "step"]
    least = sum(step.seconds if step.low is None else step.low for step in top)
    found = StepPass(
        candidate=slug,
        call=call,
        overhead=_scaled(_less_one(ratio), call.value) if timed.size else None,
        validation=_difference(plain, timings.unchecked, call.value),
        data_frame=_difference(plain, timings.array, call.value),
        adds_up=least <= (call.high or call.value),
        parallel=timings.parallel,
        calls=timings.calls,
        done=last.done,
        total=last.total,
        notes=timings.notes,
        error=error,
    )
    return found, steps


def _steps(slug: str, timings: StepTimings, call: float, ratio: Estimate) -> Iterable[Step]:
    """Yield the steps in the order of a tree, the slower ones in the order of use, each followed by its rest."""
    timed = np.asarray(timings.timed)
    known = {step.path: step for step in timings.steps}
    shares = {path: _share(step, timed, ratio) for path, step in known.items()}

    def tree(parent: Path) -> Iterable[Step]:
        inside = [path for path in known if path[:-1] == parent]
        for path in inside:
            step, share = known[path], shares[path]
            yield _step(slug, path, step.type, share, call, calls=step.calls)
            yield from tree(path)
        if inside:
            whole = shares[parent].value if parent else 1.0
            rows = [np.asarray(known[path].nanoseconds) for path in inside]
            of = np.asarray(known[parent].nanoseconds) if parent else timed
            rest = _median((of - np.sum(rows, axis=0)) / timed)
            value = whole - sum(shares[path].value for path in inside)
            shift = value - rest.value
            kind = known[parent].type if parent else ""
            share = Estimate(
                value=value,
                low=None if rest.low is None else rest.low + min(shift, 0.0),
                high=None if rest.high is None else rest.high + max(shift, 0.0),
            )
            yield _step(slug, (*parent, "rest"), kind, share, call, rest=True)

    return tree(())


def _step(
    slug: str, path: Path, kind: str, share: Estimate, call: float, *, calls: float = 1.0, rest: bool = False
) -> Step:
    seconds = _scaled(share, call)
    return Step(
        candidate=slug,
        name=" › ".join(path),
        seconds=seconds.value,
        share=share.value,
        low=seconds.low,
        high=seconds.high,
        kind="rest" if rest else "step",
        type=kind,
        parent=" › ".join(path[:-1]),
        depth=len(path) - 1,
        calls=calls,
    )


def _share(step: StepTimes, timed: Values, ratio: Estimate) -> Estimate:
    """Return the share of a step in a call that is not timed; `ratio` is that of a timed call to such a call."""
    found = _median(np.asarray(step.nanoseconds) / timed)
    error = step.resolution / float(np.median(timed))
    return Estimate(
        value=found.value * ratio.value,
        low=None if found.low is None or ratio.low is None else max((found.low - error) * ratio.low, 0.0),
        high=None if found.high is None or ratio.high is None else (found.high + error) * ratio.high,
    )


def _known(ratio: Estimate) -> Estimate:
    """Return the ratio of a timed call to one that is not, or 1 if it is not shown to differ from that."""
    if ratio.low is not None and ratio.low > 1.0 and ratio.value > 1.0 + _MIN_OVERHEAD:
        return ratio
    return Estimate(value=1.0, low=1.0, high=1.0)


def _difference(plain: Values, other: tuple[float, ...], call: float) -> Estimate | None:
    """Return how much faster calls are in another way; None if they were not measured."""
    if not other:
        return None
    return _scaled(_median(1.0 - np.asarray(other) / plain), call)


def _less_one(ratio: Estimate) -> Estimate:
    return Estimate(
        value=ratio.value - 1.0,
        low=None if ratio.low is None else ratio.low - 1.0,
        high=None if ratio.high is None else ratio.high - 1.0,
    )


def _scaled(found: Estimate, factor: float) -> Estimate:
    return Estimate(
        value=found.value * factor,
        low=None if found.low is None else found.low * factor,
        high=None if found.high is None else found.high * factor,
    )


def _median(values: Values) -> Estimate:
    """Return the median over rounds; an interval needs six."""
    if values.size < MIN_ROUNDS:
        return Estimate(value=float(np.median(values)))
    low, high = median_interval(np.sort(values))
    return Estimate(value=float(np.median(values)), low=low, high=high)


def _joined(parts: Sequence[StepTimings]) -> StepTimings:
    """Return the rounds of all events; a step that some do not have took no time in them."""
    parts = [part for part in parts if part.plain]
    rounds = [len(part.timed) for part in parts]
    known: dict[Path, list[StepTimes | None]] = {}
    for number, part in enumerate(parts):
        for step in part.steps:
            known.setdefault(step.path, [None] * len(parts))[number] = step
    steps = []
    for path, found in known.items():
        times = [step.nanoseconds if step else (0.0,) * count for step, count in zip(found, rounds, strict=True)]
        calls = sum(step.calls * count for step, count in zip(found, rounds, strict=True) if step)
        one = next(step for step in found if step)
        steps.append(
            StepTimes(
                path=path,
                type=one.type,
                calls=calls / max(sum(rounds), 1),
                nanoseconds=tuple(value for row in times for value in row),
                resolution=max(step.resolution for step in found if step),
            )
        )
    return StepTimings(
        plain=_all(part.plain for part in parts),
        timed=_all(part.timed for part in parts),
        unchecked=_all(part.unchecked for part in parts),
        array=_all(part.array for part in parts),
        steps=tuple(steps),
        calls=sum(part.calls for part in parts),
        parallel=any(part.parallel for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _all(rows: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(value for row in rows for value in row)
