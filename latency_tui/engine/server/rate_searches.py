"""Searches the highest rate of every candidate at which the limits of a plan hold; candidates take turns."""

from __future__ import annotations

import random
from collections.abc import Mapping

from latency_tui.engine.load_events import RateSearchFinished, decode_window
from latency_tui.engine.protocol import Measure
from latency_tui.engine.server.channel import Channel
from latency_tui.engine.server.load import MIN_WINDOW_CALLS, MIN_WINDOW_REQUESTS, MIN_WINDOW_SECONDS, LoadRunner, Window
from latency_tui.plan import Plan
from latency_tui.stats.load_limits import judge_response_times, meets_alone
from latency_tui.stats.load_windows import RequestTimes, is_overloaded, usable_windows
from latency_tui.stats.rate_search import RateSearch

MIN_PROBE_WINDOWS = 4
"""A rate is tried for at least this many windows, if none shows that it is overloaded."""


class Probe:
    """One rate that is being tried for one candidate."""

    def __init__(self, rate: float, seconds: float, plan: Plan, slug: str, *, exclusive: bool) -> None:
        """Begin to try a rate.

        Args:
            rate: Requests per second.
            seconds: Time after which it is decided by the estimate.
            plan: Its limits.
            slug: The candidate.
            exclusive: Whether workers share neither cores nor an interpreter.
        """
        assert plan.load is not None
        self._rate, self._seconds, self._workers, self._exclusive = rate, seconds, plan.load.workers, exclusive
        self._limits = [one for one in plan.load_limits if one.candidate in (None, slug)]
        self._windows: list[RequestTimes] = []

    @property
    def windows(self) -> int:
        """Number of windows so far."""
        return len(self._windows)

    def add(self, window: RequestTimes) -> bool | None:
        """Add a window; return whether the rate passes, or None if more windows are needed."""
        self._windows.append(window)
        is_last = sum(one.seconds for one in self._windows) >= 0.99 * self._seconds
        used = usable_windows(self._windows, exclusive=self._exclusive).windows
        if not used:
            return False if is_last or window.backlog else None
        if is_overloaded(used, self._rate, self._workers):
            return False if is_last or window.backlog or len(used) >= MIN_PROBE_WINDOWS else None
        judged = [(one, judge_response_times(used, one.metric, one.bound * 1e9)) for one in self._limits]
        if len(used) >= MIN_PROBE_WINDOWS:
            if any(found.verdict == "fail" for _, found in judged):
                return False
            if all(found.verdict == "pass" for _, found in judged):
                return True
        return all(found.value < limit.bound * 1e9 for limit, found in judged) if is_last else None

    @property
    def is_hopeless(self) -> bool:
        """Whether the service times alone break a limit, so that no lower rate can pass."""
        used = usable_windows(self._windows, exclusive=self._exclusive).windows
        return bool(used) and not all(meets_alone(used, one.metric, one.bound * 1e9) for one in self._limits)


def search_rates(runner: LoadRunner, channel: Channel, command: Measure, call_seconds: Mapping[str, float]) -> None:
    """Search the highest rate of each candidate, and send an event per candidate when its search ends.

    Args:
        runner: Runs the windows.
        channel: Receives the events.
        command: Says what to measure.
        call_seconds: Seconds per call of each candidate, by slug.

    Raises:
        JobStopped: The client stopped the job.
    """
    plan, load = command.plan, command.plan.load
    assert load is not None
    rng = random.Random(f"{plan.seed}/{command.launch}/search")  # noqa: S311 (an order, not a secret)
    searches = {slug: RateSearch(load.workers / max(seconds, 1e-6)) for slug, seconds in call_seconds.items()}
    probes: dict[str, Probe] = {}
    while searches:
        for slug in rng.sample(sorted(searches), len(searches)):
            search = searches[slug]
            rate = search.rate
            assert rate is not None
            probe = probes.setdefault(slug, Probe(rate, load.duration, plan, slug, exclusive=runner.is_exclusive))
            seconds = probe_window_seconds(rate, call_seconds[slug], load.duration)
            left = sum((one.remaining + 1) * load.duration / 2 for one in searches.values())
            event = runner.run_window(Window(slug, rate, probe.windows, seconds), seconds_left=left)
            if event is None:  # the candidate failed
                del searches[slug]
                continue
            passes = probe.add(decode_window(event))
            if passes is None:
                continue
            del probes[slug]
            search.add(passes=passes, is_hopeless=not passes and probe.is_hopeless)
            if search.rate is None:
                del searches[slug]
                channel.send(
                    RateSearchFinished(
                        job=command.job,
                        launch=command.launch,
                        candidate=slug,
                        passes=search.passes,
                        fails=search.fails,
                    )
                )
                channel.flush()


def probe_window_seconds(rate: float, call_seconds: float, duration: float) -> float:
    """Return the length of a window in which a rate is tried."""
    wanted = max(MIN_WINDOW_SECONDS, MIN_WINDOW_REQUESTS / rate, MIN_WINDOW_CALLS * call_seconds)
    return min(wanted, max(duration / MIN_PROBE_WINDOWS, MIN_WINDOW_REQUESTS / rate))
