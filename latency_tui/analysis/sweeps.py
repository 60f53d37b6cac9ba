"""Groups the cells of sweeps into curves, and finds their fits, knees and crossings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from latency_tui.analysis.median_table import Rounds
from latency_tui.plan import Candidate, Plan, Setting, Sweep
from latency_tui.plan.sweep import without
from latency_tui.result.result import CandidateResult
from latency_tui.result.sweep import BestValue, Crossing, Estimate, Knee, LineFit, SweepCell, SweepCurve
from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.stats.percentiles import MIN_ROUNDS
from latency_tui.stats.sweeps import (
    DRAWS,
    CellDraws,
    Floats,
    Interval,
    draw_cells,
    find_crossings,
    find_knee,
    fit_line,
    signs,
    speed_up,
)

LIVE_DRAWS = 200
"""Draws of a live result, so that a redraw stays quick."""
_NANO = 1e9
_TUNING = ("threads", "n_jobs")
"""Numeric settings that spend resources on the same work, so the best value is sought and no line is fitted."""

_Curves = dict[str, dict[Setting, int]]
"""Positions of the measured cells in the plan, by value, by slug of the curve."""


def analyse_sweeps(
    plan: Plan, candidates: Sequence[CandidateResult], rounds: Rounds, *, live: bool
) -> tuple[SweepCurve, ...]:
    """Return one curve per sweep and model.

    Args:
        plan: The plan; its candidates are the cells.
        candidates: Their results, in the plan's order.
        rounds: Block medians of all candidates, the cells first.
        live: Whether the result is shown during the measurement and has to be ready soon.
    """
    if not plan.sweeps:
        return ()
    medians = np.array(
        [
            (one.statistics.p50.value or np.nan) * _NANO if one.statistics and one.status != "failed" else np.nan
            for one in candidates
        ],
        dtype=float,
    )
    drawn = _draw(medians, rounds, LIVE_DRAWS if live else DRAWS, plan.seed)
    found: list[SweepCurve] = []
    for sweep in plan.sweeps:
        found += _analyse(plan, sweep, candidates, drawn)
    return tuple(found)


def _draw(medians: Floats, rounds: Rounds, draws: int, seed: int, *, is_part: bool = False) -> CellDraws:
    """Draw the medians of all cells; those that were measured in different launches are drawn independently.

    Args:
        medians: The median of each cell, `(n_cells,)` nanoseconds; NaN for a cell to leave out.
        rounds: Block medians of all candidates, the cells first.
        draws: Number of draws.
        seed: Seed of the draws.
        is_part: Whether the plan has more cells, which were measured in other launches.
    """
    parts = rounds.parts() or [({*range(medians.size)}, rounds)]
    if len(parts) == 1:
        ((_, rounds),) = parts
        enough = rounds.launches.size >= MIN_ROUNDS
        return draw_cells(
            rounds.medians[: medians.size],
            medians,
            rounds.launches,
            _processes(rounds),
            draws if enough else 0,
            seed,
            is_part=is_part,
        )
    logs, drawn, clusters = np.log(medians), np.full((draws, medians.size), np.nan), []
    for number, (candidates, mine) in enumerate(parts):
        cells = sorted(cell for cell in candidates if cell < medians.size and not np.isnan(medians[cell]))
        if not cells:
            continue
        part = Rounds(mine.medians[cells], mine.launches, mine.processes[cells])
        one = _draw(medians[cells], part, draws, seed + number, is_part=True)
        if not one.is_known:
            return CellDraws(np.log(medians), drawn[:0], one.clusters)
        logs[cells], drawn[:, cells] = one.logs, one.draws
        clusters.append(one.clusters)
    return CellDraws(logs, drawn, min(clusters, default=0))


def _processes(rounds: Rounds) -> np.typing.NDArray[np.int64]:
    """Return the process of each round, of the candidate with the fewest processes that can be clusters."""
    # In a round without a block of that candidate, the process is that of the others.
    processes = np.where(np.isnan(rounds.medians), rounds.processes.max(axis=0, initial=0), rounds.processes)
    counts = [np.unique(row).size for row in processes]
    possible = [count for count in counts if count >= MIN_CLUSTERS] or counts
    chosen: np.typing.NDArray[np.int64] = processes[counts.index(min(possible))]
    return chosen


def _analyse(plan: Plan, sweep: Sweep, candidates: Sequence[CandidateResult], drawn: CellDraws) -> list[SweepCurve]:
    curves: _Curves = {}
    owners: dict[str, Candidate] = {}
    colours: dict[str, str] = {}
    for position, (cell, result) in enumerate(zip(plan.candidates, candidates, strict=True)):
        owner = without(cell, [sweep.parameter])
        owners.setdefault(owner.slug, owner)
        colours.setdefault(owner.slug, result.colour)
        curves.setdefault(owner.slug, {})
        if result.statistics is not None and result.status != "failed":
            curves[owner.slug][cell.settings[sweep.parameter]] = position
    crossings = _crossings(sweep, curves, drawn) if sweep.is_numeric else {}
    leaders = _leaders(sweep, curves, drawn)
    return [
        SweepCurve(
            parameter=sweep.parameter,
            candidate=slug,
            name=owners[slug].name,
            colour=colours[slug],
            cells=tuple(_cell(value, candidates[position]) for value, position in cells.items()),
            fit=_fit(sweep, cells, drawn),
            knee=_knee(sweep, cells, drawn),
            best=_best(sweep, cells, drawn),
            crossings=tuple(crossings.get(slug, ())),
            leads_at=tuple(value for value in sweep.values if leaders.get(value) == slug),
        )
        for slug, cells in curves.items()
    ]


def _cell(value: Setting, result: CandidateResult) -> SweepCell:
    assert result.statistics is not None
    p50 = result.statistics.p50
    return SweepCell(
        value=value,
        candidate=result.slug,
        p50=Estimate(value=p50.value or 0.0, low=p50.low, high=p50.high),
    )


def is_size(sweep: Sweep) -> bool:
    """Return whether the setting is a size that the latency may be proportional to, such as a number of rows."""
    return sweep.is_numeric and sweep.parameter not in _TUNING


def _fit(sweep: Sweep, cells: Mapping[Setting, int], drawn: CellDraws) -> LineFit | None:
    if not is_size(sweep):
        return None
    line = fit_line(_numbers(cells), drawn, [*cells.values()])
    if line is None:
        return None
    fixed, slope = line.fixed, line.slope
    return LineFit(
        fixed_seconds=fixed.value / _NANO,
        fixed_low=fixed.low / _NANO,
        fixed_high=fixed.high / _NANO,
        per_row_seconds=slope.value / _NANO,
        per_row_low=slope.low / _NANO,
        per_row_high=slope.high / _NANO,
        is_straight=line.misfit_at is None,
        misfit_value=None if line.misfit_at is None else [*cells][line.misfit_at],
        misfit=line.misfit,
        largest_to_predicted=_estimate(line.largest_ratio),
    )


def _knee(sweep: Sweep, cells: Mapping[Setting, int], drawn: CellDraws) -> Knee | None:
    if sweep.parameter != "batch":
        return None
    values = _numbers(cells)
    knee = find_knee(values, drawn, [*cells.values()])
    if knee is None:
        return None
    last = values.size - 1
    return Knee(
        value=None if knee.at == last else float(values[knee.at]),
        low=float(values[knee.low]),
        high=None if knee.high == last else float(values[knee.high]),
    )


def _best(sweep: Sweep, cells: Mapping[Setting, int], drawn: CellDraws) -> BestValue | None:
    if is_size(sweep) or len(cells) < 2:
        return None
    reference, *_ = cells
    best = min(cells, key=lambda value: drawn.logs[cells[value]])
    gain = None if best == reference else _estimate(speed_up(drawn, cells[reference], cells[best]))
    return BestValue(value=best, reference=reference, speed_up=gain)


def _crossings(sweep: Sweep, curves: _Curves, drawn: CellDraws) -> dict[str, list[Crossing]]:
    found: dict[str, list[Crossing]] = {}
    for (one, ones), (other, others) in combinations(curves.items(), 2):
        shared = [value for value in sweep.values if value in ones and value in others]
        if len(shared) < 2:
            continue
        x = np.array(shared, dtype=float)
        points = find_crossings(x, drawn, [ones[value] for value in shared], [others[value] for value in shared])
        for point in points:
            faster, slower = (other, one) if point.overtaken else (one, other)
            found.setdefault(faster, []).append(
                Crossing(overtakes=slower, value=point.value, low=point.low, high=point.high)
            )
    return found


def _leaders(sweep: Sweep, curves: _Curves, drawn: CellDraws) -> dict[Setting, str]:
    """Return the curve that is shown to be faster than all others, by value; a value without one is missing."""
    beaten: dict[Setting, dict[str, int]] = {}
    for (one, ones), (other, others) in combinations(curves.items(), 2):
        shared = [value for value in sweep.values if value in ones and value in others]
        known = signs(drawn, [ones[value] for value in shared], [others[value] for value in shared])
        for value, sign in zip(shared, known.tolist(), strict=True):
            if sign:
                winners = beaten.setdefault(value, {})
                winner = one if sign > 0 else other
                winners[winner] = winners.get(winner, 0) + 1
    present = {value: sum(value in cells for cells in curves.values()) for value in sweep.values}
    return {
        value: slug for value, winners in beaten.items() for slug, wins in winners.items() if wins == present[value] - 1
    }


def _numbers(cells: Mapping[Setting, int]) -> np.typing.NDArray[np.float64]:
    return np.array([*cells], dtype=float)


def _estimate(interval: Interval | None) -> Estimate | None:
    return None if interval is None else Estimate(value=interval.value, low=interval.low, high=interval.high)
