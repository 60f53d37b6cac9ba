"""Opens the app with a saved result: `latency-tui RESULT`, where the result takes the place of a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from latency_tui.cli.history_options import history_to_read
from latency_tui.cli.options import measuring_options
from latency_tui.errors import LatencyTuiError


@click.command(name="open")
@click.argument("reference", metavar="RESULT")
@measuring_options
def command(reference: str, **values: Any) -> int:  # Any: values as click parsed them
    """Open the app with a saved result."""
    from latency_tui.cli.app import open_app

    return open_app(values, reference)


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
