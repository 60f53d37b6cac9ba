"""The options that `latency-tui`, `run` and `serve` share, and the plan that they describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.mix_files import read_mix
from latency_tui.catalog.model_files import find_model_file
from latency_tui.catalog.named_models import known_models
from latency_tui.catalog.resolve import resolve
from latency_tui.catalog.settings_to_try import settings_to_try
from latency_tui.catalog.validate import check_plan
from latency_tui.cli.history_options import HISTORY_OPTIONS
from latency_tui.cli.input_options import INPUT_OPTIONS, build_request, format_input_arguments
from latency_tui.cli.load_options import LOAD_OPTIONS, format_load_arguments, make_load_test
from latency_tui.cli.output import print_status
from latency_tui.engine.process_environment import LOCK_VARIABLE
from latency_tui.errors import UsageError
from latency_tui.plan import (
    METHODS,
    Candidate,
    Plan,
    SyntheticDataset,
    Workload,
    expand,
    parse,
    parse_sweep,
    slug_of,
    slugify,
)
from latency_tui.plan.limits import COLD_START_METRICS, Limit, parse_limit
from latency_tui.plan.load import OFFLINE_BATCHES, LoadTest
from latency_tui.plan.metrics import check_metric
from latency_tui.plan.mix import Mix, default_runs
from latency_tui.plan.pinning import parse_cores
from latency_tui.plan.plan import DEFAULT_CALL_TIMEOUT_SECONDS, DEFAULT_MAX_SECONDS
from latency_tui.plan.shapes import parse_shapes
from latency_tui.stats.defaults import EQUIVALENCE

Command = TypeVar("Command", bound=Callable[..., Any])
RIGOROUS_LAUNCHES = 5
TRAINING_SECONDS = 600.0
"""Default time limit for training one model without a screen, because no user is present to cancel it."""
_SWITCHES = ("until_known", "rigorous", "control", "cold_start", "steps", "no_history")
Values = Mapping[str, Any]  # Any: values as click parsed them, by option


def _complete_model(_context: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    return [slug for slug in (slugify(model.name) for model in known_models()) if slug.startswith(typed.casefold())]


def _measure_beside_others(_context: click.Context, _option: click.Parameter, is_wanted: bool) -> None:
    """Tell all engines that this process starts, directly or in browser tabs, not to wait for other measurements."""
    if is_wanted:
        os.environ[LOCK_VARIABLE] = ""


_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "-m",
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        shell_complete=_complete_model,
        help="A model: a name (random-forest), a file or package.module:name; repeatable.  "
        "[default: the six built-in models]",
    ),
    click.option("-n", "--runs", type=int, metavar="N", help="Calls per model, 1 to 10,000,000.  [default: 100]"),
    click.option(
        "-t", "--time", "seconds", type=float, metavar="SECONDS", help="Measuring time per model, instead of -n."
    ),
    click.option(
        "--until-known",
        is_flag=True,
        help="Measure until each model is shown to differ from the baseline or to match it.",
    ),
    click.option(
        "--max-time",
        "max_seconds",
        type=float,
        default=DEFAULT_MAX_SECONDS,
        metavar="SECONDS",
        show_default=True,
        help="Time limit per launch for --until-known.",
    ),
    click.option("-b", "--batch-size", type=int, default=1, metavar="N", show_default=True, help="Rows per call."),
    click.option(
        "--sweep",
        "sweeps",
        multiple=True,
        metavar="SETTING=VALUES",
        help="Measure each model at several values of a setting: batch=1,2,4..256, threads=1,2,4, features=10,100 or a "
        "parameter of the models; repeatable.",
    ),
    click.option(
        "--mix",
        metavar="MIX|FILE",
        help="Calls of several batch sizes, as share:batch (0.8:1,0.2:64) or a file of batch sizes, instead of -b.",
    ),
    click.option(
        "--method", type=click.Choice(METHODS), default="predict", show_default=True, help="The method to call."
    ),
    click.option(
        "--baseline", metavar="NAME", help="The model that the others are compared with.  [default: the fastest]"
    ),
    click.option("--launches", type=int, metavar="N", help="Number of launches (fresh processes).  [default: 1]"),
    click.option(
        "--rigorous",
        is_flag=True,
        help="Use five launches, for a verdict that also holds when measured again.",
    ),
    click.option(
        "--control",
        is_flag=True,
        help="Add an A/A control: a hidden copy of the first model that shows this machine's noise floor.",
    ),
    click.option(
        "--equivalence",
        type=float,
        default=EQUIVALENCE,
        metavar="SHARE",
        show_default=True,
        help="Treat ratios this close to 1 as equal.",
    ),
    click.option(
        "--metric",
        metavar="NAME",
        help="Metric of the score, named as in scikit-learn: f1_macro, roc_auc, log_loss, mean_absolute_error, …  "
        "[default: accuracy or r2]",
    ),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="LIMIT",
        help="A condition such as 'p99 < 5ms', 'accuracy > 0.9' or 'linear-svm: p50 < 1.05x'; repeatable.",
    ),
    click.option(
        "--against",
        metavar="REVISION",
        help="Also measure each model as it is in another git revision, in an environment built for it.",
    ),
    click.option("--steps", is_flag=True, help="Also time the steps of each model, in a separate pass."),
    click.option("--cold-start", is_flag=True, help="Also measure start-up and memory, in a separate pass."),
    click.option(
        "--seed", type=int, default=0, metavar="N", show_default=True, help="Seed of the order of blocks and rows."
    ),
    click.option(
        "--cpu",
        "pinning",
        default="auto",
        metavar="LIST|none",
        help="Cores to pin the models to: 1 or 0,2-3.  [default: an idle core]",
    ),
    click.option("--threads", type=int, default=1, metavar="N", show_default=True, help="Threads of BLAS and OpenMP."),
    click.option(
        "--no-lock",
        is_flag=True,
        expose_value=False,
        callback=_measure_beside_others,
        help="Measure even while another measurement runs on this machine.",
    ),
    click.option(
        "--call-timeout",
        type=float,
        default=DEFAULT_CALL_TIMEOUT_SECONDS,
        metavar="SECONDS",
        show_default=True,
        help="Time after which a call counts as hung.",
    ),
    click.option(
        "--training-timeout",
        type=float,
        metavar="SECONDS",
        help="Time limit for training one model; the others continue.  [default: 600 for run, none in the app]",
    ),
    *LOAD_OPTIONS,
    *INPUT_OPTIONS,
    *HISTORY_OPTIONS,
)


def measuring_options(command: Command) -> Command:
    """Add the options that describe what to measure to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_plan(
    values: Values,
    configuration: LoadedConfiguration,
    *,
    settings: bool = False,
    lenient: bool = False,
    named_by_plan: bool = False,
) -> Plan:
    """Return the plan that the options describe, after checking it; nothing is written.

    Args:
        values: The value of each option.
        configuration: The configuration file, whose models and datasets the options can name.
        settings: Whether to add one candidate for each setting that can affect the model.
        lenient: Whether to omit unreadable models of the configuration if no model was named, and to accept code that
            a configuration in the working directory names. The app shows both, and asks before it runs such code.
        named_by_plan: Whether a plan of the configuration, not the user, named the models.

    Raises:
        UsageError: An option is invalid; the message names the option and the reason.
        EngineError: The environment of a revision could not be built.
    """
    if values["against"] is not None:
        return _add_revision(values, configuration, settings=settings, lenient=lenient, named_by_plan=named_by_plan)
    request = msgspec.structs.replace(build_request(values), named_by_plan=named_by_plan)
    resolved = resolve(request, configuration, lenient=lenient)
    candidates, baseline = resolved.candidates, values["baseline"]
    if settings and values["sweeps"]:
        raise UsageError("--settings and --sweep exclude each other; sweep one of the settings.")
    workload = Workload(
        dataset=resolved.dataset,
        method=values["method"],
        batch_size=values["batch_size"],
        mix=() if values["mix"] is None else read_mix(values["mix"]),
        shapes=parse_shapes(values["shapes"]),
    )
    if settings and baseline is not None:
        raise UsageError("--settings uses the model without settings as the baseline; omit --baseline.")
    if settings:
        sparse = isinstance(resolved.dataset, SyntheticDataset) and resolved.dataset.sparse
        candidates = _add_settings(candidates, batch_size=max(workload.batch_sizes), sparse=sparse)
        baseline = candidates[0].slug
    load = make_load_test(values)
    sweeps = tuple(parse_sweep(text) for text in sweep_texts(values, load, candidates))
    candidates = expand(candidates, sweeps) if sweeps else candidates
    limits = tuple(resolve_limit(text, candidates) for text in values["limits"])
    plan = Plan(
        candidates=candidates,
        workload=workload,
        **_length(values, workload.mix),
        max_seconds=values["max_seconds"],
        baseline=None if baseline is None else find_slug(baseline, candidates),
        launches=(RIGOROUS_LAUNCHES if values["rigorous"] else 1) if values["launches"] is None else values["launches"],
        control=values["control"],
        equivalence=values["equivalence"],
        cold_start=values["cold_start"] or any(limit.metric in COLD_START_METRICS for limit in limits),
        steps=values["steps"],
        metric=None if values["metric"] is None else check_metric(values["metric"]),
        limits=limits,
        load=load,
        seed=values["seed"],
        call_timeout=values["call_timeout"],
        training_timeout=values["training_timeout"],
        pinning=parse_cores(values["pinning"]),
        threads=values["threads"],
        sweeps=sweeps,
        trust=resolved.trust,
    )
    check_plan(plan, asks_later=lenient)
    return plan


def sweep_texts(values: Values, load: LoadTest | None, candidates: Iterable[Candidate]) -> tuple[str, ...]:
    """Return the sweeps as typed; the scenario offline looks for the best batch size if none is given."""
    given = tuple(values["sweeps"])
    fixed = given or values["mix"] is not None or values["batch_size"] != 1
    if load is None or not load.offline or fixed or any("batch" in one.settings for one in candidates):
        return given
    return (OFFLINE_BATCHES,)


def _add_revision(
    values: Values, configuration: LoadedConfiguration, *, settings: bool, lenient: bool, named_by_plan: bool
) -> Plan:
    """Return the plan for `--against`; limits and stopping rules may need the second candidate of a single model."""
    from latency_tui.catalog.revision_candidates import add_revision_candidates  # deferred: only this option needs it

    alone = {**values, "against": None, "limits": (), "runs": 1, "seconds": None, "until_known": False}
    plan = make_plan(alone, configuration, settings=settings, lenient=lenient, named_by_plan=named_by_plan)
    plan = add_revision_candidates(plan, values["against"], configuration, print_status, asks_later=lenient)
    limits = tuple(resolve_limit(text, plan.candidates) for text in values["limits"])
    cold_start = plan.cold_start or any(limit.metric in COLD_START_METRICS for limit in limits)
    return msgspec.structs.replace(plan, limits=limits, cold_start=cold_start, **_length(values, plan.workload.mix))


def _length(values: Values, mix: Mix) -> dict[str, Any]:
    """Return how long the plan measures, as fields of the plan."""
    runs, seconds, until_known = values["runs"], values["seconds"], values["until_known"]
    return {
        "runs": default_runs(mix) if runs is None and seconds is None and not until_known else runs,
        "seconds": seconds,
        "until_known": until_known,
    }


def find_slug(text: str, candidates: Iterable[Candidate]) -> str:
    """Return the slug of the candidate that the text names by file, import path or name."""
    name, settings = parse(text)
    alike = [one for one in candidates if one.settings == settings]
    files = {name, str(find_model_file(Path(name)))}
    for meant in (
        [one for one in alike if name in (one.model.name, one.model.key, one.model.factory) or one.model.file in files],
        [one for one in alike if slugify(name) in (slugify(one.model.name), slugify(one.model.key or one.model.name))],
    ):
        if meant:
            return meant[0].slug
    return slug_of(text)


def resolve_limit(text: str, candidates: Iterable[Candidate]) -> Limit:
    """Parse a limit, and replace the name of its model, if any, by a slug."""
    limit = parse_limit(text)
    named = limit.candidate
    return limit if named is None else msgspec.structs.replace(limit, candidate=find_slug(named, candidates))


def _add_settings(candidates: tuple[Candidate, ...], *, batch_size: int, sparse: bool) -> tuple[Candidate, ...]:
    if len(candidates) != 1:
        raise UsageError("--settings needs exactly one model: name it, as in -m logistic-regression --settings.")
    return (*candidates, *settings_to_try(candidates[0], batch_size=batch_size, sparse=sparse))


def format_arguments(values: Values) -> list[str]:
    """Return the options as command-line arguments, with which `serve` starts the app."""
    single = {
        "--runs": values["runs"],
        "--time": values["seconds"],
        "--max-time": values["max_seconds"],
        "--batch-size": values["batch_size"],
        "--mix": values["mix"],
        "--method": values["method"],
        "--metric": values["metric"],
        "--baseline": values["baseline"],
        "--against": values["against"],
        "--launches": values["launches"],
        "--equivalence": values["equivalence"],
        "--seed": values["seed"],
        "--cpu": values["pinning"],
        "--threads": values["threads"],
        "--call-timeout": values["call_timeout"],
        "--training-timeout": values["training_timeout"],
        "--history": values["history"],
    }
    arguments = [f"--model={name}" for name in values["models"]]
    arguments += [f"--sweep={text}" for text in values["sweeps"]] + format_input_arguments(values)
    arguments += [f"--{name.replace('_', '-')}" for name in _SWITCHES if values[name]]
    arguments += format_load_arguments(values)
    return arguments + [f"{option}={value}" for option, value in single.items() if value is not None]
