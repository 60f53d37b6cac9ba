"""The result of a load test: what each candidate's requests took at each rate, and the highest rate that passes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.plan.load import WorkerKind
from latency_tui.result.limit_verdict import LimitVerdict

if TYPE_CHECKING:
    from latency_tui.plan import Plan
    from latency_tui.result.result import Result

_WORST = ("fail", "inconclusive", "pass")


class TimeStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of a service time, a queue wait or a response time, in seconds, with 95 % intervals over windows.

    A percentile is None if it is not defined: of waits and responses of an overloaded candidate. An end of an interval
    is None if there are too few windows or requests.
    """

    mean: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    p50: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p99_low: float | None = None
    p99_high: float | None = None
    p99_9: float | None = None
    max: float | None = None


class LoadVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a candidate meets a limit on its response time at one rate.

    Attributes:
        limit: The limit as it was written, without the model.
        verdict: `pass`, `fail` or `inconclusive`.
        value: The response time that the limit is on, in seconds; None if the candidate is overloaded.
        share_over: Share of requests whose response time is above the bound; None for a limit on the mean.
        share_low: Lower end of its 95 % interval over windows; None if there are too few windows.
        share_high: Upper end.
        requests_to_decide: Further requests that should decide it; None if it is decided or if no number is known to.
    """

    limit: str
    verdict: Literal["pass", "fail", "inconclusive"]
    value: float | None = None
    share_over: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    requests_to_decide: int | None = None


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the requests of one candidate took at one rate.

    Attributes:
        candidate: The candidate's slug.
        rate: Requests per second of the schedule, on average.
        utilisation: Rate × mean service time ÷ workers; from 1 the backlog grows without end.
        overloaded: Whether the backlog grew: the utilisation is 1 or more, or a window ended because of its backlog.
        workers: Number of workers.
        worker_kind: Whether they were processes, or threads of one process.
        service: From the start of a call to its end.
        wait: From the arrival of a request to the start of its call.
        response: From the arrival of a request to the end of its call: wait and service.
        capacity: Requests per second that the workers could answer: workers ÷ mean service time.
        capacity_per_core: The same per core that the workers ran on.
        answered_rate: Requests per second that were answered.
        valid: Whether at most half of the windows were spoiled by the measurement itself.
        windows: Number of windows that the figures are from.
        invalid_windows: Number of windows in which workers began requests late by the fault of the measurement; they
            are left out, unless they are more than half of all.
        late_share: Share of late requests in all windows.
        requests: Number of requests that the figures are from.
        limits: Verdicts on the limits of the plan.
    """

    candidate: str
    rate: float
    utilisation: float
    overloaded: bool = False
    workers: int
    worker_kind: WorkerKind
    service: TimeStatistics
    wait: TimeStatistics = TimeStatistics()
    response: TimeStatistics = TimeStatistics()
    capacity: float = 0.0
    capacity_per_core: float | None = None
    answered_rate: float = 0.0
    valid: bool = True
    windows: int = 0
    invalid_windows: int = 0
    late_share: float = 0.0
    requests: int = 0
    limits: tuple[LoadVerdict, ...] = ()

    @property
    def verdict(self) -> Literal["pass", "fail", "inconclusive"] | None:
        """The verdict on all limits together; None if the plan has no limit on response times."""
        found = {one.verdict for one in self.limits}
        if not found:
            return None
        return "fail" if "fail" in found else "inconclusive" if "inconclusive" in found else "pass"


def all_limit_verdicts(result: Result) -> tuple[LimitVerdict, ...]:
    """Return the verdicts of a result on the limits of calls, and on those of response times at given rates."""
    return (*result.limits, *response_limit_verdicts(result.plan, result.load))


def response_limit_verdicts(plan: Plan, load: Iterable[LoadResult]) -> tuple[LimitVerdict, ...]:
    """Return one verdict per limit on response times and candidate: the worst over all rates, of the lowest such rate.

    Args:
        plan: The plan; if it searches the highest rate, there is no verdict.
        load: The figures of all candidates and rates.
    """
    if plan.load is None or plan.load.find_rate:
        return ()
    worst: dict[tuple[str, str], tuple[int, LoadResult, LoadVerdict]] = {}
    for one in load:
        for verdict in one.limits:
            rank, key = _WORST.index(verdict.verdict), (verdict.limit, one.candidate)
            if key not in worst or rank < worst[key][0]:
                worst[key] = rank, one, verdict
    known = {limit.text: limit for limit in plan.load_limits}
    return tuple(
        LimitVerdict(
            limit=text,
            candidate=slug,
            metric=known[text].metric,
            bound=known[text].bound,
            verdict=verdict.verdict,
            value=verdict.value,
            overloaded=one.overloaded,
            low=getattr(one.response, f"{known[text].metric}_low", None),
            high=getattr(one.response, f"{known[text].metric}_high", None),
            runs_to_decide=verdict.requests_to_decide,
            seconds_to_decide=None if verdict.requests_to_decide is None else verdict.requests_to_decide / one.rate,
        )
        for (text, slug), (_, one, verdict) in worst.items()
        if text in known
    )


def verdict_of_search(load: Iterable[LoadResult], found: HighestRate) -> Literal["pass", "fail", "inconclusive"]:
    """Return whether a candidate meets the limits at any rate.

    Args:
        load: The figures of all candidates and rates.
        found: The outcome of the search.
    """
    rate = found.fails if found.passes is None else found.passes
    at = next((one for one in load if (one.candidate, one.rate) == (found.candidate, rate)), None)
    if at is None or not at.valid:
        return "inconclusive"
    if found.passes is not None:
        return "pass"
    return "fail" if at.verdict == "fail" else "inconclusive"


class HighestRate(msgspec.Struct, frozen=True, kw_only=True):
    """The highest rate at which a candidate meets the limits on its response time.

    Attributes:
        candidate: The candidate's slug.
        passes: Highest rate that met them; None if none did.
        fails: Lowest rate above it that did not; None if none failed.
        confirmed: Whether a fresh launch measured both ends again, with the same outcome.
        monotone: Whether no rate passed above one that failed.
    """

    candidate: str
    passes: float | None = None
    fails: float | None = None
    confirmed: bool = False
    monotone: bool = True
