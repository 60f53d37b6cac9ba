"""Resolves names, files and options to candidates, a dataset and trust; no model or data are loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.configuration_schema import PlanTable
from latency_tui.catalog.named_models import default_models, encoding_models
from latency_tui.catalog.runtimes import expand_runtimes
from latency_tui.catalog.trust_store import digest_of_model, remember_types, trust_for, with_digests
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelSpec, make_slugs_unique
from latency_tui.plan.datasets import Dataset, FileDataset, SyntheticDataset, Task, task_of
from latency_tui.plan.trust import EVERYTHING, Trust


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The user's choice of models and data, as typed; options that were not given are None or empty.

    Attributes:
        models: Names, files or import paths.
        named_by_plan: Whether a plan of the configuration, not the user, named the models.
        runtimes: Runtimes of each model.
        data: The name of a dataset, or a data file.
        target: Target column of the file.
        samples: Rows of the synthetic dataset.
        features: Columns of the synthetic dataset.
        classes: Classes of the synthetic dataset.
        sparse: Whether the synthetic dataset is a sparse matrix.
        task: Classification or regression.
        trust: Files that may run their author's code. Trusting the configuration file trusts all that it names.
        trust_types: Types that are trusted in skops files.
    """

    models: tuple[str, ...] = ()
    named_by_plan: bool = False
    runtimes: tuple[str, ...] = ()
    data: str | None = None
    target: str | None = None
    samples: int | None = None
    features: int | None = None
    classes: int | None = None
    sparse: bool = False
    task: Task | None = None
    trust: tuple[str, ...] = ()
    trust_types: tuple[str, ...] = ()


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates, the dataset and the trust of a plan."""

    candidates: tuple[Candidate, ...]
    dataset: Dataset
    trust: Trust


def resolve(request: Request, loaded: LoadedConfiguration, *, lenient: bool = False) -> Resolved:
    """Return the candidates, the dataset and the trust for a request.

    Args:
        request: The user's choice.
        loaded: The configuration, whose models and datasets can be named.
        lenient: Whether to omit unreadable models of the configuration if no model was named.

    Raises:
        UsageError: A name, a file or an option is invalid.
    """
    dataset = _dataset(request, loaded)
    if request.models:
        named = loaded.candidates(request.models, named_by_plan=request.named_by_plan)
    else:
        task = task_of(dataset)
        own = [model for model in loaded.chosen_models() if not model.task or not task or model.task == task]
        own = list(loaded.readable(own)) if lenient else own
        named = tuple(Candidate(model=model) for model in (*default_models_for(dataset), *own))
    candidates = make_slugs_unique(expand_runtimes(named, request.runtimes))
    models = tuple(candidate.model for candidate in candidates)
    loaded.check_files(models)
    candidates = with_digests(candidates, is_trust_given=bool(request.trust or request.trust_types))
    measured = {model.file for model in models}
    typed = (file for file in request.trust if not loaded.is_file(file))
    trusted = (*typed, *(file for file in loaded.trusted_files() if file in measured))
    data = dataset.path if isinstance(dataset, FileDataset) else ""
    trust = trust_for(candidates, files=trusted, types=request.trust_types, data=data)
    return Resolved(candidates=candidates, dataset=dataset, trust=trust)


def listed_models(dataset: Dataset, loaded: LoadedConfiguration | None) -> tuple[ModelSpec, ...]:
    """Return the models to choose from: default models and those of the configuration file that fit the task.

    Raises:
        UsageError: A model of the configuration file is invalid.
    """
    task = task_of(dataset)
    own = loaded.models() if loaded else ()
    able = (model for model in own if not model.task or not task or model.task == task)
    return (*default_models_for(dataset), *able)


def default_models_for(dataset: Dataset) -> tuple[ModelSpec, ...]:
    """Return the default models for a dataset; if it has text, dates or missing values, models that accept these."""
    task = task_of(dataset) or "classification"
    if isinstance(dataset, FileDataset):
        from latency_tui.catalog.data_columns import (
            columns_for_encoding,  # deferred: with csv and zipfile 10 ms of start-up
        )

        if columns_for_encoding(Path(dataset.path), dataset.target):
            return encoding_models(task)
    return default_models(task)


def extend_trust(trust: Trust, models: Iterable[ModelSpec], loaded: LoadedConfiguration) -> Trust:
    """Return the trust of a plan, extended to the files of listed models, which the user may select later.

    Raises:
        UsageError: A file cannot be read.
    """
    candidates = tuple(Candidate(model=model) for model in loaded.readable(models) if model.file)
    if not candidates:
        return trust
    files = {candidate.model.file for candidate in candidates}.intersection(loaded.trusted_files())
    listed = trust_for(candidates, files=files, types=trust.types)
    return msgspec.structs.replace(trust, files={**listed.files, **trust.files})


def trust_configuration(trust: Trust, loaded: LoadedConfiguration) -> Trust:
    """Trust and remember a configuration in the working directory; return the trust extended by all that it names.

    Raises:
        UsageError: A file that the configuration names cannot be read.
    """
    trust = trust.extended(loaded.digest, (EVERYTHING,))
    for model in loaded.models():
        if model.configuration_digest and model.file:
            trust = trust.extended(digest_of_model(model), (EVERYTHING,))
    remember_types({loaded.digest: (EVERYTHING,)})
    return trust


def plan_values(table: PlanTable, given: Collection[str]) -> dict[str, Any]:
    """Return the values of a named plan by option name, without those that the user overrides.

    Args:
        table: The plan.
        given: Names of the options that the user typed; they take precedence.
    """
    given_values = {
        name: value for name in table.__struct_fields__ if (value := getattr(table, name)) not in (None, ())
    }
    renamed: Mapping[str, str] = {"dataset": "data", "cpu": "pinning", "rate": "rates"}
    values = {renamed.get(name, name): value for name, value in given_values.items()}
    if "pinning" in values:
        values["pinning"] = str(values["pinning"])
    lengths = {"runs", "seconds", "until_known"}
    covered = set(given) | (lengths if lengths & set(given) else set())
    if {"batch_size", "mix"} & covered:
        covered |= {"batch_size", "mix"}
    if {"rates", "find_rate", "scenario"} & set(given):
        covered |= {"rates", "find_rate", "scenario"}
    if "rigorous" in given:
        covered.add("launches")
    if {"samples", "features", "classes", "sparse"} & set(given):
        covered.add("data")
    return {name: value for name, value in values.items() if name not in covered}


def _dataset(request: Request, loaded: LoadedConfiguration) -> Dataset:
    made = {
        name: value
        for name in ("samples", "features", "classes", "sparse")
        if (value := getattr(request, name)) is not None and value is not False
    }
    if request.task == "regression" and request.classes is not None:
        raise UsageError("--classes is for classification; omit it for a regression.")
    if request.data is None:
        if request.target is not None:
            raise UsageError("--target names a column of --data; add --data.")
        found = SyntheticDataset(**made, task=request.task or "classification")
        found.check()
        return found
    if made:
        raise UsageError(f"--{next(iter(made))} is for the synthetic dataset; omit it or --data.")
    return loaded.dataset(request.data, request.target, request.task)
