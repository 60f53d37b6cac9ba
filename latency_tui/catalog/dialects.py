"""Detects the dialect of a text table (encoding, separator, decimal sign, header) from its first lines.

Both the reader in the engine and the list of columns in the app use this dialect. pandas is not needed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from latency_tui.catalog.cells import MISSING_SIGNS, Kind, classify_cells, decimal_sign, is_missing, is_number
from latency_tui.errors import UsageError

WHITE_SPACE = " "
SEPARATORS = (",", ";", "\t", "|", WHITE_SPACE)
_MAX_ROWS = 1000
_MAX_PREAMBLE = 10
_NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

Rows = list[tuple[int, list[str]]]
"""Non-empty rows: the number of the last line of the row, counted from 1, and its cells."""


@dataclass(frozen=True)
class Dialect:
    """The format of a text table.

    Attributes:
        encoding: Name of the codec.
        separator: Separator of cells; a space stands for any number of spaces and tabs.
        decimal: Decimal sign, `.` or `,`.
        skipped_lines: Number of lines before the first row.
        names: Unique column names; numbers from 0 if the file has no header.
        named: Whether the file has column names.
        padded: Whether a space follows each separator.
        comments: Whether there are lines between the rows that start with `#`.
        kinds: Kind of each column in the first rows.
        gaps: Names of columns with missing values in the first rows.
        notes: Notes on lines that are skipped.
    """

    encoding: str
    separator: str
    decimal: str
    skipped_lines: int
    names: tuple[str, ...]
    named: bool
    padded: bool
    comments: bool
    kinds: tuple[Kind, ...]
    gaps: tuple[str, ...]
    notes: tuple[str, ...]


def decode(head: bytes, *, whole: bool) -> tuple[str, str] | None:
    """Return the text at the beginning of a file and its encoding; None if the file is binary.

    Args:
        head: The first bytes of the file.
        whole: Whether `head` is the whole file; otherwise an incomplete last line is removed.
    """
    encoding = _encoding(head)
    if encoding is None:
        return None
    text = codecs.getincrementaldecoder(encoding)(errors="strict" if whole else "ignore").decode(head, whole)
    if not whole and (end := max(text.rfind("\n"), text.rfind("\r"))) >= 0:
        text = text[: end + 1]
    return text, encoding


def find_dialect(text: str, encoding: str) -> Dialect:
    """Return the dialect of a text table.

    Args:
        text: The first lines of the table, complete.
        encoding: Name of the codec.

    Raises:
        UsageError: The first lines are not a table.
    """
    skipped, comment, given = _leading_lines(text)
    body = "".join(_lines(text)[skipped:])
    separator = given or _separator(body)
    rows = _rows(body, separator, skipped)
    if not rows and comment:  # the only row is a header that starts with #
        rows, comment = _rows(comment, separator, skipped - 1), ""
    if not rows:
        raise UsageError("it is not a table: all lines are empty.")
    comments = _without_comments(rows)
    notes = list[str]()
    if preamble := _preamble(rows):
        notes.append(f"lines before the table were skipped: {', '.join(row[0] for _, row in rows[:preamble])[:80]}")
        del rows[:preamble]
    named = _has_names(rows)
    names = rows[0][1] if named else _names_in_comment(comment, separator, rows)
    if named:
        skipped = rows.pop(0)[0]
    if named and _names_units(rows):
        skipped, units = rows.pop(0)
        notes.append(f"line {skipped} was skipped, because it holds units: {', '.join(filter(None, units))[:80]}")
    width = _width(row for _, row in rows) or len(names)
    _check_lengths(rows, max(width, len(names)))
    columns = [[row[index] if index < len(row) else "" for _, row in rows] for index in range(width)]
    if names and len(names) == width - 1:  # R omits the name of the index; spreadsheets end lines with a separator
        names = [*names, ""] if all(is_missing(cell) for cell in columns[-1]) else ["", *names]
    elif names and len(names) < width:
        number = rows[0][0]
        raise UsageError(f"line {number} has {width} cells, but the line of names has {len(names)}.")
    columns += [[] for _ in range(len(names) - width)]
    kinds = tuple(classify_cells(cells) for cells in columns)
    called = unique_names(names) if names else tuple(map(str, range(width)))
    return Dialect(
        encoding=encoding,
        separator=separator,
        decimal=decimal_sign(columns, separator),
        skipped_lines=skipped,
        names=called,
        named=bool(names),
        padded=separator != WHITE_SPACE and _is_padded(body, separator),
        comments=comments,
        kinds=kinds,
        gaps=tuple(
            name
            for name, cells in zip(called, columns, strict=True)
            if any(map(is_missing, cells)) or {*cells} & MISSING_SIGNS
        ),
        notes=tuple(notes),
    )


def _encoding(head: bytes) -> str | None:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
        pairs = min(len(head), 4096) // 2
        if odd > 0.6 * pairs and even < 0.1 * pairs:
            return "utf-16-le"
        return "utf-16-be" if even > 0.6 * pairs and odd < 0.1 * pairs else None
    if sum(byte < 32 and byte not in (9, 10, 11, 12, 13, 26, 27) for byte in head[:4096]) > len(head[:4096]) / 100:
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return single_byte_encoding(head)
    return "utf-8"


def single_byte_encoding(content: bytes) -> str:
    """Return the encoding of text that is not UTF-8: Windows-1252 if all its bytes are valid there, else Latin-1."""
    return "latin-1" if set(content) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "cp1252"


def _lines(text: str) -> list[str]:
    """Return the lines of a text, including line ends."""
    return io.StringIO(text, newline="").readlines()


def _leading_lines(text: str) -> tuple[int, str, str]:
    """Return the number of empty or comment lines before the table, the last comment, and a declared separator."""
    comment, given, number = "", "", 0
    for line in _lines(text):
        if named := _NAMED_SEPARATOR.fullmatch(line):
            given = named[1]
        elif line.startswith("#"):
            comment = line.rstrip("\r\n")
        elif line.strip(" \t\r\n\x1a"):
            break
        number += 1
    return number, comment, given


def _rows(text: str, separator: str, skipped: int = 0) -> Rows:
    """Return the non-empty rows with their line numbers.

    Raises:
        csv.Error: A cell is longer than the limit of the csv module.
    """
    if separator == WHITE_SPACE:
        text = re.sub(r"[ \t]*(\r\n|\r|\n)[ \t]*", "\n", text.strip(" \t")).replace("\t", " ")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows: Rows = []
    for row in reader:
        if any(cell.strip() for cell in row):
            rows.append((reader.line_num + skipped, [cell.strip() for cell in row]))
        if len(rows) == _MAX_ROWS:
            break
    return rows


def _separator(text: str) -> str:
    """Return the separator that splits most rows into the same number of cells and yields most numbers."""
    best, found = (False, 0.0, 0.0, 0), ","
    for separator in SEPARATORS:
        try:
            rows = [row for _, row in _rows(text, separator)]
        except csv.Error:
            continue
        width = _width(rows[1:] or rows)
        if width < 2:
            continue
        alike = sum(len(row) == width for row in rows) / len(rows)
        cells = [cell for row in rows[1:] or rows for cell in row if not is_missing(cell)]
        plain = sum(is_number(cell) for cell in cells) / max(len(cells), 1)
        if separator == WHITE_SPACE and (alike < 1 or plain < 0.5):  # otherwise prose would count as a table
            continue
        fits = len(rows[0]) in (width, width - 1) or len(rows) == 1
        score = (fits and alike >= 0.6, round(alike, 1), plain, width)
        if score > best:
            best, found = score, separator
    return found


def _width(rows: Iterable[Sequence[str]]) -> int:
    """Return the most common number of cells per row."""
    counted = Counter(map(len, rows))
    return counted.most_common(1)[0][0] if counted else 0


def _without_comments(rows: Rows) -> bool:
    """Remove comment lines from the rows in place; return whether there were any."""
    width = _width(row for _, row in rows)
    found = [row for row in rows[1:] if row[1][0].startswith("#") and len(row[1]) != width]
    if not found or any("#" in cell for row in rows if row not in found for cell in row[1]):
        return False
    rows[:] = [row for row in rows if row not in found]
    return True


def _preamble(rows: Rows) -> int:
    """Return the number of title rows before the table, which have text in only one cell."""
    width = _width(row for _, row in rows)
    if width < 3:
        return 0
    filled = [sum(bool(cell) for cell in row) for _, row in rows[: _MAX_PREAMBLE + 1]]
    count = next((index for index, cells in enumerate(filled) if cells > 1), 0)
    return count if count <= _MAX_PREAMBLE else 0


def _has_names(rows: Rows) -> bool:
    """Return whether the first row is a header: text above numbers, text only, or numbers that count from 0.

    A row of text is no header if each of its cells also occurs further down in the same column.
    """
    first, rest = rows[0][1], [row for _, row in rows[1:]]
    if len(first) > 1 and first == [str(index) for index in range(len(first))]:
        return True
    shift = 1 if rest and _width(rest) == len(first) + 1 else 0
    columns = [[row[index + shift] for row in rest if index + shift < len(row)] for index in range(len(first))]
    kinds = [classify_cells(cells) for cells in columns]
    words = [
        index for index, cell in enumerate(first) if not (is_missing(cell) or is_number(cell) or cell in MISSING_SIGNS)
    ]
    if any(kinds[index] in ("number", "date") and classify_cells([first[index]]) == "word" for index in words):
        return True
    if any(is_number(cell) for cell in first) or not words:
        return False
    if classify_cells(first) == "date":
        return False
    return not rest or not all(first[index] in columns[index] for index in words)


def _names_in_comment(comment: str, separator: str, rows: Rows) -> list[str]:
    """Return the column names in the comment above the rows, as numpy.savetxt writes them; empty if there are none."""
    if not comment:
        return []
    for text in (comment.removeprefix("#").strip(), comment):
        found = next((row for _, row in _rows(text, separator)), [])
        if len(found) == _width(row for _, row in rows) and all(cell and not is_number(cell) for cell in found):
            return found
    return []


def _names_units(rows: Rows) -> bool:
    """Return whether the row below the header contains units: only text, above numeric columns."""
    if len(rows) < 3:
        return False
    first, rest = rows[0][1], [row for _, row in rows[1:]]
    words = [index for index, cell in enumerate(first) if not is_missing(cell) and cell not in MISSING_SIGNS]
    if not words or any(is_number(first[index]) or classify_cells([first[index]]) == "date" for index in words):
        return False
    numbers = [index for index in words if classify_cells(row[index] for row in rest if index < len(row)) == "number"]
    return bool(numbers) and (len(numbers) > 1 or len(words) < 3)


def _check_lengths(rows: Rows, width: int) -> None:
    for number, row in rows:
        if any(row[width:]):
            hint = "; put text that contains separators in quotes" if width == 1 else ""
            raise UsageError(f"line {number} has {len(row)} cells, but the first line has {width}{hint}.")


def _is_padded(text: str, separator: str) -> bool:
    """Return whether a space follows most separators; quotes are ignored."""
    mark = re.escape(separator)
    found = re.findall(rf"{mark}( *)(?=[^\s{mark}])", "".join(_lines(text)[:100]))
    return sum(map(bool, found)) > len(found) / 2


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return stripped, unique names, by the rules of pandas: `a`, `a.1`, and `Unnamed: 0` for an empty name."""
    found: dict[str, None] = {}
    for index, name in enumerate(names):
        name = name.strip().removeprefix("\ufeff") or f"Unnamed: {index}"
        number, wanted = 0, name
        while wanted in found:
            number += 1
            wanted = f"{name}.{number}"
        found[wanted] = None
    return tuple(found)
