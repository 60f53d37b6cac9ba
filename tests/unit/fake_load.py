"""Results of load tests made by hand."""

from __future__ import annotations

import msgspec

from latency_tui.plan import LoadTest
from latency_tui.plan.limits import parse_limit
from latency_tui.result.load import HighestRate, LoadResult, LoadVerdict, TimeStatistics
from latency_tui.result.result import Result
from tests.unit.fake_result import make_result


def times(mean: float, factor: float = 1.0) -> TimeStatistics:
    """Statistics around a mean, in seconds; p99 is 3 times as long, with an interval of 10 %."""
    p99 = 3 * mean * factor
    return TimeStatistics(
        mean=mean, mean_low=mean * 0.95, mean_high=mean * 1.05, p50=mean * 0.9, p50_low=mean * 0.88,
        p50_high=mean * 0.92, p90=mean * 1.8, p95=mean * 2, p99=p99, p99_low=p99 * 0.9, p99_high=p99 * 1.1,
        p99_9=p99 * 2, max=p99 * 3,
    )  # fmt: skip


def at_rate(
    slug: str, rate: float, service: float, *, workers: int = 1, valid: bool = True, bound: float = 5e-3
) -> LoadResult:
    """Figures of a queue with one worker: the wait grows with the utilisation; overloaded from 1 on."""
    utilisation = rate * service / workers
    overloaded = utilisation >= 1
    wait = service * utilisation / (1 - utilisation) if not overloaded else 0.0
    response = TimeStatistics() if overloaded else times(service + wait)
    meets = not overloaded and (response.p99 or 0.0) < bound
    return LoadResult(
        candidate=slug,
        rate=rate,
        utilisation=utilisation,
        overloaded=overloaded,
        workers=workers,
        worker_kind="process",
        service=times(service),
        wait=TimeStatistics() if overloaded else times(wait),
        response=response,
        capacity=workers / service,
        capacity_per_core=1 / service,
        answered_rate=rate,
        valid=valid,
        windows=10,
        invalid_windows=0 if valid else 6,
        requests=int(rate * 5),
        limits=(
            LoadVerdict(
                limit="p99 < 5ms",
                verdict="inconclusive" if not valid else "pass" if meets else "fail",
                value=response.p99,
            ),
        ),
    )


def make_load_result(*rates: float) -> Result:
    """Three models at these rates with a limit of 5 ms: Random Forest (4.54 ms a call) is overloaded from 220/s on."""
    result = make_result()
    plan = msgspec.structs.replace(
        result.plan,
        candidates=result.plan.candidates[:3],
        load=LoadTest(rates=rates),
        limits=(parse_limit("p99 < 5ms"),),
    )
    services = {"logistic-regression": 0.6e-3, "linear-svm": 0.9e-3, "random-forest": 4.54e-3}
    load = tuple(at_rate(slug, rate, service) for slug, service in services.items() for rate in rates)
    measured = tuple(one for one in result.candidates if one.slug in services)
    return msgspec.structs.replace(result, plan=plan, candidates=measured, load=load)


def make_search_result() -> Result:
    """A search of the highest rate within 5 ms: 1,050/s, 500/s, and none for Random Forest."""
    rates = (10.0, 100.0, 500.0, 520.0, 700.0, 1050.0, 1100.0)
    result = make_load_result(*rates)
    plan = msgspec.structs.replace(result.plan, load=LoadTest(find_rate=True))
    highest = (
        HighestRate(candidate="logistic-regression", passes=1050.0, fails=1100.0, confirmed=True),
        HighestRate(candidate="linear-svm", passes=500.0, fails=520.0, confirmed=True),
        HighestRate(candidate="random-forest", passes=None, fails=10.0),
    )
    return msgspec.structs.replace(result, plan=plan, highest_rates=highest)
