"""The `latency-tui models` command: lists the models that can be measured by name."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Literal

import click

from latency_tui.catalog.configuration import find_configuration
from latency_tui.catalog.named_models import known_models, typed
from latency_tui.cli.output import emit, terminal_style
from latency_tui.plan import BUILTIN_MODELS, ModelSpec


@click.command(name="models", short_help="List the models that can be measured.")
@click.option("--format", "report_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Also list the models that are measured only when named.")
@click.option("--config", metavar="FILE", help="The configuration file.  [default: ./latency-tui.toml]")
def command(report_format: Literal["table", "json"], everything: bool, config: str | None) -> int:
    """List the models that can be measured, with the name for -m and a description."""
    own = find_configuration(config).models()
    models = known_models(own) if everything else (*BUILTIN_MODELS, *own)
    if report_format == "json":
        import msgspec

        rows = [{"name": model.name, "slug": typed(model, models), **msgspec.to_builtins(model)} for model in models]
        return emit([msgspec.json.format(msgspec.json.encode(rows), indent=2).decode()], json=True)
    return emit(["\n".join(_table(models, terminal_style()[0]))])


def _table(models: Sequence[ModelSpec], width: int | None) -> list[str]:
    """Return the lines of the table: models by group, with descriptions wrapped to the width."""
    from latency_tui.text.sanitize import align, clean

    groups = list(dict.fromkeys(model.group for model in models))
    models = sorted(models, key=lambda model: groups.index(model.group))
    names = align([["model", "-m"], *([clean(model.name), typed(model, models)] for model in models)])
    column = max(map(len, names)) + 2
    room = max((width or 10_000) - column, 24)
    lines: list[str] = []
    begun = ""
    shown = [("", "description"), *((model.group, clean(model.description)) for model in models)]
    for name, (group, description) in zip(names, shown, strict=True):
        if group != begun:
            lines += ["", clean(group)]
            begun = group
        first, *rest = textwrap.wrap(description, room) or [""]
        lines += [f"{name:<{column}}{first}", *(" " * column + more for more in rest)]
    return lines
