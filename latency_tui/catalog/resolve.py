"""From what was typed to what a plan is made of: candidates, dataset and trust, all looked at and nothing loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.configuration_schema import PlanTable
from latency_tui.catalog.named_models import default_models, encoding_models
from latency_tui.catalog.runtimes import with_runtimes
from latency_tui.catalog.trust_store import digest_of, remember_types, trust_for
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelSpec, number_apart
from latency_tui.plan.datasets import Dataset, FileDataset, SyntheticDataset, Task, task_of
from latency_tui.plan.trust import EVERYTHING, Trust


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as it was typed; None and empty for what was not.

    Attributes:
        models: Names, files or import paths.
        by_plan: Whether a plan of the configuration named the models, and not the user.
        runtimes: What runs each of them.
        data: A dataset's name or file.
        target: Column of the file that is to be predicted.
        samples: Rows of a dataset that is made.
        features: Its columns.
        classes: Its classes.
        sparse: Whether it is a sparse matrix.
        task: What is to be predicted.
        trust: Files that may run their author's code; the configuration file among them vouches for what it names.
        trust_types: Types trusted in skops files.
    """

    models: tuple[str, ...] = ()
    by_plan: bool = False
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
    """What a plan is made of."""

    candidates: tuple[Candidate, ...]
    dataset: Dataset
    trust: Trust


def resolve(request: Request, loaded: LoadedConfiguration, *, lenient: bool = False) -> Resolved:
    """Return the candidates, the dataset and the trust that were asked for.

    Args:
        request: What was typed.
        loaded: The configuration, whose models and datasets have names too.
        lenient: Whether a model of the configuration whose file cannot be read is left out, where no model was named.

    Raises:
        UsageError: Something is not there or makes no sense.
    """
    dataset = _dataset(request, loaded)
    if request.models:
        named = loaded.candidates(request.models, by_plan=request.by_plan)
    else:
        task = task_of(dataset)
        own = [model for model in loaded.chosen_models() if not model.task or not task or model.task == task]
        own = list(loaded.readable(own)) if lenient else own
        named = tuple(Candidate(model=model) for model in (*usual_models(dataset), *own))
    candidates = number_apart(with_runtimes(named, request.runtimes))
    models = tuple(candidate.model for candidate in candidates)
    loaded.check_files(models)
    measured = {model.file for model in models}
    typed = (file for file in request.trust if not loaded.is_file(file))
    trusted = (*typed, *(file for file in loaded.trusted_files() if file in measured))
    data = dataset.path if isinstance(dataset, FileDataset) else ""
    trust = trust_for(candidates, files=trusted, types=request.trust_types, data=data)
    return Resolved(candidates=candidates, dataset=dataset, trust=trust)


def listed_models(dataset: Dataset, loaded: LoadedConfiguration | None) -> tuple[ModelSpec, ...]:
    """Return the models to choose from: the usual ones and those of the configuration file, for the dataset's task.

    Raises:
        UsageError: A model of the configuration file makes no sense.
    """
    task = task_of(dataset)
    own = loaded.models() if loaded else ()
    able = (model for model in own if not model.task or not task or model.task == task)
    return (*usual_models(dataset), *able)


def usual_models(dataset: Dataset) -> tuple[ModelSpec, ...]:
    """Return what is measured if nothing is named; of a file that holds words, dates or gaps, models that take them."""
    task = task_of(dataset) or "classification"
    if isinstance(dataset, FileDataset):
        from latency_tui.catalog.data_columns import (
            columns_for_encoding,  # deferred: with csv and zipfile 10 ms of start-up
        )

        if columns_for_encoding(Path(dataset.path), dataset.target):
            return encoding_models(task)
    return default_models(task)


def trust_of_listed(trust: Trust, models: Iterable[ModelSpec], loaded: LoadedConfiguration) -> Trust:
    """Return a plan's trust, and besides it what the files of models have that are listed, and may be chosen later.

    Raises:
        UsageError: A file cannot be read.
    """
    candidates = tuple(Candidate(model=model) for model in loaded.readable(models) if model.file)
    if not candidates:
        return trust
    files = {candidate.model.file for candidate in candidates}.intersection(loaded.trusted_files())
    listed = trust_for(candidates, files=files, types=trust.types)
    return msgspec.structs.replace(trust, files={**listed.files, **trust.files})


def trust_found(trust: Trust, loaded: LoadedConfiguration) -> Trust:
    """Return a plan's trust, and all that a configuration in the working directory names; remember that file.

    Raises:
        UsageError: A file that it names cannot be read.
    """
    trust = trust.also(loaded.digest, (EVERYTHING,))
    for model in loaded.models():
        if model.found_in and model.file:
            trust = trust.also(digest_of(Path(model.file)), (EVERYTHING,))
    remember_types({loaded.digest: (EVERYTHING,)})
    return trust


def plan_values(table: PlanTable, given: Collection[str]) -> dict[str, Any]:
    """Return what a named plan says, by the command line's own names, less what was typed.

    Args:
        table: The plan.
        given: Names of the options that were typed: they count more.
    """
    said = {name: value for name in table.__struct_fields__ if (value := getattr(table, name)) not in (None, ())}
    renamed: Mapping[str, str] = {"dataset": "data", "cpu": "pinning"}
    values = {renamed.get(name, name): value for name, value in said.items()}
    if "pinning" in values:
        values["pinning"] = str(values["pinning"])
    lengths = {"runs", "seconds", "until_known"}
    covered = set(given) | (lengths if lengths & set(given) else set())
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
        raise UsageError("--classes is for classification; a regression predicts numbers.")
    if request.data is None:
        if request.target is not None:
            raise UsageError("--target names a column of --data; give that too.")
        found = SyntheticDataset(**made, task=request.task or "classification")
        found.check()
        return found
    if made:
        raise UsageError(f"--{next(iter(made))} is for a dataset that is made; --data brings its own.")
    return loaded.dataset(request.data, request.target, request.task)
