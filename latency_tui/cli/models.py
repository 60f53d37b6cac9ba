"""`latency-tui models`: what can be measured."""

from __future__ import annotations

import textwrap
from typing import Literal

import click

from latency_tui.cli.stdout import emit, terminal_style
from latency_tui.plan import BUILTIN_MODELS, slugify


@click.command(name="models", short_help="List the models that can be measured.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(form: Literal["table", "json"]) -> int:
    """List the models that can be measured: the name for -m, and what it is."""
    if form == "json":
        import msgspec

        rows = [
            {"name": model.name, "slug": slugify(model.name), **msgspec.to_builtins(model)} for model in BUILTIN_MODELS
        ]
        return emit(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    return emit("\n".join(_table(terminal_style()[0])))


def _table(width: int | None) -> list[str]:
    """Return a line a model, its description going on below where the terminal is narrow."""
    from latency_tui.report.text import align

    names = align([["model", "-m"], *([model.name, slugify(model.name)] for model in BUILTIN_MODELS)])
    column = max(map(len, names)) + 2
    room = max((width or 10_000) - column, 24)
    lines: list[str] = []
    for name, description in zip(names, ["what it is", *(m.description for m in BUILTIN_MODELS)], strict=True):
        first, *rest = textwrap.wrap(description, room) or [""]
        lines += [f"{name:<{column}}{first}", *(" " * column + more for more in rest)]
    return lines
