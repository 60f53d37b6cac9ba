"""The options that say what to measure: what `latency-tui`, `run` and `serve` share, and the plan made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from latency_tui.catalog.model_files import model_in
from latency_tui.catalog.named_models import known_models
from latency_tui.catalog.resolve import resolve
from latency_tui.catalog.settings_to_try import settings_to_try
from latency_tui.catalog.trust_store import remember
from latency_tui.catalog.validate import check_plan
from latency_tui.cli.input_options import OWN_OPTIONS, configuration_of, request_of, to_own_arguments
from latency_tui.errors import UsageError
from latency_tui.plan import METHODS, Candidate, Plan, SyntheticDataset, Workload, parse, slug_of, slugify
from latency_tui.plan.limits import FRESH, Limit, parse_limit
from latency_tui.plan.pinning import parse_cores
from latency_tui.plan.shapes import parse_shapes

Command = TypeVar("Command", bound=Callable[..., Any])
RIGOROUS_LAUNCHES = 5
_SWITCHES = ("until_known", "rigorous", "control", "cold_start")
Values = Mapping[str, Any]  # Any: one entry an option, as click parsed it


def _complete_model(_context: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    return [slug for slug in (slugify(model.name) for model in known_models()) if slug.startswith(typed.casefold())]


_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "-m",
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        shell_complete=_complete_model,
        help="A model: a name (random-forest), a file or package.module:name; again for more.  [default: the six]",
    ),
    click.option("-n", "--runs", type=int, metavar="N", help="Calls a model, 1 to 10,000,000.  [default: 100]"),
    click.option(
        "-t", "--time", "seconds", type=float, metavar="SECONDS", help="Measuring time a model, instead of -n."
    ),
    click.option(
        "--until-known", is_flag=True, help="Measure until each is told from the baseline or known to be the same."
    ),
    click.option(
        "--max-time",
        "max_seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        show_default=True,
        help="When --until-known gives up, a launch.",
    ),
    click.option("-b", "--batch-size", type=int, default=1, metavar="N", show_default=True, help="Rows a call."),
    click.option("--method", type=click.Choice(METHODS), default="predict", show_default=True, help="What is called."),
    click.option(
        "--baseline", metavar="NAME", help="The model that the others are compared with.  [default: the fastest]"
    ),
    click.option("--launches", type=int, metavar="N", help="Fresh engines to measure in.  [default: 1]"),
    click.option(
        "--rigorous",
        is_flag=True,
        help="Five launches, unless --launches says how many: for a verdict that holds in the next one too.",
    ),
    click.option(
        "--control",
        is_flag=True,
        help="Take a copy of the first model along: what this machine makes of two that are identical.",
    ),
    click.option(
        "--equivalence",
        type=float,
        default=0.01,
        metavar="SHARE",
        show_default=True,
        help="Ratios this close to 1 make no difference to you.",
    ),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="LIMIT",
        help="A condition such as 'p99 < 5ms', 'p50 < 1.05x' or 'linear-svm: mean < 1ms'; repeatable.",
    ),
    click.option("--cold-start", is_flag=True, help="Measure start-up and memory too, in a pass of their own."),
    click.option(
        "--seed", type=int, default=0, metavar="N", show_default=True, help="Seeds the order of turns and rows."
    ),
    click.option(
        "--cpu",
        "pinning",
        default="auto",
        metavar="LIST|none",
        help="Cores to pin to: 1 or 0,2-3.  [default: a quiet one]",
    ),
    click.option("--threads", type=int, default=1, metavar="N", show_default=True, help="Threads of BLAS and OpenMP."),
    click.option(
        "--call-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        show_default=True,
        help="When a call counts as hung.",
    ),
    click.option(
        "--training-timeout",
        type=float,
        metavar="SECONDS",
        help="When training a model is ended; the others go on.  [default: 600 without a screen, else never]",
    ),
    *OWN_OPTIONS,
)


def measuring_options(command: Command) -> Command:
    """Give a command the options that say what to measure."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_plan(values: Values, *, settings: bool = False, lenient: bool = False, by_plan: bool = False) -> Plan:
    """Return the plan that the options ask for.

    Args:
        values: One entry an option.
        settings: Whether the one model is also measured once more for each setting that can matter.
        lenient: Whether a model of the configuration whose file cannot be read is left out, where no model was named:
            the app lists it with a word on why, and asks before it runs what a configuration in the working directory
            names.
        by_plan: Whether a plan of the configuration named the models, and not the user.

    Raises:
        UsageError: An option makes no sense; the sentence says which and why.
    """
    request = msgspec.structs.replace(request_of(values), by_plan=by_plan)
    asked = resolve(request, configuration_of(values), lenient=lenient)
    candidates, baseline = asked.candidates, values["baseline"]
    if settings and baseline is not None:
        raise UsageError("--settings compares with the model as it is; leave --baseline out.")
    if settings:
        sparse = isinstance(asked.dataset, SyntheticDataset) and asked.dataset.sparse
        candidates = _with_settings(candidates, batch_size=values["batch_size"], sparse=sparse)
        baseline = candidates[0].slug
    runs, seconds, until_known = values["runs"], values["seconds"], values["until_known"]
    limits = tuple(_limit(text, candidates) for text in values["limits"])
    plan = Plan(
        candidates=candidates,
        workload=Workload(
            dataset=asked.dataset,
            method=values["method"],
            batch_size=values["batch_size"],
            shapes=parse_shapes(values["shapes"]),
        ),
        runs=100 if runs is None and seconds is None and not until_known else runs,
        seconds=seconds,
        until_known=until_known,
        max_seconds=values["max_seconds"],
        baseline=None if baseline is None else _baseline(baseline, candidates),
        launches=(RIGOROUS_LAUNCHES if values["rigorous"] else 1) if values["launches"] is None else values["launches"],
        control=values["control"],
        equivalence=values["equivalence"],
        cold_start=values["cold_start"] or any(limit.metric in FRESH for limit in limits),
        limits=limits,
        seed=values["seed"],
        call_timeout=values["call_timeout"],
        training_timeout=values["training_timeout"],
        pinning=parse_cores(values["pinning"]),
        threads=values["threads"],
        trust=asked.trust,
    )
    check_plan(plan, asks_later=lenient)
    remember(plan.candidates, plan.trust)
    return plan


def _baseline(text: str, candidates: Iterable[Candidate]) -> str:
    """Return the slug of the candidate that is meant: by its file or import path as typed, or by its name."""
    name, settings = parse(text)
    alike = [one for one in candidates if one.settings == settings]
    files = {name, str(model_in(Path(name)))}
    for meant in (
        [one for one in alike if name in (one.model.name, one.model.key, one.model.factory) or one.model.file in files],
        [one for one in alike if slugify(name) in (slugify(one.model.name), slugify(one.model.key or one.model.name))],
    ):
        if meant:
            return meant[0].slug
    return slug_of(text)


def _limit(text: str, candidates: Iterable[Candidate]) -> Limit:
    limit = parse_limit(text)
    named = limit.candidate
    return limit if named is None else msgspec.structs.replace(limit, candidate=_baseline(named, candidates))


def _with_settings(candidates: tuple[Candidate, ...], *, batch_size: int, sparse: bool) -> tuple[Candidate, ...]:
    if len(candidates) != 1:
        raise UsageError("--settings tries one model: name it, as in -m logistic-regression --settings.")
    return (*candidates, *settings_to_try(candidates[0], batch_size=batch_size, sparse=sparse))


def to_arguments(values: Values) -> list[str]:
    """Return the options as they would be typed: what `serve` starts the app with."""
    single = {
        "--runs": values["runs"],
        "--time": values["seconds"],
        "--max-time": values["max_seconds"],
        "--batch-size": values["batch_size"],
        "--method": values["method"],
        "--baseline": values["baseline"],
        "--launches": values["launches"],
        "--equivalence": values["equivalence"],
        "--seed": values["seed"],
        "--cpu": values["pinning"],
        "--threads": values["threads"],
        "--call-timeout": values["call_timeout"],
        "--training-timeout": values["training_timeout"],
    }
    arguments = [f"--model={name}" for name in values["models"]] + to_own_arguments(values)
    arguments += [f"--{name.replace('_', '-')}" for name in _SWITCHES if values[name]]
    return arguments + [f"{option}={value}" for option, value in single.items() if value is not None]
