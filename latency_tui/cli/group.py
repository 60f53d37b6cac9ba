"""How commands are found and how they end: a mistake is one sentence on stderr and an exit code, never a traceback."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from latency_tui.cli.encoding import set_up_streams
from latency_tui.cli.stdout import complain, give_up
from latency_tui.errors import LatencyTuiError
from latency_tui.tui.tab import in_tab, show_in_tab

PROGRAM = "latency-tui"
USAGE = 2
INTERRUPTED = 130
COMMANDS = ("run", "models", "serve", "init", "guide", "help")


class CommandGroup(click.Group):
    """A group that imports a command when it is named, and that turns errors into a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names of the commands, in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command's module and return the command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"latency_tui.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named; refuse what is none with what was most likely meant."""
        name = args[0]
        if name in COMMANDS or ctx.resilient_parsing or not name or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"No such command {name!r}; {_meant(name)}", ctx)

    def invoke(self, ctx: click.Context) -> Any:  # Any: what the commands return, an exit code
        """Hand options that were given before a command on to that command."""
        given = {
            name: value
            for name, value in ctx.params.items()
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        }
        if given:
            ctx.default_map = dict.fromkeys(COMMANDS, given)
        return super().invoke(ctx)

    def main(  # type: ignore[override]  # click's overloads tell apart what this one does not
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # Any: click's, passed on
    ) -> int:
        """Run, and exit with the code of what happened."""
        set_up_streams()
        try:
            code: int = super().main(args, prog_name or PROGRAM, complete_var, standalone_mode=False, **extra) or 0
        except LatencyTuiError as error:
            code = refuse(str(error), error.exit_code)
        except click.ClickException as error:
            code = refuse(error.format_message(), USAGE)
        except click.Abort:
            code = INTERRUPTED
        except SystemExit:  # click's, if nobody reads stdout any more
            give_up(sys.stdout)
            code = 0
        except OSError as error:
            if error.filename is not None:  # it is not about our own output
                raise
            give_up(sys.stdout)
            code = print_error(f"Cannot write to stdout: {(error.strerror or str(error)).lower()}.", USAGE)
        if standalone_mode:
            sys.exit(code)
        return code


def refuse(sentence: str, code: int) -> int:
    """Say why nothing is done, on stderr and where the app was expected: in a browser tab. Return the code."""
    said = print_error(sentence, code)
    if in_tab():
        show_in_tab(f"{PROGRAM}: {sentence}")
    return said


def print_error(sentence: str, code: int = 0) -> int:
    """Say one sentence on stderr, in the program's name, and return the code."""
    from latency_tui.text.sanitize import clean

    complain(f"{PROGRAM}: {clean(sentence)}")
    return code


def _meant(name: str) -> str:
    """Return how to get what someone typed who named a command that there is not."""
    from latency_tui.catalog.named_models import known_models
    from latency_tui.plan.candidates import slugify
    from latency_tui.plan.suggest import hint, nearest

    if os.path.exists(name):  # noqa: PTH110  a name may be no path at all
        return f"a model file is measured with -m {name}, a data file with --data {name}."
    if nearest(name, COMMANDS) is None and slugify(name) in {slugify(model.name) for model in known_models()}:
        return f"a model is measured with -m {name}."
    return hint(name, COMMANDS)


def print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    """Print the version and leave, before anything else is looked at."""
    if not asked or context.resilient_parsing:
        return
    from importlib.metadata import version  # 20 ms, for this one option

    click.echo(f"latency-tui {version('latency-tui')}")
    context.exit()


def print_info(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    """Print versions, cores and folders as JSON and leave, before anything else is looked at."""
    if not asked or context.resilient_parsing:
        return
    import json

    from latency_tui.cli.info import describe  # 30 ms, for this one option

    click.echo(json.dumps(describe(), indent=2))
    context.exit()
