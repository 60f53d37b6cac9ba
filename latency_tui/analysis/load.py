"""Folds the windows of a load test into its result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished
from latency_tui.plan import Plan
from latency_tui.plan.limits import Limit
from latency_tui.result.load import HighestRate, LoadResult, LoadVerdict, TimeStatistics
from latency_tui.stats.load_limits import Verdict, judge_share
from latency_tui.stats.load_windows import (
    MAX_LATE_SHARE,
    RequestTimes,
    Times,
    late_share,
    mean_interval,
    percentile,
    percentile_interval,
)
from latency_tui.stats.percentiles import PERCENTILES

_NANO = 1e-9
_WITH_INTERVAL = ("p50", "p99")


class LoadRecorder:
    """Records the windows of a load test.

    Args:
        plan: The plan, with or without a load test.

    Attributes:
        started: The last event that began a load test; None before.
        windows: Windows in the order measured, by slug and rate.
        searches: The search of each candidate that has finished.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.started: LoadStarted | None = None
        self.windows: dict[tuple[str, float], list[RequestTimes]] = {}
        self.searches: dict[str, RateSearchFinished] = {}
        self._known: dict[tuple[str, float], tuple[int, LoadResult | None]] = {}
        self._order = {candidate.slug: place for place, candidate in enumerate(plan.candidates)}

    def add(self, event: LoadStarted | LoadWindowMeasured | RateSearchFinished) -> None:
        """Record one event."""
        match event:
            case LoadStarted():
                self.started = event
            case LoadWindowMeasured() if event.candidate in self._order:
                self.windows.setdefault((event.candidate, event.rate), []).append(decode_window(event))
            case RateSearchFinished() if event.candidate in self._order:
                self.searches[event.candidate] = event
            case _:
                pass

    def results(self) -> tuple[LoadResult, ...]:
        """Return the result of each candidate and rate: candidates in the plan's order, rates ascending."""
        keys = sorted(self.windows, key=lambda key: (self._order[key[0]], key[1]))
        return tuple(found for key in keys if (found := self._cached(key)) is not None)

    def highest_rates(self) -> tuple[HighestRate, ...]:
        """Return the highest rate of each candidate whose search has finished."""
        ordered = sorted(self.searches.values(), key=lambda one: self._order[one.candidate])
        return tuple(HighestRate(candidate=one.candidate, passes=one.passes, fails=one.fails) for one in ordered)

    def _cached(self, key: tuple[str, float]) -> LoadResult | None:
        """Return a result that is computed once per window: a screen asks for it four times per second."""
        count = len(self.windows[key])
        if self._known.get(key, (0, None))[0] != count:
            self._known[key] = count, self._result(*key)
        return self._known[key][1]

    def _result(self, slug: str, rate: float) -> LoadResult | None:
        load, windows = self._plan.load, [one for one in self.windows[slug, rate] if one.counted.any()]
        if load is None or not windows:
            return None
        is_exclusive = self.started is not None and self.started.is_exclusive
        p50 = percentile([one.service[one.counted] for one in windows], 0.5)
        shares = [late_share(one, p50, exclusive=is_exclusive) for one in windows]
        valid = [one for one, share in zip(windows, shares, strict=True) if share <= MAX_LATE_SHARE]
        used = valid if 2 * len(valid) >= len(windows) else windows
        service = _statistics([one.service[one.counted] for one in used], used)
        assert service.mean is not None
        utilisation = rate * service.mean / load.workers
        overloaded = utilisation >= 1 or any(one.backlog for one in used)
        sizes = [int(one.counted.sum()) for one in windows]
        cores = len(self.started.cores) if self.started else 0
        capacity = load.workers / service.mean
        span = sum((float(one.ends.max()) - float(one.arrivals[one.counted][0])) * _NANO for one in used)
        return LoadResult(
            candidate=slug,
            rate=rate,
            utilisation=utilisation,
            overloaded=overloaded,
            workers=load.workers,
            worker_kind=load.worker_kind,
            service=service,
            wait=TimeStatistics() if overloaded else _statistics([one.wait[one.counted] for one in used], used),
            response=TimeStatistics() if overloaded else _statistics([one.response[one.counted] for one in used], used),
            capacity=capacity,
            capacity_per_core=capacity / cores if cores else None,
            answered_rate=sum(int(one.counted.sum()) for one in used) / span if span > 0 else 0.0,
            valid=used is valid,
            windows=len(used),
            invalid_windows=len(windows) - len(valid),
            late_share=float(np.average(shares, weights=sizes)),
            requests=sum(int(one.counted.sum()) for one in used),
            limits=tuple(self._judge(slug, used, overloaded=overloaded, valid=used is valid)),
        )

    def _judge(
        self, slug: str, windows: Sequence[RequestTimes], *, overloaded: bool, valid: bool
    ) -> Iterable[LoadVerdict]:
        for limit in self._plan.load_limits:
            if limit.candidate in (None, slug):
                yield judge_limit(limit, windows, overloaded=overloaded, valid=valid)


def decode_window(event: LoadWindowMeasured) -> RequestTimes:
    """Return the requests of a window."""
    arrivals, starts, ends = (
        np.frombuffer(column, dtype="<i8").astype(np.int64) for column in (event.arrivals, event.starts, event.ends)
    )
    return RequestTimes(
        arrivals=arrivals,
        starts=starts,
        ends=ends,
        workers=np.frombuffer(event.workers, dtype=np.uint8),
        seconds=event.seconds,
        requests=event.requests,
        launch=event.launch,
        backlog=event.end == "backlog",
    )


def judge_limit(limit: Limit, windows: Sequence[RequestTimes], *, overloaded: bool, valid: bool) -> LoadVerdict:
    """Return whether the response times of some windows meet a limit.

    Args:
        limit: A limit on a percentile or on the mean.
        windows: The windows.
        overloaded: Whether the backlog grew; then no limit is met.
        valid: Whether the windows are valid; otherwise nothing is decided.
    """
    response = [one.response[one.counted] for one in windows]
    launches = [one.launch for one in windows]
    bound = limit.bound / _NANO
    if overloaded:
        return LoadVerdict(limit=limit.text, verdict="fail" if valid else "inconclusive")
    if limit.metric == "mean":
        mean = float(np.concatenate(response).mean())
        low, high = mean_interval(response, launches) or (None, None)
        passes = high is not None and high < bound
        fails = low is not None and low >= bound
        verdict: Verdict = "pass" if passes and valid else "fail" if fails and valid else "inconclusive"
        return LoadVerdict(limit=limit.text, verdict=verdict, value=mean * _NANO)
    share = PERCENTILES[limit.metric]
    over = [int(np.count_nonzero(one >= bound)) for one in response]
    judged = judge_share(over, [one.size for one in response], launches, share)
    return LoadVerdict(
        limit=limit.text,
        verdict=judged.verdict if valid else "inconclusive",
        value=percentile(response, share) * _NANO,
        share_over=judged.share,
        share_low=judged.low,
        share_high=judged.high,
        requests_to_decide=judged.requests_to_decide if valid else None,
    )


def _statistics(values: Sequence[Times], windows: Sequence[RequestTimes]) -> TimeStatistics:
    """Return statistics in seconds of some times in nanoseconds."""
    launches = [one.launch for one in windows]
    mean = float(np.concatenate(values).mean())
    found = {"mean": mean, "max": float(max(one.max() for one in values))}
    found |= {key: percentile(values, share) for key, share in PERCENTILES.items() if key != "p97"}
    if (ends := mean_interval(values, launches)) is not None:
        found["mean_low"], found["mean_high"] = ends
    for key in _WITH_INTERVAL:
        if (interval := percentile_interval(values, launches, PERCENTILES[key])) is not None:
            found[f"{key}_low"] = interval[0]
            if interval[1] is not None:
                found[f"{key}_high"] = interval[1]
    return TimeStatistics(**{key: value * _NANO for key, value in found.items()})
