"""Looks at all that a plan names before anything is started: files that are not there, not whole, not trusted."""

from __future__ import annotations

from pathlib import Path

from latency_tui.catalog.model_files import RUNS_CODE, kind_of
from latency_tui.catalog.settings_to_try import file_kind, is_foreign
from latency_tui.catalog.trust_store import check_found, check_trusted, digest_of
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import NATIVE, Candidate, ModelSpec
from latency_tui.plan.datasets import Dataset, FileDataset, SyntheticDataset, task_of
from latency_tui.plan.plan import Plan
from latency_tui.plan.settings import NATIVE_ONLY, SKLEARN_SETTINGS
from latency_tui.plan.trust import Trust


def check_plan(plan: Plan, *, asks_later: bool = False) -> None:
    """Refuse a plan whose files cannot be measured. Nothing is loaded and nothing heavy imported.

    Args:
        plan: What is going to be measured.
        asks_later: Whether the user is asked later, before anything runs, to trust a configuration file found in the
            working directory.

    Raises:
        UsageError: A file is not there, cannot be read, is not what it says, or runs code and is not trusted; a model
            predicts what the dataset does not have, or has a setting that could not change anything.
    """
    dataset = plan.workload.dataset
    if isinstance(dataset, FileDataset):
        _check_data_file(Path(dataset.path), plan.trust)
    if isinstance(dataset, SyntheticDataset):
        dataset.check()
    for candidate in plan.candidates:
        model = candidate.model
        check_task(model, dataset)
        check_settings(candidate)
        if asks_later and model.found_in:
            continue
        check_found(model, plan.trust)
        if not model.file or model.handed_over:
            continue
        path = Path(model.file)
        kind = kind_of(path)
        if kind in RUNS_CODE:
            check_trusted(path, kind, digest_of(path), plan.trust)


def _check_data_file(path: Path, trust: Trust) -> None:
    from latency_tui.catalog.data_files import check_trusted_data, look_at  # deferred: with zipfile 10 ms of start-up

    if look_at(path).form == "pickle":
        check_trusted_data(path, digest_of(path), trust)


def check_settings(candidate: Candidate) -> None:
    """Refuse settings that could not change anything.

    Raises:
        UsageError: It is not the model's own library that answers, and they mean nothing to another.
    """
    void = NATIVE_ONLY if candidate.runtime != NATIVE else SKLEARN_SETTINGS if is_foreign(candidate) else ()
    if idle := [key for key in candidate.settings if key in void]:
        raise UsageError(
            f"{candidate.name}: {' and '.join(idle)} would change nothing, for it is not the model's own library "
            "that answers."
        )
    if "key" in candidate.settings and file_kind(candidate) not in ("pickle", "skops"):
        raise UsageError(f"{candidate.name}: key chooses one of several models in a pickle, and this is none.")


def check_task(model: ModelSpec, dataset: Dataset) -> None:
    """Refuse a model that predicts what the dataset does not have, as far as both say what that is.

    Raises:
        UsageError: It is such a model.
    """
    task = task_of(dataset)
    if task and model.task and model.task != task:
        raise UsageError(f"{model.name} is for {model.task}, and {dataset.title} is for {task}.")
