"""The names of a data file's columns, to choose the target from; apart, for zipfile would take 10 ms of start-up."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

from latency_tui.errors import UsageError
from latency_tui.plan.datasets import format_of

_LONGEST_LINE = 1 << 20


def column_names(path: Path) -> tuple[str, ...]:
    """Return the names of the columns of a CSV file or a file of JSON lines, of an NPZ file those of its arrays.

    Only the first line is read. Columns of a CSV file that begins with numbers are called by theirs, from 0. Nothing is
    returned where names are not to be had without reading the data, or the file is not what it says.
    """
    try:
        form = format_of(path)
        if form == "csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = next(csv.reader(file), [])
            return tuple(first) if are_names(first) else tuple(map(str, range(len(first))))
        if form == "jsonl":
            with path.open(encoding="utf-8-sig") as file:
                return tuple(json.loads(file.readline(_LONGEST_LINE)))
        if form == "npz":
            with zipfile.ZipFile(path) as archive:
                return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except (UsageError, OSError, ValueError, csv.Error, zipfile.BadZipFile, TypeError):
        return ()
    return ()


def are_names(first: list[str]) -> bool:
    """Return whether the first line of a CSV file has names: what is no number, or `0,1,2` as pandas writes it.

    Cells without a value do not decide: they may stand in a row as well.
    """
    counted = len(first) > 1 and first == [str(index) for index in range(len(first))]
    return counted or not first or not all(_is_number(cell) for cell in first if cell.strip())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
