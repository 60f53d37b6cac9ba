"""The result class of the Python API: prints as a table, displays in a notebook, and saves by file suffix."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from latency_tui.errors import UsageError
from latency_tui.report.csv_format import model_columns, values
from latency_tui.report.csv_rows import Cell
from latency_tui.report.formats import write
from latency_tui.report.load import load_rows, offline_rows
from latency_tui.report.markup import escape
from latency_tui.report.mix import make_class_rows
from latency_tui.report.saved_comparison import render_comparisons
from latency_tui.report.steps import steps_notebook
from latency_tui.report.sweeps import make_tables
from latency_tui.report.table import render_table
from latency_tui.report.table_cells import make_notes, make_rows, make_title
from latency_tui.result import result as kept
from latency_tui.result import saved_comparison as saved
from latency_tui.text.sanitize import clean, shorten

_LIBRARIES: tuple[Literal["pandas", "polars", "pyarrow"], ...] = ("pandas", "polars", "pyarrow")
"""Libraries of data frames, the most common first."""
_MAX_REPR = 500
_CELL = "text-align: right; padding: 0.2em 0.8em; white-space: nowrap"
_NAME = "text-align: left; padding: 0.2em 0.8em; white-space: nowrap"


class Result(kept.Result, frozen=True, kw_only=True):
    """The result of one measurement, with `result.answer`, `result.candidates` and `result.comparisons`.

    `print(result)` shows the table, `result.summary()` and `result.to_frame()` have its figures, and
    `result.save("result.json")` writes all of it to a file.
    """

    def __repr__(self) -> str:
        """Return one line: the number of models, and the answer."""
        count = len(self.candidates)
        models = "1 model" if count == 1 else f"{count} models"
        return f"<latency_tui.Result of {models}: {shorten(clean(self.answer), _MAX_REPR)}>"

    def __str__(self) -> str:
        """Return the table that `latency-tui run` prints, as wide as the terminal."""
        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        return render_table(self, width=shutil.get_terminal_size().columns if is_terminal else None)

    def _repr_html_(self) -> str:
        """Return the answer, the tables and the notes for a notebook, without external resources."""
        notes = make_notes(self)
        tables = [_table(table.heads, [map(escape, row) for row in table.rows]) for table in make_tables(self)]
        whole = [] if self.sweeps else make_rows(self)
        several = filter(None, (whole, make_class_rows(self), load_rows(self), offline_rows(self)))
        tables += [_table([*rows[0].cells], [map(escape, row.cells.values()) for row in rows]) for rows in several]
        answer = "".join(f"<p><strong>{escape(text)}</strong></p>" for kind, text in notes if kind == "answer")
        others = "".join(f"<li>{kind}: {escape(text)}</li>" for kind, text in notes if kind != "answer")
        return (
            f"<div>{answer}{''.join(tables)}"
            + (f"<ul>{others}</ul>" if others else "")
            + steps_notebook(self, _CELL, _NAME)
            + f"<p><small>{escape(make_title(self))}</small></p></div>"
        )

    def summary(self) -> list[dict[str, Cell]]:
        """Return the figures, one dictionary per model, in the plan's order; times in seconds, named as in the CSV."""
        rows = (values(self, candidate, self.baseline) for candidate in self.candidates)
        columns = model_columns(self)
        return [{name: row.get(name) for name in columns} for row in rows]

    def to_frame(self, library: str | None = None, *, samples: bool = False) -> Any:
        """Return the figures as a data frame, one row per model; times in seconds, named as in the CSV.

        Args:
            library: `pandas`, `polars` or `pyarrow`; None for one that the program has imported, or that is installed.
            samples: Whether to return the calls instead, one row per call: candidate, launch, round, seconds.

        Raises:
            UsageError: The library is not installed or unknown, or there are no samples.
        """
        import narwhals  # deferred: 20 ms

        backend = _choose_library(library)
        if samples:
            from latency_tui.report.parquet import call_columns, called_candidates

            what = "to_frame(samples=True)"
            columns = call_columns(self, what)
            columns["candidate"] = np.asarray(called_candidates(self, what), dtype=object)[columns["candidate"]]
        else:
            rows = self.summary()
            columns = {name: [row[name] for row in rows] for name in model_columns(self)}
        return narwhals.from_dict(columns, backend=backend).to_native()

    def compare(self, baseline: kept.Result, *, force: bool = False) -> SavedComparison:
        """Compare this result with another one that was measured at another time; a ratio above 1 is slower.

        Args:
            baseline: The other result.
            force: Whether to give verdicts although the CPU model differs.

        Returns:
            Ratios with intervals, verdicts, and what differs between the two. A verdict needs several launches.
        """
        from latency_tui.analysis.saved_results import compare_saved

        found = compare_saved(baseline, self, names=("the baseline", "this result"), force=force)
        return SavedComparison(**{name: getattr(found, name) for name in found.__struct_fields__})

    def save(self, path: str | Path) -> None:
        """Write the result to a file atomically, in the format of its suffix.

        Only JSON (`.json`) contains all samples and can be read by `load`.

        Raises:
            UsageError: The suffix is unknown, or the file cannot be written.
        """
        write(self, Path(path))


class SavedComparison(saved.SavedComparison, frozen=True, kw_only=True):
    """Two results that were measured at different times, compared; prints as a table."""

    def __str__(self) -> str:
        """Return the table that `latency-tui compare` prints."""
        return render_comparisons([self])

    def _repr_markdown_(self) -> str:
        """Return the same table for a notebook."""
        return render_comparisons([self], "markdown")


def of(result: kept.Result) -> Result:
    """Convert a result to the result class of the Python API."""
    return Result(**{name: getattr(result, name) for name in result.__struct_fields__})


def _choose_library(wanted: str | None) -> Literal["pandas", "polars", "pyarrow"]:
    """Return the wanted library of data frames, or one that is imported or installed."""
    if wanted is not None and wanted not in _LIBRARIES:
        raise UsageError(f"to_frame makes a data frame of {', '.join(_LIBRARIES)}, not of {wanted!r}.")
    imported = [name for name in _LIBRARIES if sys.modules.get(name) is not None]
    for name in _LIBRARIES:
        if name == (wanted or name) and (wanted or not imported or name in imported) and _is_installed(name):
            return name
    what = wanted or "pandas, polars or pyarrow"
    raise UsageError(f"to_frame needs {what}, which is not installed; summary() returns the same figures.")


def _is_installed(library: str) -> bool:
    try:
        importlib.import_module(library)
    except ImportError:
        return False
    return True


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are escaped already."""
    head = "".join(f'<th style="{_style(name)}">{escape(name)}</th>' for name in heads)
    lines = (
        "".join(f'<td style="{_style(name)}">{cell}</td>' for name, cell in zip(heads, row, strict=True))
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _style(column: str) -> str:
    return _NAME if column in ("model", "calls of", "verdict", "limits", "group") else _CELL
