"""The front door: `latency-tui` opens the app; `run`, `models` and `serve` stand beside it.

Everything heavy is imported inside the subcommand that needs it: on two cores, click and the
plan take 50 ms, numpy 100 ms more, Textual 200 ms, scikit-learn 900 ms, and `latency-tui --version` needs none of them.
"""

from __future__ import annotations

from typing import Any

import click

from latency_tui.cli.group import PROGRAM, CommandGroup, print_info, print_version
from latency_tui.cli.options import measuring_options

__all__ = ["cli", "main"]


@click.group(
    name=PROGRAM,
    cls=CommandGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@measuring_options
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version, help="Show the version."
)
@click.option(
    "--info",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_info,
    help="Show versions, cores and folders as JSON, for a bug report.",
)
@click.pass_context
def cli(context: click.Context, /, **values: Any) -> int:  # Any: whatever click parsed, one entry an option
    """Measure how fast machine-learning models answer, on this machine, and learn which to ship.

    Without a command the app opens, with the options filled in.
    """
    if context.invoked_subcommand is not None:
        return 0
    from latency_tui.cli.app import open_app

    return open_app(values)


def main() -> None:
    """Run the command line and exit with its code."""
    cli()
