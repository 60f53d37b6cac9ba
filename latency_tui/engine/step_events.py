"""Events of the pass that times the steps of a candidate, apart from all timed calls. See `protocol` for all events."""

from __future__ import annotations

import msgspec


class StepTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The time of one step of a model: of a pipeline, of a branch, of a member of an ensemble, or of an ONNX operator.

    Attributes:
        path: Names of the steps that contain it, outermost first, and its own.
        type: Its class, or the type of the operator.
        calls: How often it runs per call of the model.
        nanoseconds: Time per call of the model, including the steps inside it; one mean per round.
        resolution: Largest error of these times because of the clock's resolution, in nanoseconds.
    """

    path: tuple[str, ...]
    type: str
    calls: float
    nanoseconds: tuple[float, ...]
    resolution: float = 0.0


class StepTimings(msgspec.Struct, frozen=True, kw_only=True):
    """Times of some rounds. In each round, a block of calls is made in each of several ways, in random order.

    A time is the mean duration of the calls of a block, without the fastest and the slowest quarter, in nanoseconds;
    one per round. A way that is not possible has no times.

    Attributes:
        plain: Calls of the model as it is.
        timed: Calls of the model whose steps are timed; `steps` are of these calls.
        unchecked: Calls without the check for NaN and infinite values (scikit-learn's `assume_finite`).
        array: Calls with arrays instead of data frames.
        steps: The steps, each before those that it contains.
        calls: Number of calls in all blocks of `timed`.
        parallel: Whether steps ran at the same time as others, in several threads.
        notes: What could not be timed, one sentence each.
    """

    plain: tuple[float, ...] = ()
    timed: tuple[float, ...] = ()
    unchecked: tuple[float, ...] = ()
    array: tuple[float, ...] = ()
    steps: tuple[StepTimes, ...] = ()
    calls: int = 0
    parallel: bool = False
    notes: tuple[str, ...] = ()


class StepsStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The steps of a candidate are about to be timed, in a process of their own."""

    job: str
    launch: int
    candidate: str


class StepsMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Some rounds of the pass that times the steps of a candidate are complete; more events of it may follow.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        candidate: The candidate's slug.
        timings: Times of the rounds since the last event.
        done: Rounds so far.
        total: Rounds planned.
        error: Why the pass ended early, in one line; empty if it did not.
    """

    job: str
    launch: int
    candidate: str
    timings: StepTimings = StepTimings()
    done: int = 0
    total: int = 0
    error: str = ""
