"""Checks the files, settings and tasks of a plan before anything is started."""

from __future__ import annotations

import os
from pathlib import Path

from latency_tui.catalog.interpreters import find_interpreter
from latency_tui.catalog.model_files import RUNS_CODE, kind_of
from latency_tui.catalog.settings_to_try import is_foreign
from latency_tui.catalog.trust_store import check_configuration_trust, check_trusted, digest_of, digest_of_model
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import NATIVE, Candidate, ModelFormat, ModelSpec
from latency_tui.plan.datasets import Dataset, FileDataset, SyntheticDataset, task_of
from latency_tui.plan.plan import Plan
from latency_tui.plan.settings import NATIVE_ONLY, SKLEARN_SETTINGS
from latency_tui.plan.trust import Trust


def check_plan(plan: Plan, *, asks_later: bool = False) -> None:
    """Check that a plan can be measured. No model is loaded and no heavy module imported.

    Args:
        plan: The plan.
        asks_later: Whether the user will be asked, before anything runs, to trust a configuration file found in the
            working directory.

    Raises:
        UsageError: A file does not exist, cannot be read, does not match its name, or runs code and is not trusted; a
            model does not fit the task of the dataset, or has a setting without effect.
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
        if asks_later and model.configuration_digest:
            continue
        check_configuration_trust(candidate, plan.trust)
        if not model.file or model.is_temporary_pickle:
            continue
        found = _format_of(model)
        if found in RUNS_CODE:
            check_trusted(Path(model.file), found, digest_of_model(model), plan.trust)


def _format_of(model: ModelSpec) -> ModelFormat:
    """Return the format of the file of a model, as it was when the model was named.

    Raises:
        UsageError: The format could not be identified, or the file no longer exists.
    """
    if model.file_format and os.path.exists(model.file):  # noqa: PTH110 (Path.exists raises for a folder without access)
        return model.file_format
    return kind_of(Path(model.file))


def _check_data_file(path: Path, trust: Trust) -> None:
    from latency_tui.catalog.data_files import (  # deferred: with zipfile 10 ms of start-up
        check_trusted_data,
        identify_data_file,
    )

    if identify_data_file(path).format == "pickle":
        check_trusted_data(path, digest_of(path), trust)


def check_settings(candidate: Candidate) -> None:
    """Check that the settings of a candidate can have an effect.

    Raises:
        UsageError: A setting belongs to a library that does not run the model, or names no interpreter.
    """
    if python := candidate.settings.get("python") or candidate.model.python:
        find_interpreter(str(python))
    void = NATIVE_ONLY if candidate.runtime != NATIVE else SKLEARN_SETTINGS if is_foreign(candidate) else ()
    if idle := [key for key in candidate.settings if key in void]:
        raise UsageError(
            f"{candidate.name}: {' and '.join(idle)} would change nothing, because the model's own library does not "
            "run it; remove this setting."
        )
    if "key" in candidate.settings and candidate.model.file_format not in ("pickle", "skops"):
        raise UsageError(f"{candidate.name}: key selects one of several models in a pickle, but this is no pickle.")


def check_task(model: ModelSpec, dataset: Dataset) -> None:
    """Check that the tasks of a model and a dataset are the same, if both are known.

    Raises:
        UsageError: The tasks differ.
    """
    task = task_of(dataset)
    if task and model.task and model.task != task:
        raise UsageError(f"{model.name} is for {model.task}, and {dataset.title} is for {task}.")
