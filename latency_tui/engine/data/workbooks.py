"""Reads the first sheet of an Excel workbook. Runs in the engine's processes only."""

from __future__ import annotations

from numbers import Number
from typing import Any

from latency_tui.catalog.cells import is_missing
from latency_tui.catalog.data_files import DataFile
from latency_tui.catalog.dialects import unique_names
from latency_tui.errors import DataError


def read_workbook(file: DataFile) -> tuple[Any, tuple[str, ...]]:
    """Return the first sheet that is not empty as a data frame, and a note if there are others.

    Raises:
        DataError: The workbook cannot be read, or has no rows.
        ImportError: pandas or openpyxl is missing.
    """
    import openpyxl  # noqa: F401 (deferred: reports a missing library before the file is opened)
    import pandas

    try:
        with file.open() as opened:
            sheets = pandas.read_excel(opened, sheet_name=None, header=None, engine="openpyxl")
    except Exception as error:
        message = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{file.path} is an Excel workbook that openpyxl cannot read ({message[:200]}); save it as CSV or Parquet."
        ) from error
    filled = {name: table for name, sheet in sheets.items() if len(table := sheet.dropna(how="all"))}
    if not filled:
        raise DataError(f"{file.path} has no rows.")
    name, table = next(iter(filled.items()))
    notes = (f"the first of {len(filled)} sheets was read: {name}",) if len(filled) > 1 else ()
    table = table.dropna(axis="columns", how="all")
    first = list(table.iloc[0])
    if any(isinstance(cell, Number) and not pandas.isna(cell) for cell in first):
        table.columns = range(table.shape[1])
    else:
        table = table.iloc[1:]
        table.columns = unique_names(
            ["" if pandas.isna(cell) or is_missing(str(cell)) else str(cell) for cell in first]
        )
    table = table.reset_index(drop=True).infer_objects()
    for name in table.columns[[kind == "float64" for kind in table.dtypes]]:
        values = table[name]  # an empty cell above the table turned whole numbers into floats
        if values.notna().all() and (values == values.round()).all():
            table[name] = values.astype("int64")
    return table, notes
