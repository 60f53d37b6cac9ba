"""The file formats of a result, and their suffixes. Each format is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.errors import UsageError

if TYPE_CHECKING:
    from latency_tui.result.result import Result

Format = Literal[
    "table",
    "json",
    "csv",
    "parquet",
    "markdown",
    "html",
    "svg",
    "pyperf",
    "hyperfine",
    "github-action-benchmark",
    "junit",
]


class FormatTraits(msgspec.Struct, frozen=True, kw_only=True):
    """Properties of a format.

    Attributes:
        suffixes: Suffixes of files that select it.
        samples: Whether it contains samples, or is computed from them.
        needs_samples: Whether it cannot be written without samples.
        is_json: Whether it is JSON.
        is_binary: Whether it is not text.
    """

    suffixes: tuple[str, ...]
    samples: bool = False
    needs_samples: bool = False
    is_json: bool = False
    is_binary: bool = False


FORMATS: dict[Format, FormatTraits] = {
    "table": FormatTraits(suffixes=(".txt",)),
    "json": FormatTraits(suffixes=(".json",), samples=True, is_json=True),
    "csv": FormatTraits(suffixes=(".csv",)),
    "parquet": FormatTraits(suffixes=(".parquet",), samples=True, needs_samples=True, is_binary=True),
    "markdown": FormatTraits(suffixes=(".md", ".markdown")),
    "html": FormatTraits(suffixes=(".html", ".htm"), samples=True),
    "svg": FormatTraits(suffixes=(".svg",)),
    "pyperf": FormatTraits(suffixes=(".pyperf.json",), samples=True, needs_samples=True, is_json=True),
    "hyperfine": FormatTraits(suffixes=(".hyperfine.json",), samples=True, needs_samples=True, is_json=True),
    "github-action-benchmark": FormatTraits(suffixes=(".github-action-benchmark.json",), is_json=True),
    "junit": FormatTraits(suffixes=(".xml",)),
}
"""All formats, in the order in which they are shown."""


def format_of(path: str | Path) -> Format:
    """Return the format for the suffix of a file.

    Raises:
        UsageError: The suffix is unknown.
    """
    name = Path(path).name.lower()
    matching = [
        (suffix, report_format)
        for report_format, traits in FORMATS.items()
        for suffix in traits.suffixes
        if _ends(name, suffix)
    ]
    if matching:
        return max(matching, key=lambda one: len(one[0]))[1]
    if Path(path).is_dir():
        raise UsageError(f"{path} is a folder; name a file in it.")
    known = ", ".join(suffix for traits in FORMATS.values() for suffix in traits.suffixes)
    raise UsageError(f"The suffix of {path} selects no format; use one of {known}.")


def _ends(name: str, suffix: str) -> bool:
    """Return whether a file name ends with a suffix; the name `.json` has none."""
    return name.endswith(suffix) and len(name) > len(suffix)


def check_format(report_format: Format, *, samples: bool = True, to_file: bool = True) -> None:
    """Check that a result can be written in a format, before anything is measured.

    Args:
        report_format: The format.
        samples: Whether samples will be kept.
        to_file: Whether it is written to a file, not to stdout.

    Raises:
        UsageError: It cannot be written; the message says why.
    """
    traits = FORMATS[report_format]
    if traits.needs_samples and not samples:
        raise UsageError(f"--no-samples omits what {report_format} consists of; leave it out.")
    if traits.is_binary and not to_file:
        raise UsageError(f"{report_format} is not text; write it to a file with -o FILE{traits.suffixes[0]}.")
    if report_format == "parquet":
        from latency_tui.report.parquet import check_parquet

        check_parquet()


def render(
    result: Result,
    report_format: Format = "table",
    *,
    width: int | None = None,
    colour: bool = False,
    samples: bool = True,
) -> str:
    """Return a result as text that ends with a newline; see `pieces` for the arguments."""
    return "".join(pieces(result, report_format, width=width, colour=colour, samples=samples))


def pieces(
    result: Result,
    report_format: Format = "table",
    *,
    width: int | None = None,
    colour: bool = False,
    samples: bool = True,
) -> Iterator[str]:
    """Yield a result as text that ends with a newline, in pieces if it may be long.

    Args:
        result: The result.
        report_format: The format; not a binary one.
        width: Maximum width of a table in columns; None for no limit.
        colour: Whether a table contains terminal colours.
        samples: Whether JSON contains the samples.

    Raises:
        UsageError: The result lacks what the format needs.
    """
    if report_format == "json":
        yield from result.json_pieces(samples=samples)
        yield "\n"
    elif report_format == "table":
        from latency_tui.report.table import render_table

        yield render_table(result, width=width, colour=colour)
    else:
        text = _renderer(report_format)(result)
        yield from [text] if isinstance(text, str) else text


def _renderer(report_format: Format) -> Callable[[Result], str | Iterator[str]]:
    match report_format:
        case "csv":
            from latency_tui.report.csv_format import render_csv

            return render_csv
        case "markdown":
            from latency_tui.report.markdown import render_markdown

            return render_markdown
        case "html":
            from latency_tui.report.html import render_html

            return render_html
        case "svg":
            from latency_tui.report.svg_file import render_svg

            return render_svg
        case "pyperf":
            from latency_tui.report.pyperf import render_pyperf

            return render_pyperf
        case "hyperfine":
            from latency_tui.report.hyperfine import render_hyperfine

            return render_hyperfine
        case "github-action-benchmark":
            from latency_tui.report.github_action_benchmark import render_github_action_benchmark

            return render_github_action_benchmark
        case "junit":
            from latency_tui.report.junit import render_junit

            return render_junit
    raise UsageError(f"{report_format} is not text.")


def content_of(result: Result, report_format: Format, *, samples: bool = True) -> Iterator[bytes]:
    """Yield the content of a file in any format, in pieces if it may be long.

    Raises:
        UsageError: The result lacks what the format needs.
    """
    if report_format == "parquet":
        from latency_tui.report.parquet import render_parquet

        yield render_parquet(result)
    else:
        for piece in pieces(result, report_format, samples=samples):
            yield piece.encode()


def write(result: Result, path: str | Path, report_format: Format | None = None, *, samples: bool = True) -> None:
    """Write a result to a file atomically, in the format of its suffix.

    Raises:
        UsageError: The suffix is unknown and no format was given, the result lacks what the format needs, or the file
            cannot be written.
    """
    from latency_tui.result.atomic_files import write_content

    write_content(Path(path), content_of(result, report_format or format_of(path), samples=samples))
