"""The click group of the program: loads subcommands lazily, and turns errors into a sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from latency_tui.cli.encoding import set_up_streams
from latency_tui.cli.output import print_status, redirect_to_null
from latency_tui.errors import LatencyTuiError
from latency_tui.tui.browser_tab import is_browser_tab, show_in_tab

PROGRAM = "latency-tui"
USAGE = 2
INTERRUPTED = 130
COMMANDS = ("run", "check", "compare", "export", "history", "models", "serve", "init", "guide", "help")


class _SharedOptions(dict[str, Any]):
    """Options given before a command that has subcommands; all its subcommands receive them."""

    def get(self, name: str, default: Any = None) -> Any:  # Any: values as click parsed them
        """Return the options, whatever the name of the subcommand."""
        return {**self} if name not in self else super().get(name, default)


class CommandGroup(click.Group):
    """A click group that imports a subcommand on first use and reports errors without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names of the subcommands in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a subcommand; None if there is no subcommand of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"latency_tui.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that the arguments name, or the one that opens a saved result.

        Raises:
            click.UsageError: There is no such subcommand; the message suggests a correction.
        """
        name = args[0]
        if name in COMMANDS or ctx.resilient_parsing or not name or name.startswith("-"):
            return super().resolve_command(ctx, args)
        from latency_tui.cli import open_result

        if open_result.is_result(name, args[1:], ctx.params.get("history")):
            return open_result.command.name, open_result.command, args
        raise click.UsageError(f"No such command {name!r}; {_suggest_command(name)}", ctx)

    def invoke(self, ctx: click.Context) -> Any:  # Any: what the commands return, an exit code
        """Pass options that were given before the subcommand on to the subcommand."""
        given = {
            name: value
            for name, value in ctx.params.items()
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        }
        if given:
            ctx.default_map = dict.fromkeys((*COMMANDS, "open"), given) | {"history": _SharedOptions(given)}
        return super().invoke(ctx)

    def main(  # type: ignore[override]  # click overloads by standalone_mode
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # Any: click's, passed on
    ) -> int:
        """Run the command line and exit with the exit code of the outcome."""
        set_up_streams()
        try:
            code: int = super().main(args, prog_name or PROGRAM, complete_var, standalone_mode=False, **extra) or 0
        except LatencyTuiError as error:
            code = report_error(str(error), error.exit_code)
        except click.ClickException as error:
            code = report_error(error.format_message(), USAGE)
        except click.Abort:
            code = INTERRUPTED
        except MemoryError:
            code = report_error("This process ran out of memory; close other programs, or raise its limit.", 1)
        except SystemExit:  # raised by click if the reader of stdout has gone
            redirect_to_null(sys.stdout)
            code = 0
        except OSError as error:
            if error.filename is not None:  # the error does not concern stdout
                raise
            redirect_to_null(sys.stdout)
            code = print_error(f"Cannot write to stdout: {(error.strerror or str(error)).lower()}.", USAGE)
        if standalone_mode:
            sys.exit(code)
        return code


def report_error(sentence: str, code: int) -> int:
    """Print an error to stderr, and show it in the browser tab if the app was started in one; return the exit code."""
    print_error(sentence, code)
    if is_browser_tab():
        show_in_tab(f"{PROGRAM}: {sentence}")
    return code


def print_error(sentence: str, code: int = 0) -> int:
    """Print one sentence to stderr, preceded by the name of the program, and return the exit code."""
    from latency_tui.text.sanitize import clean

    print_status(f"{PROGRAM}: {clean(sentence)}")
    return code


def _suggest_command(name: str) -> str:
    """Return what to type instead of an unknown command: an option for a file or model, or a similar command."""
    from latency_tui.catalog.named_models import known_models
    from latency_tui.plan.candidates import slugify
    from latency_tui.plan.suggest import closest_match, hint

    if os.path.exists(name):  # noqa: PTH110  the name may not be a valid path
        return f"use -m {name} for a model file, or --data {name} for a data file."
    if closest_match(name, COMMANDS) is None and slugify(name) in {slugify(model.name) for model in known_models()}:
        return f"use -m {name} to measure a model."
    return hint(name, COMMANDS, listed_by="latency-tui --help")


def print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    """Print the version and exit; click calls this before it parses other options."""
    if not asked or context.resilient_parsing:
        return
    from importlib.metadata import version  # deferred: 20 ms

    click.echo(f"latency-tui {version('latency-tui')}")
    context.exit()


def print_info(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    """Print versions, cores and folders as JSON and exit; click calls this before it parses other options."""
    if not asked or context.resilient_parsing:
        return
    import json

    from latency_tui.cli.info import describe  # deferred: 30 ms

    click.echo(json.dumps(describe(), indent=2))
    context.exit()
