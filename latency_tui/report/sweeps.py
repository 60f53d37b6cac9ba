"""The table of a sweep's cells, one row per value and one column per model, for every report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latency_tui.text.formatting import NOTHING, format_duration, format_interval
from latency_tui.text.sanitize import clean
from latency_tui.text.sweeps import curves_of, format_setting

if TYPE_CHECKING:
    from latency_tui.plan import Sweep
    from latency_tui.result.result import Result


@dataclass(frozen=True, kw_only=True)
class SweepTable:
    """The cells of one sweep as cleaned text.

    Attributes:
        sweep: The sweep.
        heads: The setting, then the models.
        colours: The colour of each column, `#rrggbb`; empty for the setting.
        rows: Per value: the value, then the p50 of each model with its interval.
    """

    sweep: Sweep
    heads: tuple[str, ...]
    colours: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_tables(result: Result) -> list[SweepTable]:
    """Return one table per sweep; empty if nothing was measured or there are no sweeps."""
    tables = []
    for sweep in result.plan.sweeps:
        curves = curves_of(result, sweep.parameter)
        if not any(curve.cells for curve in curves):
            continue
        columns = [{cell.value: cell.p50 for cell in curve.cells} for curve in curves]
        rows = []
        for value in sweep.values:
            cells = []
            for column in columns:
                p50 = column.get(value)
                interval = format_interval(p50.low, p50.high) if p50 and p50.low and p50.high else ""
                shown = format_duration(p50.value) if p50 else NOTHING
                cells.append(f"{shown} ({interval})" if interval else shown)
            rows.append((format_setting(value), *cells))
        tables.append(
            SweepTable(
                sweep=sweep,
                heads=(sweep.parameter, *(clean(curve.name) for curve in curves)),
                colours=("", *(curve.colour for curve in curves)),
                rows=tuple(rows),
            )
        )
    return tables
