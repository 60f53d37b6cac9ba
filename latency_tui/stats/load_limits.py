"""Decides whether a percentile of dependent response times is below a bound, from the requests above it.

Two rules must agree. The share of requests above the bound has an interval over windows, because requests of a window
wait in one queue. And there must be as many requests as independent ones would need by the rule of MLPerf LoadGen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from latency_tui.stats.load_windows import MIN_WINDOWS, RequestTimes, mean_interval, percentile, share_interval
from latency_tui.stats.percentiles import PERCENTILES

Verdict = Literal["pass", "fail", "inconclusive"]
CONFIDENCE = 0.99
"""Confidence of LoadGen's rule."""
_ENOUGH_EVIDENCE = 40.0
"""One end of a 95 % interval is wrong with a probability of 1/40."""
_STAKES = (0.03, 0.1, 0.3)
"""Shares of the wealth that are bet on each window; the mean over several loses little against the best one."""
_MOST_REQUESTS = 100_000_000
"""More requests than this are not proposed."""


class ShareVerdict(NamedTuple):
    """Whether few enough requests are above a bound.

    Attributes:
        verdict: `pass`, `fail` or `inconclusive`.
        share: Share of requests above the bound.
        low: Lower end of its 95 % interval; None if there are too few windows.
        high: Upper end.
        requests_to_decide: Further requests that should decide it; None if it is decided or if no number is known to.
    """

    verdict: Verdict
    share: float
    low: float | None = None
    high: float | None = None
    requests_to_decide: int | None = None


class ResponseVerdict(NamedTuple):
    """Whether response times meet a limit.

    Attributes:
        verdict: `pass`, `fail` or `inconclusive`.
        value: The figure that the limit is on, in nanoseconds.
        above: The requests above the bound; None for a limit on the mean.
    """

    verdict: Verdict
    value: float
    above: ShareVerdict | None = None


def judge_response_times(windows: Sequence[RequestTimes], metric: str, bound_ns: float) -> ResponseVerdict:
    """Return whether the response times of some windows, which are not overloaded, meet a limit.

    Args:
        windows: The windows.
        metric: A key of `PERCENTILES`, or `mean`.
        bound_ns: The bound in nanoseconds.
    """
    response, launches = [one.response[one.counted] for one in windows], [one.launch for one in windows]
    if metric == "mean":
        low, high = mean_interval(response, launches) or (None, None)
        verdict: Verdict = "inconclusive"
        if high is not None and high < bound_ns:
            verdict = "pass"
        elif low is not None and low >= bound_ns:
            verdict = "fail"
        return ResponseVerdict(verdict, float(np.concatenate(response).mean()))
    share = PERCENTILES[metric]
    over = [int(np.count_nonzero(one >= bound_ns)) for one in response]
    judged = judge_share(over, [one.size for one in response], launches, share)
    return ResponseVerdict(judged.verdict, percentile(response, share), judged)


def meets_alone(windows: Sequence[RequestTimes], metric: str, bound_ns: float) -> bool:
    """Return whether the service times alone, without any waiting, are below a bound."""
    service = [one.service[one.counted] for one in windows]
    value = float(np.concatenate(service).mean()) if metric == "mean" else percentile(service, PERCENTILES[metric])
    return value < bound_ns


def judge_share(over: Sequence[int], sizes: Sequence[int], launches: Sequence[int], percentile: float) -> ShareVerdict:
    """Return whether a percentile is below a bound.

    Args:
        over: Number of requests of each window whose response time is above the bound.
        sizes: Number of requests of each window.
        launches: Launch of each window.
        percentile: Which percentile, 0 to 1: 0.99 allows one request in a hundred above the bound.
    """
    total, count, allowed = sum(over), sum(sizes), 1 - percentile
    if not count:
        return ShareVerdict("inconclusive", 0.0, requests_to_decide=min_requests(0, percentile))
    share, interval = total / count, share_interval(over, sizes, launches)
    low, high = interval or (None, None)
    if high is not None and high <= allowed and count >= min_requests(total, percentile):
        return ShareVerdict("pass", share, low, high)
    above = low is not None and (low > allowed or _evidence_against(over, sizes, allowed) >= _ENOUGH_EVIDENCE)
    if above and _tail(total, count, allowed) <= 1 - CONFIDENCE:
        return ShareVerdict("fail", share, low, high)
    return ShareVerdict("inconclusive", share, low, high, _to_decide(share, count, interval, percentile, len(sizes)))


@lru_cache(maxsize=4096)
def min_requests(over: int, percentile: float) -> int:
    """Return how many independent requests show that a percentile is below a bound, if `over` are above it.

    It is the smallest n with P(Bin(n, 1 − percentile) ≤ over) ≤ 0.01: for p99 459, 662, 838, 1307 and 2010 requests
    with 0, 1, 2, 5 and 10 above the bound (MLPerf LoadGen, early_stopping.cc).
    """
    from scipy.special import bdtr  # deferred, as in `distributions`

    low, high = over, max(2 * (over + 1), 2)
    while bdtr(over, high, 1 - percentile) > 1 - CONFIDENCE:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(over, middle, 1 - percentile) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _evidence_against(over: Sequence[int], sizes: Sequence[int], allowed: float) -> float:
    """Return the evidence that more than the allowed share of requests is above the bound; 1 is none.

    It is the wealth of a bet, window after window, on shares above the allowed one (Waudby-Smith & Ramdas 2024). If the
    true share is allowed, it exceeds 40 with a probability of at most 1/40, whatever the distribution of windows. Near
    overload they are so skewed that the interval, which assumes a normal mean, stays too wide.
    """
    shares = np.asarray(over, dtype=float) / np.maximum(sizes, 1)
    return float(np.mean([np.prod(1 + stake * (shares / allowed - 1)) for stake in _STAKES]))


def _tail(over: int, count: int, allowed: float) -> float:
    """Return the probability of at least `over` of `count` independent requests above the bound."""
    from scipy.special import bdtrc

    return float(bdtrc(over - 1, count, allowed)) if over else 1.0


def _to_decide(
    share: float, count: int, interval: tuple[float, float] | None, percentile: float, windows: int
) -> int | None:
    """Return how many more requests should decide it if the share stays as it is."""
    allowed = 1 - percentile
    wanted = count * MIN_WINDOWS / windows if interval is None else float(count)
    if interval is not None and share != allowed:
        half_width = interval[1] - share if share < allowed else share - interval[0]
        wanted = max(wanted, count * (half_width / (allowed - share)) ** 2)
    if interval is not None and share == allowed:
        return None
    if share < allowed:
        needed = _independent_requests(share, percentile)
        if needed is None:
            return None
        wanted = max(wanted, needed)
    more = math.ceil(wanted) - count
    return max(more, 1) if wanted <= _MOST_REQUESTS else None


def _independent_requests(share: float, percentile: float) -> float | None:
    """Return the number of requests by LoadGen's rule if the share above the bound stays the same."""
    count = float(min_requests(0, percentile))
    for _ in range(60):
        needed = float(min_requests(math.ceil(share * count), percentile))
        if needed <= count:
            return count
        if needed > _MOST_REQUESTS:
            return None
        count = max(needed, 1.05 * count)
    return None
