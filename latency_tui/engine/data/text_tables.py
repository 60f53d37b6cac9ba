"""Reads text tables with any separator and encoding. Runs in the engine's processes only."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from latency_tui.catalog.data_columns import detect_dialect
from latency_tui.catalog.data_files import DataFile
from latency_tui.catalog.dialects import WHITE_SPACE, Dialect, single_byte_encoding
from latency_tui.errors import DataError

_WRONG_CELL_COUNT = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


class NumberColumns:
    """Numeric columns with names, used if pandas is not installed."""

    def __init__(self, values: Any, names: list[str]) -> None:
        self.values = values
        self.columns = names


def read_text(file: DataFile) -> tuple[Any, Dialect, tuple[str, ...]]:
    """Return a text table as a data frame (`NumberColumns` without pandas), its dialect, and notes.

    Raises:
        UsageError: The first lines are not a table.
        DataError: The number of cells differs between lines, or there is text and pandas is not installed.
    """
    dialect = detect_dialect(file)
    encoding, notes = dialect.encoding, dialect.notes
    if encoding.startswith(("cp", "latin")):
        notes = (*notes, _not_utf8(file, encoding))
    while True:
        try:
            return _read(file, dialect, encoding), dialect, notes
        except UnicodeDecodeError as error:
            if encoding.startswith(("utf-16", "utf-32")) or encoding == "latin-1":
                raise DataError(
                    f"{file.path} is truncated or damaged: it is not {encoding.upper()} throughout."
                ) from error
            encoding = "latin-1" if encoding == "cp1252" else single_byte_encoding(error.object)
            notes = (*dialect.notes, _not_utf8(file, encoding))


def _read(file: DataFile, dialect: Dialect, encoding: str) -> Any:
    with file.open() as opened, io.TextIOWrapper(opened, encoding, newline="") as text:
        for _ in range(dialect.skipped_lines):
            text.readline()
        try:
            import pandas  # deferred: 0.3 s, needed only for tables
        except ImportError:
            return _read_numbers(file, dialect, text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pandas.errors.ParserWarning)  # cells beyond the last name, reported below
            try:
                return pandas.read_csv(
                    text,
                    sep=r"\s+" if dialect.separator == WHITE_SPACE else dialect.separator,
                    header=None,
                    names=list(dialect.names),
                    index_col=False,
                    decimal=dialect.decimal,
                    skipinitialspace=dialect.padded,
                    comment="#" if dialect.comments else None,
                    low_memory=False,  # otherwise the type of a column could differ between chunks
                )
            except pandas.errors.EmptyDataError:
                return pandas.DataFrame(columns=list(dialect.names))
            except pandas.errors.ParserError as error:
                raise DataError(f"{file.path}: {_reason(error, dialect.skipped_lines)}") from error


def _reason(error: Exception, skipped: int) -> str:
    """Return what is wrong with a line, from the message of pandas."""
    if found := _WRONG_CELL_COUNT.search(str(error)):
        expected, line, seen = map(int, found.groups())
        hint = "; put text that contains separators in quotes" if expected == 1 else ""
        return f"line {line + skipped:,} has {seen} cells, but the first line has {expected}{hint}."
    if found := _OPEN_QUOTE.search(str(error)):
        return f"a quotation mark in line {int(found[1]) + skipped + 1:,} or below is never closed."
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]


def _read_numbers(file: DataFile, dialect: Dialect, text: io.TextIOWrapper) -> NumberColumns:
    lines: Iterator[str] = (line.replace(",", ".") for line in text) if dialect.decimal == "," else iter(text)
    delimiter = None if dialect.separator == WHITE_SPACE else dialect.separator
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a table without rows is reported elsewhere
            values = np.loadtxt(lines, delimiter=delimiter, ndmin=2, quotechar='"')
    except (ValueError, csv.Error):
        raise DataError(f"{file.path} contains text, which needs pandas: pip install pandas") from None
    return NumberColumns(values.reshape(-1, len(dialect.names)), list(dialect.names))


def _not_utf8(file: DataFile, encoding: str) -> str:
    """Return a note on the encoding, with the first line that is not UTF-8."""
    number = 0
    with file.open() as opened:
        for line in opened:
            number += 1
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    called = "Latin-1" if encoding == "latin-1" else "Windows-1252"
    return f"line {number:,} is not UTF-8, so the file was read as {called}; save it as UTF-8 if letters are wrong"
