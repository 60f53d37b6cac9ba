"""The command line that measures a plan again."""

from __future__ import annotations

import shlex

from latency_tui.catalog.named_models import is_built_in
from latency_tui.plan import Candidate, Plan, SyntheticDataset, Workload
from latency_tui.plan.candidates import slugify
from latency_tui.plan.datasets import BundledDataset, Dataset, FileDataset, StoredDataset
from latency_tui.plan.mix import format_mix
from latency_tui.plan.plan import DEFAULT_CALL_TIMEOUT_SECONDS
from latency_tui.plan.settings import format_settings
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.text.sanitize import clean


def format_command(plan: Plan) -> str | None:
    """Return the command that measures a plan again, with arguments quoted for a shell.

    The command never includes `--trust`. It is None if the plan was measured from objects of a Python program.
    """
    stored = isinstance(plan.workload.dataset, StoredDataset)
    if stored or any(candidate.model.is_temporary_pickle for candidate in plan.candidates):
        return None
    arguments = ["latency-tui", "run"]
    for candidate in plan.curves:
        arguments += ["-m", _reference(candidate)]
    for sweep in plan.sweeps:
        arguments += ["--sweep", str(sweep)]
    arguments += [*_data(plan.workload.dataset), *_workload(plan.workload), *_length(plan), *_machine(plan)]
    arguments += ["--metric", plan.metric] if plan.metric else []
    arguments += _load(plan)
    for limit in plan.limits:
        arguments += ["--limit", str(limit)]
    return " ".join(shlex.quote(clean(argument)) for argument in arguments)


def _reference(candidate: Candidate) -> str:
    model = candidate.model
    name = model.key or model.file or (slugify(model.name) if is_built_in(model) or model.parameters else model.factory)
    return f"{name}[{format_settings(candidate.settings)}]" if candidate.settings else name


def _data(dataset: Dataset) -> list[str]:
    match dataset:
        case BundledDataset():
            return ["--data", dataset.name]
        case FileDataset():
            options = [("--target", dataset.target), ("--task", dataset.task)]
            return ["--data", dataset.path, *(part for name, value in options if value for part in (name, value))]
        case SyntheticDataset():
            default = SyntheticDataset()
            found = ["--task", dataset.task] if dataset.task != default.task else []
            for name in ("samples", "features", "classes"):
                if (value := getattr(dataset, name)) != getattr(default, name):
                    found += [f"--{name}", str(value)]
            return [*found, *(["--sparse"] if dataset.sparse else [])]
    return []


def _workload(work: Workload) -> list[str]:
    found = ["-b", str(work.batch_size)] if work.batch_size != 1 else []
    found += ["--mix", format_mix(work.mix)] if work.mix else []
    found += ["--method", work.method] if work.method != "predict" else []
    for name, axes in work.shapes.items():
        shape = "x".join(map(str, axes))
        found += ["--shape", f"{name}={shape}" if name else shape]
    return found


def _length(plan: Plan) -> list[str]:
    if plan.until_known:
        found = ["--until-known", "--max-time", f"{plan.max_seconds:g}"]
    else:
        found = ["-n", str(plan.runs)] if plan.runs is not None else ["-t", f"{plan.seconds:g}"]
    found += ["--launches", str(plan.launches)] if plan.launches != 1 else []
    found += [f"--{name.replace('_', '-')}" for name in ("control", "cold_start", "steps") if getattr(plan, name)]
    return found + (["--baseline", plan.baseline] if plan.baseline else [])


def _load(plan: Plan) -> list[str]:
    load = plan.load
    if load is None:
        return []
    if load.offline:
        found = ["--scenario", "offline"]
    else:
        found = ["--find-rate"] if load.find_rate else ["--rate", ",".join(f"{rate:g}" for rate in load.rates)]
    found += ["--workers", str(load.workers)] if load.workers != 1 else []
    found += ["--worker-kind", load.worker_kind] if load.worker_kind != "process" else []
    found += ["--arrivals", load.gaps_file or load.arrivals] if load.arrivals != "poisson" else []
    return [*found, "--duration", f"{load.duration:g}"]


def _machine(plan: Plan) -> list[str]:
    numbers = {"equivalence": EQUIVALENCE, "seed": 0, "threads": 1, "call_timeout": DEFAULT_CALL_TIMEOUT_SECONDS}
    found = []
    for name, default in numbers.items():
        if (value := getattr(plan, name)) != default:
            found += [f"--{name.replace('_', '-')}", f"{value:g}"]
    if plan.pinning != "auto":
        found += ["--cpu", plan.pinning if isinstance(plan.pinning, str) else ",".join(map(str, plan.pinning))]
    return found
