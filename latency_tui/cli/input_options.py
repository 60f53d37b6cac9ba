"""Command-line options for the user's own models, data, runtimes and configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from latency_tui.catalog.configuration import LoadedConfiguration, find_configuration
from latency_tui.catalog.resolve import Request

Command = TypeVar("Command", bound=Callable[..., Any])

INPUT_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--runtime",
        "runtimes",
        multiple=True,
        metavar="NAME",
        help="Runtime of each model: sklearn (its own library) or onnx; repeatable.",
    ),
    click.option(
        "--data",
        metavar="FILE|NAME",
        help="A data file (CSV, Parquet, Feather, NPZ, NPY, JSON lines) or a dataset: iris, wine, digits ...",
    ),
    click.option("--target", metavar="COLUMN", help="The target: the column to predict."),
    click.option("--samples", type=int, metavar="N", help="Rows of the synthetic dataset.  [default: 1000]"),
    click.option("--features", type=int, metavar="N", help="Columns of the synthetic dataset.  [default: 20]"),
    click.option("--classes", type=int, metavar="N", help="Classes of the synthetic dataset.  [default: 2]"),
    click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="[NAME=]DIMS",
        help="Shape of a model's input, rows per call first, such as input_ids=1x128; repeatable.",
    ),
    click.option("--sparse", is_flag=True, help="Generate the synthetic dataset as a sparse matrix, 90 % zeros."),
    click.option(
        "--task",
        type=click.Choice(("classification", "regression")),
        help="The task, for a data file too; it selects the default models.  [default: classification]",
    ),
    click.option(
        "--trust",
        multiple=True,
        metavar="FILE",
        help="Allow this model file, or ./latency-tui.toml, to run its author's code; repeatable.",
    ),
    click.option(
        "--trust-type",
        "trust_types",
        multiple=True,
        metavar="TYPE",
        help="Trust this type in skops files, such as sklearn.tree._tree.Tree; repeatable.",
    ),
    click.option(
        "--config",
        metavar="FILE",
        help="The configuration file.  [default: ./latency-tui.toml, or the user configuration]",
    ),
)

_LISTS = ("runtimes", "shapes", "trust", "trust_types")
_TYPED = {"runtimes": "--runtime", "shapes": "--shape", "trust": "--trust", "trust_types": "--trust-type"}
_SINGLE = ("data", "target", "samples", "features", "classes", "task", "config")


def build_request(values: Mapping[str, Any]) -> Request:
    """Return the request for models and data that the options describe."""
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


def read_configuration(values: Mapping[str, Any]) -> LoadedConfiguration:
    """Read the configuration file that the options select; call it once per command.

    Raises:
        UsageError: The file does not exist or is invalid.
    """
    return find_configuration(values["config"], values["trust"])


def format_input_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return the options of this module as command-line arguments."""
    arguments = [f"{_TYPED[name]}={value}" for name in _LISTS for value in values[name]]
    arguments += ["--sparse"] if values["sparse"] else []
    return arguments + [f"--{name}={values[name]}" for name in _SINGLE if values[name] is not None]
