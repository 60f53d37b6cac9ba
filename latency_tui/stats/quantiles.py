"""Quantiles of the normal, Student's and the fair binomial distribution, without scipy (whose import takes 1.1 s)."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_NORMAL = NormalDist()
_SOME_DEGREES = 10
_MANY_DEGREES = 200


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile (Wichura 1988, AS 241, from the standard library)."""
    return _NORMAL.inv_cdf(probability)


def normal_tail(z: float) -> float:
    """Return the probability that a standard normal variable exceeds `z`."""
    return math.erfc(z / math.sqrt(2)) / 2


@lru_cache(maxsize=4096)
def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's t distribution.

    With many degrees of freedom it uses the expansion around the normal quantile (Abramowitz and Stegun 26.7.5), with
    fewer also Newton's steps, and with fewer than ten bisection of the distribution function. Bisection takes 3 ms, too
    long for a live measurement, whose degrees of freedom change with every redraw.

    Args:
        probability: Between 0 and 1.
        degrees: Degrees of freedom, at least 1; Welch's need not be whole.
    """
    if degrees < 1:
        raise ValueError("Student's distribution needs at least one degree of freedom.")
    if not 0 < probability < 1:
        raise ValueError("A probability must be between 0 and 1.")
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    if degrees >= _SOME_DEGREES:
        t = _expanded(normal_quantile(probability), degrees)
        for _ in range(4 if degrees < _MANY_DEGREES else 0):
            t -= (1 - student_tail(t, degrees) - probability) / _student_density(t, degrees)
        return t
    low, high = 0.0, 2.0
    while 1 - student_tail(high, degrees) < probability and high < 1e12:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if 1 - student_tail(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _expanded(z: float, degrees: float) -> float:
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))


def _student_density(t: float, degrees: float) -> float:
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    return math.exp(scale - (degrees + 1) / 2 * math.log1p(t * t / degrees))


def student_tail(t: float, degrees: float) -> float:
    """Return the probability that Student's t exceeds `t`.

    It uses the regularised incomplete beta function: P(T > t) = I_{ν/(ν+t²)}(ν/2, 1/2) / 2 for t ≥ 0 (Abramowitz and
    Stegun 26.7.1).
    """
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    half = _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
    return half if t >= 0 else 1 - half


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x),
    )
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 500):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + numerator / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction / a


@lru_cache(maxsize=64)
def fair_binomial_cdf(trials: int) -> NDArray[np.float64]:
    """Return P(B ≤ k) for k = 0 … trials // 2, where B counts heads of `trials` fair coins; `(trials // 2 + 1,)`."""
    heads = np.arange(trials // 2 + 1)
    steps = np.log(np.maximum(trials - heads[:-1], 1)) - np.log(heads[1:]) if trials else np.empty(0)
    log_mass = np.concatenate(([0.0], np.cumsum(steps))) - trials * math.log(2)
    cdf: NDArray[np.float64] = np.minimum(np.cumsum(np.exp(log_mass)), 1.0)
    cdf.flags.writeable = False
    return cdf
