"""Opens the app with a saved result: `latency-tui RESULT`, where the result takes the place of a command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latency_tui.cli.history_options import history_to_read
from latency_tui.cli.options import measuring_options
from latency_tui.errors import LatencyTuiError, UsageError

if TYPE_CHECKING:
    from latency_tui.history.listing import Row
    from latency_tui.result.result import Result

_LARGE_BYTES = 2_000_000
"""Size of a file above which reading it would delay the first frame."""


@click.command(name="open")
@click.argument("reference", metavar="RESULT")
@measuring_options
def command(reference: str, **values: Any) -> int:  # Any: values as click parsed them
    """Open the app with a saved result."""
    from latency_tui.cli.app import open_app

    return open_app(values, reference)


def find_result(reference: str, history: Path | None) -> Result | Row | Path:
    """Return a saved result, or where it is if it may be long: the app then reads it after the first frame.

    Args:
        reference: A file, or what `History.find` accepts.
        history: The file of the history; None if none is kept.

    Raises:
        UsageError: There is no such result, it cannot be read, or it is being measured.
    """
    from latency_tui.history.references import is_path

    file = Path(reference).expanduser()
    if is_path(reference):
        from latency_tui.history.reading import read_result  # deferred: numpy, 0.1 s

        return file if file.is_file() and file.stat().st_size > _LARGE_BYTES else read_result(file)
    if history is None:
        from latency_tui.history.reading import read_result  # deferred, as above

        return read_result(reference, samples=False)
    from latency_tui.history.store import History

    with History.open(history) as opened:
        row = opened.row(opened.find(reference))
    if row.state == "measuring":
        raise UsageError(f"The result {row.id} is being measured; wait until that has ended.")
    return row


def is_result(name: str, arguments: Sequence[str], history: str | None) -> bool:
    """Return whether a word that is not a command names a saved result: a JSON file, or a result of the history.

    Args:
        name: The word.
        arguments: What follows it; may hold another file of the history.
        history: The file of `--history` before the word.
    """
    from latency_tui.history.references import LAST

    if LAST.fullmatch(name) or name.lower().endswith((".json", ".json.gz")):
        return True
    from latency_tui.history.store import History  # deferred: SQLite, only for a word that is not a command

    for place, argument in enumerate(arguments):
        if argument == "--history":
            history = next(iter(arguments[place + 1 :]), history)
        elif argument.startswith("--history="):
            history = argument.partition("=")[2]
    try:
        path = history_to_read(history)
        if path is None:
            return False
        with History.open(path) as opened:
            opened.find(name)
    except LatencyTuiError:
        return False
    return True
