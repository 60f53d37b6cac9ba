"""The options that bring models, data and runtimes of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from latency_tui.catalog.configuration import LoadedConfiguration, find_configuration
from latency_tui.catalog.resolve import Request

Command = TypeVar("Command", bound=Callable[..., Any])

OWN_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--runtime",
        "runtimes",
        multiple=True,
        metavar="NAME",
        help="Run each model under this: sklearn (its own library) or onnx; again for each further one.",
    ),
    click.option(
        "--data", metavar="FILE|NAME", help="CSV, Parquet, Feather, NPZ, NPY, JSON lines; or iris, wine, digits ..."
    ),
    click.option("--target", metavar="COLUMN", help="The column of the file that is to be predicted."),
    click.option("--samples", type=int, metavar="N", help="Rows of the dataset that is made.  [default: 1000]"),
    click.option("--features", type=int, metavar="N", help="Its columns.  [default: 20]"),
    click.option("--classes", type=int, metavar="N", help="Its classes.  [default: 2]"),
    click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="[NAME=]DIMS",
        help="Shape of a model's input, rows per call first, such as input_ids=1x128; repeatable.",
    ),
    click.option("--sparse", is_flag=True, help="Make it a sparse matrix, nine of ten values zero."),
    click.option(
        "--task",
        type=click.Choice(("classification", "regression")),
        help="What is to be predicted, of a file too: it chooses the models.  [default: classification]",
    ),
    click.option(
        "--trust",
        multiple=True,
        metavar="FILE",
        help="Let this model file, or what ./latency-tui.toml names, run its author's code; repeatable.",
    ),
    click.option(
        "--trust-type",
        "trust_types",
        multiple=True,
        metavar="TYPE",
        help="Trust this type in skops files, such as sklearn.tree._tree.Tree; again for more.",
    ),
    click.option("--config", metavar="FILE", help="The configuration file.  [default: ./latency-tui.toml, else yours]"),
)

_LISTS = ("runtimes", "shapes", "trust", "trust_types")
_TYPED = {"runtimes": "--runtime", "shapes": "--shape", "trust": "--trust", "trust_types": "--trust-type"}
_SINGLE = ("data", "target", "samples", "features", "classes", "task", "config")


def request_of(values: Mapping[str, Any]) -> Request:
    """Return what the options ask for."""
    return Request(
        models=tuple(values["models"]),
        runtimes=tuple(values["runtimes"]),
        data=values["data"],
        target=values["target"],
        samples=values["samples"],
        features=values["features"],
        classes=values["classes"],
        sparse=values["sparse"],
        task=values["task"],
        trust=tuple(values["trust"]),
        trust_types=tuple(values["trust_types"]),
    )


def configuration_of(values: Mapping[str, Any]) -> LoadedConfiguration:
    """Return the configuration that the options mean.

    Raises:
        UsageError: It is not there or makes no sense.
    """
    return find_configuration(values["config"], values["trust"])


def to_own_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return these options as they would be typed."""
    arguments = [f"{_TYPED[name]}={value}" for name in _LISTS for value in values[name]]
    arguments += ["--sparse"] if values["sparse"] else []
    return arguments + [f"--{name}={values[name]}" for name in _SINGLE if values[name] is not None]
