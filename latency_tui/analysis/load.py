"""Folds the windows of a load test into its result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished, decode_window
from latency_tui.plan import Plan
from latency_tui.plan.limits import Limit
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.load import HighestRate, LoadResult, LoadVerdict, TimeStatistics, response_limit_verdicts
from latency_tui.result.offline import OfflineResult
from latency_tui.stats.load_limits import judge_response_times
from latency_tui.stats.load_windows import (
    RequestTimes,
    Times,
    interval_of_means,
    is_overloaded,
    mean_interval,
    mean_service,
    percentile,
    percentile_interval,
    throughput,
    usable_windows,
)
from latency_tui.stats.percentiles import PERCENTILES

_NANO = 1e-9
_WITH_INTERVAL = ("p50", "p99")


class LoadRecorder:
    """Records the windows of a load test.

    Args:
        plan: The plan, with or without a load test.

    Attributes:
        earlier: The results of a saved measurement that is continued; a continuation has no load test.
        earlier_offline: The same of the scenario offline.
        started: The last event that began a load test; None before.
        windows: Windows in the order measured, by slug and rate.
        searches: The search of each candidate that has finished.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.earlier: tuple[tuple[LoadResult, ...], tuple[HighestRate, ...]] = ((), ())
        self.earlier_offline: tuple[OfflineResult, ...] = ()
        self.started: LoadStarted | None = None
        self.windows: dict[tuple[str, float], list[RequestTimes]] = {}
        self.searches: dict[str, RateSearchFinished] = {}
        self._highest: tuple[int, tuple[HighestRate, ...]] = (0, ())
        self._known: dict[tuple[str, float], tuple[int, LoadResult | None]] = {}
        self._order = {candidate.slug: place for place, candidate in enumerate(plan.candidates)}

    @property
    def is_exclusive(self) -> bool:
        """Whether workers share neither cores nor an interpreter."""
        return self.started is not None and self.started.is_exclusive

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
        if not self.windows:
            return self.earlier[0]
        if self._plan.load is not None and self._plan.load.offline:
            return ()
        keys = sorted(self.windows, key=lambda key: (self._order[key[0]], key[1]))
        return tuple(found for key in keys if (found := self._cached(key)) is not None)

    def limit_verdicts(self) -> tuple[LimitVerdict, ...]:
        """Return one verdict per limit on response times and candidate, over all given rates."""
        return response_limit_verdicts(self._plan, self.results())

    def highest_rates(self) -> tuple[HighestRate, ...]:
        """Return the highest rate of each candidate whose search has finished."""
        if not self.windows:
            return self.earlier[1]
        known = len(self.searches) + sum(map(len, self.windows.values()))
        if known != self._highest[0]:  # a screen asks for them four times per second
            ordered = sorted(self.searches.values(), key=lambda one: self._order[one.candidate])
            self._highest = known, tuple(self._highest_rate(one) for one in ordered)
        return self._highest[1]

    def offline(self) -> tuple[OfflineResult, ...]:
        """Return the throughput of each candidate, if all requests are there at once."""
        load = self._plan.load
        if load is None or not load.offline:
            return ()
        if not self.windows:
            return self.earlier_offline
        found = []
        for candidate in self._plan.candidates:
            windows = self.windows.get((candidate.slug, 0.0), [])
            calls = [(throughput(one), one.launch) for one in windows]
            values = [value for value, _ in calls if value]
            if not values:
                continue
            rows = self._plan.workload_of(candidate).mean_batch_size
            low, high = interval_of_means(values, [launch for value, launch in calls if value]) or (None, None)
            mean, cores = sum(values) / len(values), len(self.started.cores) if self.started else 0
            found.append(
                OfflineResult(
                    candidate=candidate.slug,
                    batch_size=rows,
                    workers=load.workers,
                    worker_kind=load.worker_kind,
                    rows_per_second=mean * rows,
                    low=None if low is None else low * rows,
                    high=None if high is None else high * rows,
                    rows_per_second_per_core=mean * rows / cores if cores else None,
                    windows=len(values),
                )
            )
        return tuple(found)

    def _highest_rate(self, search: RateSearchFinished) -> HighestRate:
        """Return the outcome of a search, corrected by the launches that measured both ends again."""
        slug = search.candidate
        rates = sorted(rate for candidate, rate in self.windows if candidate == slug)
        met = {rate: self._meets_limits(slug, rate) for rate in rates}
        failing = [rate for rate in rates if not met[rate]]
        passes = max((rate for rate in rates if met[rate] and rate <= (search.passes or 0.0)), default=None)
        fails = min((rate for rate in failing if passes is None or rate > passes), default=None)
        ends = [rate for rate in (search.passes, search.fails) if rate is not None]
        again = [
            self._meets_limits(slug, rate, but_launch=search.launch) == (rate == search.passes)
            for rate in ends
            if any(one.launch != search.launch for one in self.windows.get((slug, rate), ()))
        ]
        return HighestRate(
            candidate=slug,
            passes=passes,
            fails=fails,
            confirmed=bool(ends) and len(again) == len(ends) and all(again),
            monotone=not any(met[rate] for rate in rates if failing and rate > failing[0]),
        )

    def _meets_limits(self, slug: str, rate: float, *, but_launch: int | None = None) -> bool:
        """Return whether the response times at a rate meet the limits, by their estimates.

        Args:
            slug: The candidate.
            rate: The rate.
            but_launch: A launch whose windows do not count.
        """
        windows = [one for one in self.windows[slug, rate] if one.launch != but_launch]
        used = usable_windows(windows, exclusive=self.is_exclusive).windows
        if self._plan.load is None or not used or is_overloaded(used, rate, self._plan.load.workers):
            return False
        return all(
            judge_response_times(used, limit.metric, limit.bound / _NANO).value < limit.bound / _NANO
            for limit in self._plan.load_limits
            if limit.candidate in (None, slug)
        )

    def _cached(self, key: tuple[str, float]) -> LoadResult | None:
        """Return a result that is computed once per window: a screen asks for it four times per second."""
        count = len(self.windows[key])
        if self._known.get(key, (0, None))[0] != count:
            self._known[key] = count, self._result(*key)
        return self._known[key][1]

    def _result(self, slug: str, rate: float) -> LoadResult | None:
        load = self._plan.load
        usable = usable_windows(self.windows[slug, rate], exclusive=self.is_exclusive)
        if load is None or not usable.windows:
            return None
        used = usable.windows
        overloaded = is_overloaded(used, rate, load.workers)
        mean = mean_service(used) * _NANO
        cores = len(self.started.cores) if self.started else 0
        span = sum((float(one.ends.max()) - float(one.arrivals[one.counted][0])) * _NANO for one in used)
        requests = sum(int(one.counted.sum()) for one in used)
        return LoadResult(
            candidate=slug,
            rate=rate,
            utilisation=rate * mean / load.workers,
            overloaded=overloaded,
            workers=load.workers,
            worker_kind=load.worker_kind,
            service=_statistics([one.service[one.counted] for one in used], used),
            wait=TimeStatistics() if overloaded else _statistics([one.wait[one.counted] for one in used], used),
            response=TimeStatistics() if overloaded else _statistics([one.response[one.counted] for one in used], used),
            capacity=load.workers / mean,
            capacity_per_core=load.workers / mean / cores if cores else None,
            answered_rate=requests / span if span > 0 else 0.0,
            valid=usable.valid,
            windows=len(used),
            invalid_windows=usable.invalid,
            late_share=usable.late_share,
            requests=requests,
            limits=tuple(self._judge(slug, used, overloaded=overloaded, valid=usable.valid)),
        )

    def _judge(
        self, slug: str, windows: Sequence[RequestTimes], *, overloaded: bool, valid: bool
    ) -> Iterable[LoadVerdict]:
        for limit in self._plan.load_limits:
            if limit.candidate in (None, slug):
                yield judge_limit(limit, windows, overloaded=overloaded, valid=valid)


def judge_limit(limit: Limit, windows: Sequence[RequestTimes], *, overloaded: bool, valid: bool) -> LoadVerdict:
    """Return whether the response times of some windows meet a limit.

    Args:
        limit: A limit on a percentile or on the mean.
        windows: The windows.
        overloaded: Whether the backlog grew; then no limit is met.
        valid: Whether the windows are valid; otherwise nothing is decided.
    """
    if overloaded:
        return LoadVerdict(limit=limit.text, verdict="fail" if valid else "inconclusive")
    judged = judge_response_times(windows, limit.metric, limit.bound / _NANO)
    above = judged.above
    return LoadVerdict(
        limit=limit.text,
        verdict=judged.verdict if valid else "inconclusive",
        value=judged.value * _NANO,
        share_over=above.share if above else None,
        share_low=above.low if above else None,
        share_high=above.high if above else None,
        requests_to_decide=above.requests_to_decide if above and valid else None,
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
