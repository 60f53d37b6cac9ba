"""The `latency-tui help` command: prints the same text as `--help`."""

from __future__ import annotations

import click

from latency_tui.cli.output import emit
from latency_tui.errors import UsageError
from latency_tui.plan.suggest import hint


@click.command(name="help", short_help="Show this help, or the help of a command.")
@click.argument("name", metavar="[COMMAND]", required=False)
@click.pass_context
def command(context: click.Context, /, name: str | None) -> int:
    """Show the help of the program, or of a command."""
    front = context.parent
    assert front is not None
    assert isinstance(front.command, click.Group)
    if name is None:
        return emit([front.get_help()])
    found = front.command.get_command(front, name)
    if found is None:
        raise UsageError(f"No such command {name!r}; {hint(name, front.command.list_commands(front))}")
    with click.Context(found, info_name=name, parent=front) as inner:
        return emit([found.get_help(inner)])
