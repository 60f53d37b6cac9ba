"""Which formats there are, and which one a file's suffix asks for. The formats themselves are imported when used."""

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


def format_of(path: str | Path) -> Format:
    """Return the format that a file's suffix asks for.

    Raises:
        UsageError: The suffix asks for none.
    """
    suffix = Path(path).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if Path(path).is_dir():
        raise UsageError(f"{path} is a folder; name a file in it.")
    known = ", ".join(SUFFIXES)
    raise UsageError(f"What format should {path} have? Its suffix says: {known}.")


def render(
    result: Result, form: Format = "table", *, width: int | None = None, colour: bool = False, samples: bool = True
) -> str:
    """Return a result as text that ends with a newline; the arguments are those of `pieces`."""
    return "".join(pieces(result, form, width=width, colour=colour, samples=samples))


def pieces(
    result: Result, form: Format = "table", *, width: int | None = None, colour: bool = False, samples: bool = True
) -> Iterator[str]:
    """Yield a result as text that ends with a newline, in pieces where it may be long.

    Args:
        result: What was measured.
        form: The format.
        width: Columns that a table may take; None for as many as it needs.
        colour: Whether a table may colour its words for a terminal.
        samples: Whether JSON holds the single latencies.
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
    """Write a result to a file, whole or not at all, in the format that its suffix asks for.

    Raises:
        UsageError: The suffix asks for no format and none was given, or the file cannot be written.
    """
    from latency_tui.result.atomic_files import write_text

    write_text(Path(path), pieces(result, form or format_of(path), samples=samples))
