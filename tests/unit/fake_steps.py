"""Events of the pass that times steps, made by hand: a pipeline with two branches."""

from __future__ import annotations

from collections.abc import Sequence

from latency_tui.engine.step_events import StepsMeasured, StepTimes, StepTimings

MICRO = 1e3
ROUNDS = 10


def times(path: str, micros: float, kind: str = "Pipeline", calls: float = 1.0, rounds: int = ROUNDS) -> StepTimes:
    """A step, whose path is written with slashes."""
    return StepTimes(
        path=tuple(path.split("/")), type=kind, calls=calls, nanoseconds=tuple(micros * MICRO for _ in range(rounds))
    )


def pipeline(rounds: int = ROUNDS) -> tuple[StepTimes, ...]:
    """A call of 1,000 µs, half of it in one branch."""
    return (
        times("columns", 800, "ColumnTransformer", rounds=rounds),
        times("columns/numeric", 100, "Pipeline", rounds=rounds),
        times("columns/words", 500, "OneHotEncoder", rounds=rounds),
        times("classifier", 150, "LogisticRegression", rounds=rounds),
    )


PIPELINE = pipeline()


def measured(
    steps: Sequence[StepTimes] = (),
    *,
    plain: float = 1000.0,
    timed: float = 1000.0,
    unchecked: float | None = None,
    array: float | None = None,
    rounds: int = ROUNDS,
    slug: str = "churn",
    error: str = "",
    parallel: bool = False,
    job: str = "m",
    done: int | None = None,
    total: int | None = None,
) -> StepsMeasured:
    """One event of the pass; durations in microseconds, the same in every round."""

    def row(micros: float | None) -> tuple[float, ...]:
        return () if micros is None else tuple(micros * MICRO for _ in range(rounds))

    timings = StepTimings(
        plain=row(plain),
        timed=row(timed if steps else None),
        unchecked=row(unchecked),
        array=row(array),
        steps=tuple(steps),
        calls=rounds * 4,
        parallel=parallel,
    )
    done = rounds if done is None else done
    return StepsMeasured(
        job=job, launch=0, candidate=slug, timings=timings, done=done, total=total or done, error=error
    )
