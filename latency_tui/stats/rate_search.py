"""The search for the highest request rate that meets the limits, as a state machine that knows no clock."""

from __future__ import annotations

import math

RESOLUTION = 0.05
"""The search ends when the failing rate is at most this share above the passing one."""
MAX_HALVINGS = 6
"""A rate of 1/64 of the first one that still fails ends the search: hardly any request waits there."""
MAX_DOUBLINGS = 4
"""A rate of 16 times the first one that still passes ends the search."""


class RateSearch:
    """Brackets the highest rate that passes by halving and doubling, then bisects.

    It assumes that a rate above one that fails does not pass. Whether that holds is seen when both ends are measured
    again, because the search itself never measures above a rate that failed.

    Args:
        start: The first rate: workers ÷ mean service time.

    Attributes:
        passes: Highest rate that passed; None so far.
        fails: Lowest rate that failed; None so far.
        probes: Number of rates tried.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._is_hopeless = False
        self.passes: float | None = None
        self.fails: float | None = None
        self.probes = 0

    @property
    def rate(self) -> float | None:
        """The rate to try next, with three significant digits; None if the search has ended."""
        if self._is_hopeless:
            return None
        if self.passes is None and self.fails is None:
            return _rounded(self._start)
        if self.passes is None:
            following = (self.fails or 0.0) / 2
            return _rounded(following) if following >= self._start / 2**MAX_HALVINGS * 0.99 else None
        if self.fails is None:
            following = self.passes * 2
            return _rounded(following) if following <= self._start * 2**MAX_DOUBLINGS * 1.01 else None
        if self.fails <= self.passes * (1 + RESOLUTION):
            return None
        middle = _rounded(math.sqrt(self.passes * self.fails))
        return middle if self.passes < middle < self.fails else None

    def add(self, *, passes: bool, is_hopeless: bool = False) -> None:
        """Record the outcome of the rate that was tried.

        Args:
            passes: Whether it met the limits.
            is_hopeless: Whether it would not have met them without any waiting, so that no lower rate can pass.

        Raises:
            ValueError: The search has ended.
        """
        if (rate := self.rate) is None:
            raise ValueError("the search has ended")
        self.probes += 1
        if passes:
            self.passes = rate
        else:
            self.fails = rate
            self._is_hopeless = is_hopeless and self.passes is None

    @property
    def remaining(self) -> int:
        """About how many further rates will be tried."""
        if self.rate is None:
            return 0
        if self.passes is None or self.fails is None:
            return 6
        return math.ceil(math.log2(math.log(self.fails / self.passes) / math.log1p(RESOLUTION)))


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")
