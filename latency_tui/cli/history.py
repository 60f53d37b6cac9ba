"""The `latency-tui history` commands: list, show, tag, import and remove results, and show the trend of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from latency_tui.cli.history_options import history_path
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.output import emit, print_status, terminal_style
from latency_tui.errors import UsageError
from latency_tui.history.listing import Row
from latency_tui.history.plan_results import load_plan_results
from latency_tui.history.store import History

Command = TypeVar("Command", bound=Callable[..., Any])
ListFormat = Literal["table", "json"]

MAX_LINES = 30
"""Results that a table shows by default."""
_REFERENCE = "RESULT is an id or its beginning, a name, a tag, last, or last~2 for the second before the last."
_format = click.option(
    "--format", "report_format", type=click.Choice(["table", "json"]), default="table", show_default=True
)


def _places(command: Command) -> Command:
    """Add the options that select the history."""
    config = click.option("--config", metavar="FILE", help="The configuration file.  [default: ./latency-tui.toml]")
    file = click.option("--history", metavar="FILE", help="The file of the history.  [default: in your data folder]")
    return file(config(command))


def _open(history: str | None, config: str | None, *, create: bool = False) -> History:
    configuration = read_configuration({"config": config, "trust": ()})
    path = history_path({"history": history, "no_history": False}, configuration)
    if path is None and configuration.configuration.history is False:
        raise UsageError(f"{configuration.path} keeps no history; name a file with --history FILE.")
    return History.open(path, create=create)


@click.group(name="history", short_help="List, show, tag, import and remove kept results.")
def command() -> None:
    """List, show, tag, import and remove kept results.

    The history holds the results of all sessions, of the app and of run.
    """


@command.command(name="list")
@_format
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Show the newest N.  [default: 30; all as JSON]"
)
@click.option("--name", metavar="NAME", help="Only results with this name.")
@click.option("--tag", metavar="TAG", help="Only results with this tag.")
@_places
def list_results(
    report_format: ListFormat,
    limit: int | None,
    name: str | None,
    tag: str | None,
    history: str | None,
    config: str | None,
) -> int:
    """List the results, the newest first."""
    with _open(history, config) as opened:
        most = limit or (MAX_LINES + 1 if report_format == "table" else None)
        rows = opened.list(most=most, name=name, tag=tag)
    if report_format == "json":
        import msgspec

        return emit([msgspec.json.format(msgspec.json.encode([_fields(row) for row in rows])).decode()], json=True)
    if not rows:
        print_status("There are no such results." if name or tag else f"The history {opened.path} is empty.")
        return 0
    shown = rows if limit else rows[:MAX_LINES]
    code = emit(["\n".join(_table(shown, terminal_style()[0]))])
    if len(rows) > len(shown):
        print_status(f"These are the newest {len(shown)}; --limit N shows more.")
    return code


@command.command(name="show", help=f"Show a result. {_REFERENCE} Other formats: latency-tui export.")
@click.argument("reference", metavar="RESULT")
@_format
@click.option("--no-samples", is_flag=True, help="Omit the individual latencies from the JSON.")
@_places
def show(reference: str, report_format: ListFormat, no_samples: bool, history: str | None, config: str | None) -> int:
    """Show a result."""
    from latency_tui.report import pieces

    with _open(history, config) as opened:
        key = opened.find(reference)
        result = opened.load(key, samples=report_format == "json" and not no_samples)
        heading = _heading(opened.row(key))
    width, colour = terminal_style()
    if report_format == "table":
        emit([heading])
    text = pieces(result, report_format, width=width, colour=colour, samples=not no_samples)
    return emit(text, json=report_format == "json")


@command.command(name="trend", help=f"Show a plan's results over time, and where p50 changed for good. {_REFERENCE}")
@click.argument("reference", metavar="[RESULT]", default="last")
@click.option(
    "--confirm",
    is_flag=True,
    help="Then measure both sides of the newest change of each model in turns, where both still exist.",
)
@click.option(
    "--trust",
    multiple=True,
    metavar="FILE",
    help="With --confirm: let this model file, or ./latency-tui.toml, run its code.",
)
@_format
@_places
def show_trend(
    reference: str,
    confirm: bool,
    trust: tuple[str, ...],
    report_format: ListFormat,
    history: str | None,
    config: str | None,
) -> int:
    """Show the trend of the plan of a result."""
    if confirm and report_format == "json":
        raise UsageError("--confirm prints tables; omit --format json.")
    with _open(history, config) as opened:
        key = opened.find(reference)
        results, elsewhere = load_plan_results(opened, key)
    if not results:
        raise UsageError(f"The plan of {key} has no result with figures.")

    from latency_tui.analysis.trend import find_trend
    from latency_tui.report.trend import render_trend

    trend = find_trend(results, elsewhere=elsewhere)
    code = emit([render_trend(trend, report_format, width=terminal_style()[0])], json=report_format == "json")
    if not confirm:
        return code
    from latency_tui.cli.confirm_trend import confirm_changes

    return confirm_changes(trend, results, trust, read_configuration({"config": config, "trust": trust})) or code


@command.command(
    name="tag", help=f"Tag or name a result. A name or tag stands for the newest result with it. {_REFERENCE}"
)
@click.argument("reference", metavar="RESULT")
@click.argument("tags", metavar="[TAG]...", nargs=-1)
@click.option("--remove", "removed", multiple=True, metavar="TAG", help="Remove this tag; repeatable.")
@click.option("--name", metavar="NAME", help="Name the result; '' removes its name.")
@_places
def tag_result(
    reference: str,
    tags: tuple[str, ...],
    removed: tuple[str, ...],
    name: str | None,
    history: str | None,
    config: str | None,
) -> int:
    """Add and remove tags, and name a result."""
    if not (tags or removed or name is not None):
        raise UsageError("Give a tag, --remove TAG or --name NAME.")
    with _open(history, config) as opened:
        key = opened.find(reference)
        if name is not None:
            opened.rename(key, name)
        opened.tag(key, tags, removed)
        return emit([_heading(opened.row(key))])


@command.command(name="import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--name", metavar="NAME", default="", help="Name of the result in the history.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag of the results; repeatable.")
@_places
def import_files(
    files: tuple[str, ...], name: str, tags: tuple[str, ...], history: str | None, config: str | None
) -> int:
    """Import results that were saved as JSON. An existing result is replaced."""
    from latency_tui.history.reading import measured_hosts, read_result
    from latency_tui.result.host_entries import SEPARATOR

    named = [
        name
        for file in files
        for name in ([f"{file}{SEPARATOR}{host}" for host in measured_hosts(Path(file))] or [file])
    ]
    results = [read_result(Path(file)) for file in named]  # all are read before the first is kept
    with _open(history, config, create=True) as opened:
        for file, result in zip(named, results, strict=True):
            key = opened.save(result, name=name, tags=tags)
            print_status(f"{file} is kept as {key}.")
    return 0


@command.command(name="rm", help=f"Remove results. {_REFERENCE}")
@click.argument("references", metavar="RESULT...", nargs=-1, required=True)
@_places
def remove(references: tuple[str, ...], history: str | None, config: str | None) -> int:
    """Remove results."""
    with _open(history, config) as opened:
        keys = list(dict.fromkeys(map(opened.find, references)))
        return _report_removed(opened.remove(keys))


@command.command(name="prune")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N of these results.")
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Remove only results older than this.")
@_places
def prune(keep: int | None, older_than: float | None, history: str | None, config: str | None) -> int:
    """Remove old results that have neither a name nor a tag."""
    if keep is None and older_than is None:
        raise UsageError("Say which results stay: --keep N, or --older-than DAYS.")
    with _open(history, config) as opened:
        return _report_removed(opened.prune(keep=keep, older_than_days=older_than))


def _report_removed(count: int) -> int:
    print_status(f"Removed {count:,} {'result' if count == 1 else 'results'}.")
    return 0


def _fields(row: Row) -> dict[str, Any]:  # Any: values of JSON
    """Return the fields of a row in the JSON."""
    import msgspec

    summary = {name: getattr(row.summary, name) for name in row.summary.__struct_fields__}
    hidden = {"summary", "writer", "number"}
    own = {name: getattr(row, name) for name in row.__struct_fields__ if name not in hidden}
    found: dict[str, Any] = msgspec.to_builtins(own | summary)
    return found


def _heading(row: Row) -> str:
    from latency_tui.text.sanitize import clean

    parts = [row.id, _date(row), row.name, ", ".join(row.tags), "" if row.state == "finished" else row.state]
    return clean(" · ".join(filter(None, parts)))


def _date(row: Row) -> str:
    return row.created_at.astimezone().strftime("%Y-%m-%d %H:%M")


def _table(rows: Sequence[Row], width: int | None) -> list[str]:
    """Return the lines of the table of results."""
    from latency_tui.text.formatting import format_duration
    from latency_tui.text.sanitize import align, clean, shorten

    heads = ["id", "measured", "name", "tags", "check", "models", "data", "fastest", "p50"]
    lines = [
        [
            row.id[:8],
            _date(row) if row.state == "finished" else row.state,
            shorten(clean(row.name), 24),
            shorten(clean(", ".join(row.tags)), 24),
            row.summary.verdict,
            str(len(row.summary.models)),
            shorten(clean(row.summary.dataset), 24),
            shorten(clean(row.summary.fastest), 32),
            format_duration(row.summary.p50),
        ]
        for row in rows
    ]
    kept = [
        i for i, head in enumerate(heads) if head not in ("name", "tags", "check") or any(line[i] for line in lines)
    ]
    table = [[line[i] for i in kept] for line in [heads, *lines]]
    right = {place for place, i in enumerate(kept) if heads[i] in ("models", "p50")}
    return [shorten(line, width) if width else line for line in align(table, right=right)]
