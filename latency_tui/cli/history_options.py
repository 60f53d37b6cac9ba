"""The options `--history` and `--no-history`, and the place where a result is kept."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from latency_tui.catalog.configuration import LoadedConfiguration, find_configuration
from latency_tui.cli.output import print_status
from latency_tui.errors import UsageError
from latency_tui.history.location import FILE_NAME, default_path

Command = TypeVar("Command", bound=Callable[..., Any])

HISTORY_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--history", metavar="FILE", help="The file of the history.  [default: in your data folder]"),
    click.option("--no-history", is_flag=True, help="Do not keep the result in the history."),
)


def label_options(command: Command) -> Command:
    """Add the options that label a result in the history."""
    name = click.option("--name", metavar="NAME", help="Name of the result in the history.")
    tag = click.option(
        "--tag", "tags", multiple=True, metavar="TAG", help="A tag of the result in the history; repeatable."
    )
    return name(tag(command))


class Place(msgspec.Struct, frozen=True):
    """Where a measurement is kept.

    Attributes:
        path: The file of the history.
        is_temporary: Whether the file holds the samples only until the report is written.
        is_default: Whether it is the user's history.
        name: Name of the result.
        tags: Tags of the result.
    """

    path: Path
    is_temporary: bool = False
    is_default: bool = False
    name: str = ""
    tags: tuple[str, ...] = ()

    def command(self, reference: str) -> str:
        """Return the command that shows a result."""
        option = "" if self.is_default else f" --history {shlex.quote(str(self.path))}"
        return f"latency-tui history show {reference}{option}"

    def remove(self) -> None:
        """Remove a temporary file."""
        if self.is_temporary:
            shutil.rmtree(self.path.parent, ignore_errors=True)


def temporary_place() -> Place:
    """Return a place for a result that is not kept in the history."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="latency-tui-"))
    except OSError:  # the samples are in memory only
        folder = Path(os.devnull)
    return Place(folder / FILE_NAME, is_temporary=True)


def find_place(
    values: Mapping[str, Any], configuration: LoadedConfiguration
) -> Place:  # Any: values as click parsed them
    """Return where the options and the configuration want a result to be kept.

    Raises:
        UsageError: A name or tag is invalid, or the options contradict each other.
    """
    path = history_path(values, configuration)
    name, tags = values.get("name") or "", tuple(values.get("tags") or ())
    if path is None:
        if name or tags:
            raise UsageError("--name and --tag label a result of the history; omit --no-history.")
        if not values["no_history"] and configuration.configuration.history is True:
            print_status(
                "latency-tui: This result is not kept: there is no home folder; name a file with --history FILE."
            )
        return temporary_place()
    if name or tags:
        from latency_tui.history.references import check_name

        name, tags = name and check_name(name), tuple(map(check_name, tags))
    return Place(path, is_default=path == default_path(), name=name, tags=tags)


def history_path(values: Mapping[str, Any], configuration: LoadedConfiguration) -> Path | None:
    """Return the file of the history; None if no results are kept.

    Raises:
        UsageError: The options contradict each other, or the configuration names a file that it may not.
    """
    if values["history"] is not None:
        if values["no_history"]:
            raise UsageError("--history and --no-history exclude each other.")
        return Path(values["history"]).expanduser()
    if values["no_history"]:
        return None
    return configuration.history_file(default_path())


def history_to_read(named: str | Path | None) -> Path | None:
    """Return the file of the history from which saved results are read; None for the user's.

    Args:
        named: The file of `--history`.
    """
    if named is not None:
        return Path(named).expanduser()
    return find_configuration(None).history_file(default_path())
