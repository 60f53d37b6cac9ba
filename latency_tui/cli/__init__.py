"""The command line: `latency-tui` opens the app; its subcommands are `run`, `models`, `serve` and others.

Heavy modules are imported inside the subcommand that needs them. On two cores, click and the plan take 50 ms, numpy
100 ms more, Textual 200 ms, scikit-learn 900 ms; `latency-tui --version` needs none of the last three.
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
def cli(context: click.Context, /, **values: Any) -> int:  # Any: values as click parsed them
    """Measure the inference latency of machine-learning models on this machine.

    Without a command, the app opens with the given options filled in. A saved result in place of the command (a
    JSON file, or an id, a name, a tag or last of the history) is shown when it opens.
    """
    if context.invoked_subcommand is not None:
        return 0
    from latency_tui.cli.app import open_app

    return open_app(values)


def main() -> None:
    """Run the command line and exit with its exit code."""
    cli()
