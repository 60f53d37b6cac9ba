"""The `latency-tui init` command: writes a commented configuration file."""

from __future__ import annotations

from pathlib import Path

import click

from latency_tui.catalog.configuration import FILE_NAME, user_path
from latency_tui.catalog.configuration_schema import json_schema
from latency_tui.cli.output import emit, print_status
from latency_tui.errors import UsageError

EXAMPLE = Path(__file__).with_name("example.toml")
"""The file that is written: every table of the configuration, as comments."""


@click.command(name="init", short_help="Write a commented configuration file.")
@click.option("--user", is_flag=True, help="Write to your configuration folder, so that it applies in every directory.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the file; write nothing.")
def command(user: bool, schema: bool) -> int:
    """Write latency-tui.toml, with all options as comments. An existing file is not changed."""
    if schema:
        import msgspec

        return emit([msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode()], json=True)
    path = user_path() if user else Path(FILE_NAME)
    if path is None:
        raise UsageError("There is no home folder to write to; set HOME, or omit --user.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE.read_text(encoding="utf-8"))
    except FileExistsError:
        raise UsageError(f"{path} already exists; edit it, or delete it first.") from None
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
    print_status(f"Wrote {path}.")
    return 0
