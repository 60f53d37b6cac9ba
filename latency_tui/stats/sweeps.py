"""Curves of a sweep: draws of their medians, straight lines, crossings, and the knee of the price per row.

All cells of a sweep are measured in the same rounds. A draw resamples whole clusters of rounds (launches, or else
processes, or else rounds) for all cells at once, so that what disturbs all of them cancels in every ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.stats.distributions import normal_quantile, student_quantile

Floats = NDArray[np.float64]

DRAWS = 1000
"""Number of bootstrap draws of a final result."""
MIN_FIT_CELLS = 3
"""Fewest cells of a straight line whose fit can be checked."""
MIN_RELATIVE_ERROR = 0.01
"""Relative error of a cell that a fit assumes at least: identical processes differ by up to 1 %."""
MAX_MISFIT = 0.1
"""A cell that is shown to be further from a line than this share contradicts it."""
KNEE_GAIN = 0.05
"""Beyond the knee, a row gets cheaper by less than this share."""
_CONFIDENCE = 0.95
_STRETCHES = 5
"""Number of consecutive parts of a launch between which a machine drifts, as far as one launch shows."""


@dataclass(frozen=True, slots=True)
class CellDraws:
    """Bootstrap draws of the median latencies of all cells.

    Attributes:
        logs: Natural logs of the estimates, without what the rounds add to all cells, `(n_cells,)`; NaN for a cell that
            was not measured.
        draws: Natural logs of the draws, `(n_draws, n_cells)`.
        clusters: Number of resampled units; without draws, nothing is known about the error of an estimate.
    """

    logs: Floats
    draws: Floats
    clusters: int

    @property
    def is_known(self) -> bool:
        """Whether there are draws."""
        return bool(self.draws.size)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line `fixed + slope · x`.

    Attributes:
        fixed: Intercept.
        slope: Slope.
        misfit_at: Position of the cell that contradicts the line most; None if no cell does.
        misfit: That cell divided by the line, less one; 0 if no cell contradicts it.
        largest_ratio: The last cell divided by what the line through the others predicts for it; None if these are too
            few.
    """

    fixed: Interval
    slope: Interval
    misfit_at: int | None
    misfit: float
    largest_ratio: Interval | None


def draw_cells(
    medians: Floats,
    estimates: Floats,
    launches: NDArray[np.int64],
    processes: NDArray[np.int64],
    draws: int,
    seed: int,
    *,
    is_part: bool = False,
) -> CellDraws:
    """Draw the medians of all cells from resampled clusters of rounds.

    What is common to all cells of a round is estimated as in a two-way layout (compare the median polish of Tukey,
    "Exploratory Data Analysis", 1977) and drawn once, so that a drift of the machine does not separate the cells.

    The spread of the draws is widened for the number of clusters, as Student's interval is (Hesterberg, "What Teachers
    Should Know About the Bootstrap", 2015, section 5.3).

    Args:
        medians: Block medians, `(n_cells, n_rounds)`; NaN if there was no block.
        estimates: The estimate of each cell in the same unit, `(n_cells,)`; NaN for a cell to leave out.
        launches: Launch of each round, `(n_rounds,)`.
        processes: Number of the process of each round, the same for all cells, `(n_rounds,)`.
        draws: Number of draws; 0 if there are too few rounds.
        seed: Seed of the draws.
        is_part: Whether other cells were measured at other times, so that a drift of the machine does not cancel. It is
            then drawn from consecutive parts of the measurement as well, unless the clusters are launches.
    """
    labels = _clusters(~np.isnan(medians[~np.isnan(estimates)]), launches, processes)
    count = int(labels.max(initial=-1)) + 1
    logs = np.log(estimates)
    present = np.flatnonzero(~np.isnan(logs))
    if count < 2 or draws == 0 or not present.size:
        return CellDraws(logs, np.empty((0, logs.size)), count)
    generator = np.random.default_rng(seed)
    clusters = _Resampling.of(labels, draws, generator)
    rounds, residuals = _polish(np.log(medians[present]))
    _, common = clusters.deviations(rounds)
    if is_part and np.unique(launches).size < MIN_CLUSTERS:
        stretches = _Resampling.of(np.arange(rounds.size) * _STRETCHES // rounds.size, draws, generator)
        common = max(common, stretches.deviations(rounds)[1], key=np.std)
    cells = [clusters.deviations(row) for row in residuals]
    relative = np.array([centre for centre, _ in cells])
    polished = np.full(logs.size, np.nan)
    polished[present] = relative + np.mean(logs[present] - relative)
    found = np.full((draws, logs.size), np.nan)
    found[:, present] = polished[present] + common[:, None] + np.stack([drawn for _, drawn in cells], axis=1)
    return CellDraws(polished, found, count)


@dataclass(frozen=True, slots=True)
class _Resampling:
    """Draws of clusters with replacement.

    Attributes:
        labels: Cluster of each round, `(n_rounds,)`.
        weights: How often each draw contains each cluster, `(n_draws, n_clusters)`.
    """

    labels: NDArray[np.int64]
    weights: NDArray[np.int64]

    @classmethod
    def of(cls, labels: NDArray[np.int64], draws: int, generator: np.random.Generator) -> _Resampling:
        """Draw clusters, numbered from 0."""
        count = int(labels.max()) + 1
        return cls(labels, generator.multinomial(count, np.full(count, 1 / count), size=draws))

    def deviations(self, values: Floats) -> tuple[float, Floats]:
        """Return the median of one value per round, and how far each draw of it is off, `(n_draws,)`.

        Deviations are widened for the number of clusters.
        """
        draws, count = self.weights.shape
        order = np.argsort(values)[: int(np.count_nonzero(~np.isnan(values)))]
        if not order.size:
            return 0.0, np.zeros(draws)
        centre, level = float(np.median(values[order])), (1 + _CONFIDENCE) / 2
        spread = (count / (count - 1)) ** 0.5 * student_quantile(level, count - 1) / normal_quantile(level)
        return centre, spread * (_weighted_medians(values[order], self.weights[:, self.labels[order]]) - centre)


def _polish(logs: Floats) -> tuple[Floats, Floats]:
    """Return what the cells of each round have in common, `(n_rounds,)`, and the rest, `(n_cells, n_rounds)`.

    The common part is a mean, so that the difference of two cells in a round stays as it was measured.
    """
    there = ~np.isnan(logs).all(axis=0)
    rounds = np.zeros(logs.shape[1])
    levels = np.nanmedian(logs, axis=1, keepdims=True)
    for _ in range(2):
        rounds[there] = np.nanmean((logs - levels)[:, there], axis=0)
        levels = np.nanmedian(logs - rounds, axis=1, keepdims=True)
    return rounds, logs - rounds


def _clusters(
    present: NDArray[np.bool_], launches: NDArray[np.int64], processes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the cluster of each round: its launch, or else its process, or else the round itself.

    Args:
        present: Whether each cell has a block in each round, `(n_cells, n_rounds)`.
        launches: Launch of each round.
        processes: Process of each round within its launch.
    """
    for labels in (launches, launches * (processes.max(initial=0) + 1) + processes):
        numbers, cluster = np.unique(labels, return_inverse=True)
        # Launches in which some cells were not measured may be enough for others alone.
        if min((np.unique(labels[row]).size for row in present), default=numbers.size) >= MIN_CLUSTERS:
            return cluster
    return np.arange(launches.size)


def _weighted_medians(values: Floats, weights: NDArray[np.int64]) -> Floats:
    """Return the median of ascending values for each row of weights; the middle of all if all weights are zero."""
    sums = np.cumsum(weights, axis=1)
    half = sums[:, -1:] / 2
    below, above = (sums >= half).argmax(axis=1), (sums > half).argmax(axis=1)
    found: Floats = (values[below] + values[np.where(half[:, 0] > 0, above, below)]) / 2
    return np.where(half[:, 0] > 0, found, np.median(values))


def interval_of(value: float, draws: Floats) -> Interval:
    """Return an estimate with the interval that holds 95 % of its draws, widened to contain the estimate."""
    low, high = np.quantile(draws, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return Interval(value, min(float(low), value), max(float(high), value))


def fit_line(x: Floats, cells: CellDraws, columns: Sequence[int]) -> Line | None:
    """Fit a straight line through cells by weighted least squares, and check it.

    The weights are the inverse variances of the cells, which are proportional to their squares: each cell counts by
    its relative error. The interval is over draws, each fitted anew.

    Args:
        x: Values of the swept setting, `(n,)`.
        cells: The cells.
        columns: Which of them belong to the curve, in the order of `x`.

    Returns:
        The line; None if there are too few cells, or if it would be negative at one of them.
    """
    if len(columns) < MIN_FIT_CELLS or not cells.is_known:
        return None
    y, draws = np.exp(cells.logs[list(columns)]), np.exp(cells.draws[:, list(columns)])
    errors = np.maximum(np.std(cells.draws[:, list(columns)], axis=0), MIN_RELATIVE_ERROR)
    fixed, slope = _solve(x, y[None], errors)
    all_fixed, all_slopes = _solve(x, draws, errors)
    lines = fixed[0] + slope[0] * x
    if not (lines > 0).all():
        return None
    all_lines = all_fixed[:, None] + all_slopes[:, None] * x
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(all_lines > 0, draws / all_lines, np.inf)
    lows, highs = np.quantile(ratios, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2], axis=0)
    misfit = y / lines - 1
    shown = np.flatnonzero((lows > 1 + MAX_MISFIT) | (highs < 1 - MAX_MISFIT))
    worst = int(shown[np.argmax(np.abs(misfit[shown]))]) if shown.size else None
    return Line(
        fixed=interval_of(float(fixed[0]), all_fixed),
        slope=interval_of(float(slope[0]), all_slopes),
        misfit_at=worst,
        misfit=0.0 if worst is None else float(misfit[worst]),
        largest_ratio=_largest(x, y, draws, errors),
    )


def _solve(x: Floats, y: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Return intercepts and slopes of the weighted lines through each row of `y`, `(n_rows,)` each."""
    weights = 1 / (np.median(y, axis=0) * errors) ** 2
    total = weights.sum()
    mean_x = (weights * x).sum() / total
    mean_y = (y * weights).sum(axis=1) / total
    slopes = ((y - mean_y[:, None]) * (weights * (x - mean_x))).sum(axis=1) / (weights * (x - mean_x) ** 2).sum()
    return mean_y - slopes * mean_x, slopes


def _largest(x: Floats, y: Floats, draws: Floats, errors: Floats) -> Interval | None:
    """Return the last cell divided by what the line through the others predicts for it."""
    if x.size <= MIN_FIT_CELLS:
        return None
    (fixed,), (slope,) = _solve(x[:-1], y[None, :-1], errors[:-1])
    all_fixed, all_slopes = _solve(x[:-1], draws[:, :-1], errors[:-1])
    predicted, all_predicted = fixed + slope * x[-1], all_fixed + all_slopes * x[-1]
    if predicted <= 0 or (all_predicted <= 0).any():
        return None
    return interval_of(float(y[-1] / predicted), draws[:, -1] / all_predicted)


@dataclass(frozen=True, slots=True)
class Knee:
    """The value from which on a row gets cheaper by less than `KNEE_GAIN`; positions in the list of values."""

    at: int
    low: int
    high: int


def find_knee(x: Floats, cells: CellDraws, columns: Sequence[int]) -> Knee | None:
    """Return the first value after which the price per row falls by less than `KNEE_GAIN` in all.

    Args:
        x: Numbers of rows, `(n,)`.
        cells: The cells.
        columns: Which of them belong to the curve, in the order of `x`.

    Returns:
        The knee with its interval over draws; the last value stands for "not within the measured values". None if
        there are fewer than three values.
    """
    if len(columns) < MIN_FIT_CELLS or not cells.is_known:
        return None
    prices = cells.logs[list(columns)] - np.log(x)
    all_prices = cells.draws[:, list(columns)] - np.log(x)
    draws = np.sort(_knees(all_prices))
    (value,) = _knees(prices[None])
    low, high = (int(draws[round(share * (draws.size - 1))]) for share in (0.025, 0.975))
    return Knee(int(value), min(low, int(value)), max(high, int(value)))


def _knees(prices: Floats) -> NDArray[np.int64]:
    """Return the position of the knee in each row of log prices."""
    cheapest = np.minimum.accumulate(prices[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((cheapest >= prices + np.log(1 - KNEE_GAIN)).argmax(axis=1))


@dataclass(frozen=True, slots=True)
class CrossingPoint:
    """Where one curve overtakes another.

    Attributes:
        overtaken: Whether the second curve becomes the faster one; if not, the first does.
        value: The estimate on the axis of the setting, by interpolation on logarithmic scales.
        low: Lower end of its interval.
        high: Upper end of its interval.
    """

    overtaken: bool
    value: float
    low: float
    high: float


def signs(cells: CellDraws, first: Sequence[int], second: Sequence[int]) -> NDArray[np.int64]:
    """Return, per value, 1 if the first curve is shown to be faster, −1 if the second is, and 0 if neither is.

    The error rate of 5 % holds for all values together.
    """
    ratios = cells.logs[list(second)] - cells.logs[list(first)]
    if not cells.is_known:
        return np.zeros(ratios.size, dtype=np.int64)
    errors = np.std(cells.draws[:, list(second)] - cells.draws[:, list(first)], axis=0)
    # The draws are widened for few clusters already, so the plain quantile of several tests is used on top of them.
    beyond = np.abs(ratios) > normal_quantile(1 - (1 - _CONFIDENCE) / 2 / max(ratios.size, 1)) * errors
    return np.where(beyond, np.sign(ratios), 0).astype(np.int64)


def find_crossings(x: Floats, cells: CellDraws, first: Sequence[int], second: Sequence[int]) -> list[CrossingPoint]:
    """Return where two curves cross: between values at which one and then the other is shown to be faster.

    Args:
        x: Common values of the setting in ascending order, `(n,)`.
        cells: The cells.
        first: The cells of one curve, in the order of `x`.
        second: The cells of the other curve.
    """
    known = signs(cells, first, second)
    shown = np.flatnonzero(known)
    ratios = cells.logs[list(second)] - cells.logs[list(first)]
    draws = cells.draws[:, list(second)] - cells.draws[:, list(first)]
    found = []
    for before, after in zip(shown[:-1].tolist(), shown[1:].tolist(), strict=True):
        if known[before] == known[after]:
            continue
        span, sign = slice(before, after + 1), int(known[before])
        positions = np.exp(_zeros(np.log(x[span]), sign * draws[:, span]))
        (value,) = np.exp(_zeros(np.log(x[span]), sign * ratios[None, span]))
        where = interval_of(float(value), positions)
        found.append(CrossingPoint(sign > 0, where.value, where.low, where.high))
    return found


def _zeros(x: Floats, y: Floats) -> Floats:
    """Return where each row of `y` falls below zero first, linearly interpolated; an end if it never does."""
    below = y < 0
    after = np.where(below.any(axis=1), below.argmax(axis=1), y.shape[1] - 1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(y.shape[0])
    top, bottom = y[rows, before], y[rows, after]
    share = np.where(top > bottom, top / np.where(top > bottom, top - bottom, 1.0), 0.0)
    return np.asarray(x[before] + np.clip(share, 0, 1) * (x[after] - x[before]))


def speed_up(cells: CellDraws, slow: int, fast: int) -> Interval | None:
    """Return the latency of one cell divided by that of another, with its interval; None if there is none."""
    if not cells.is_known:
        return None
    return interval_of(
        float(np.exp(cells.logs[slow] - cells.logs[fast])), np.exp(cells.draws[:, slow] - cells.draws[:, fast])
    )
