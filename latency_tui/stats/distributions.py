"""Quantiles and tail probabilities of the normal, Student's and the fair binomial distribution.

scipy is imported by the functions that need it, because it takes 0.2 s and reading a result does not need it. A
`Recorder` imports it before the measurement begins.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile."""
    return _NORMAL.inv_cdf(probability)


def normal_tail(z: float) -> float:
    """Return the probability that a standard normal variable exceeds `z`."""
    return math.erfc(z / math.sqrt(2)) / 2


@lru_cache(maxsize=4096)
def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's t distribution.

    Args:
        probability: Between 0 and 1.
        degrees: Degrees of freedom, at least 1; Welch's need not be whole.

    Raises:
        ValueError: An argument is out of range.
    """
    if degrees < 1:
        raise ValueError("Student's distribution needs at least one degree of freedom.")
    if not 0 < probability < 1:
        raise ValueError("A probability must be between 0 and 1.")
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def student_tail(t: float, degrees: float) -> float:
    """Return the probability that Student's t exceeds `t`."""
    from scipy.special import stdtr

    return float(stdtr(degrees, -t))


def fair_binomial_cdf(heads: int, trials: int) -> float:
    """Return the probability of at most `heads` heads in `trials` tosses of a fair coin."""
    from scipy.special import bdtr

    return float(bdtr(heads, trials, 0.5))


def fair_binomial_quantile(probability: float, trials: int) -> int:
    """Return the largest number of heads whose cumulative probability does not exceed `probability`.

    It is −1 if even no heads at all are more probable.
    """
    from scipy.special import bdtrik

    heads = int(bdtrik(probability, trials, 0.5)) - 1  # within one of the result, which rounding may miss
    while heads < trials and fair_binomial_cdf(heads + 1, trials) <= probability:
        heads += 1
    return heads
