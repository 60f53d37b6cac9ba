"""The file formats of a result, and their suffixes. Each format is imported when it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latency_tui.errors import UsageError

if TYPE_CHECKING:
    from latency_tui.result.result import Result

Format = Literal["table", "json", "csv", "markdown"]
FORMATS: tuple[Format, ...] = ("table", "json", "csv", "markdown")
SUFFIXES: dict[str, Format] = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
}
"""The format per suffix of a file."""


def format_of(path: str | Path) -> Format:
    """Return the format for the suffix of a file.

    Raises:
        UsageError: The suffix is unknown.
    """
    suffix = Path(path).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if Path(path).is_dir():
        raise UsageError(f"{path} is a folder; name a file in it.")
    known = ", ".join(SUFFIXES)
    raise UsageError(f"The suffix of {path} selects no format; use one of {known}.")


def render(
    result: Result, form: Format = "table", *, width: int | None = None, colour: bool = False, samples: bool = True
) -> str:
    """Return a result as text that ends with a newline; see `pieces` for the arguments."""
    return "".join(pieces(result, form, width=width, colour=colour, samples=samples))


def pieces(
    result: Result, form: Format = "table", *, width: int | None = None, colour: bool = False, samples: bool = True
) -> Iterator[str]:
    """Yield a result as text that ends with a newline, in pieces if it may be long.

    Args:
        result: The result.
        form: The format.
        width: Maximum width of a table in columns; None for no limit.
        colour: Whether a table contains terminal colours.
        samples: Whether JSON contains the samples.
    """
    if form == "json":
        yield from result.json_pieces(samples=samples)
        yield "\n"
    elif form == "csv":
        from latency_tui.report.spreadsheet import render_csv

        yield render_csv(result)
    elif form == "markdown":
        from latency_tui.report.markdown import render_markdown

        yield render_markdown(result)
    else:
        from latency_tui.report.table import render_table

        yield render_table(result, width=width, colour=colour)


def write(result: Result, path: str | Path, form: Format | None = None, *, samples: bool = True) -> None:
    """Write a result to a file atomically, in the format of its suffix.

    Raises:
        UsageError: The suffix is unknown and no format was given, or the file cannot be written.
    """
    from latency_tui.result.atomic_files import write_text

    write_text(Path(path), pieces(result, form or format_of(path), samples=samples))
