"""The Pareto front of candidates whose two values are known only up to an interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Standing(NamedTuple):
    """Where a candidate stands.

    Attributes:
        dominated_by: A candidate that is shown to be better in both values; None if there is none.
        is_shown: Whether every other candidate is shown to be worse in at least one value, so that it is certainly on
            the front. A candidate that is neither dominated nor certain is undecided.
    """

    dominated_by: int | None
    is_shown: bool


def pareto_front(
    count: int, is_faster: Callable[[int, int], bool], is_better: Callable[[int, int], bool]
) -> list[Standing]:
    """Return the standing of each candidate.

    Args:
        count: Number of candidates.
        is_faster: Whether the first candidate is shown to be faster than the second.
        is_better: Whether the first candidate is shown to have a better score than the second.
    """
    found = []
    for one in range(count):
        others = [other for other in range(count) if other != one]
        dominating = (other for other in others if is_faster(other, one) and is_better(other, one))
        shown = all(is_faster(one, other) or is_better(one, other) for other in others)
        found.append(Standing(next(dominating, None), shown))
    return found
