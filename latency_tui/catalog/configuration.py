"""The configuration file `latency-tui.toml`: finds and reads it, and resolves its models, datasets and plans.

The file is searched in the working directory, then in the user's configuration folder. Its models are measured by
default, in addition to the built-in ones.
"""

from __future__ import annotations

import math
import os
import re
import typing
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.catalog.configuration_schema import MAX_BYTES, Configuration, ModelTable, PlanTable, read_tables
from latency_tui.catalog.datasets import resolve_dataset
from latency_tui.catalog.model_files import RUNS_CODE, find_model_file, kind_of, looks_like_file
from latency_tui.catalog.named_models import MORE_MODELS, describe_file, known_models, resolve_models
from latency_tui.catalog.trust_store import recall
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelFormat, ModelSpec
from latency_tui.plan.datasets import Dataset, FileDataset, SyntheticDataset, Task
from latency_tui.plan.settings import quote, unquote
from latency_tui.plan.suggest import closest_match
from latency_tui.plan.trust import EVERYTHING

FILE_NAME = "latency-tui.toml"
_PYTHON = re.compile(r"""((?:^|,)\s*python\s*=\s*)("(?:[^"]|"")*"|'(?:[^']|'')*'|[^,\]]+)""")
_ESTIMATOR = re.compile(r"sklearn\.[a-z]\w*:[A-Z]\w*")


class _ModelFile(msgspec.Struct, frozen=True):
    """A model file with its format, or the reason why it cannot be measured."""

    path: Path
    format: ModelFormat | Literal[""] = ""
    fault: str = ""


class LoadedConfiguration(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A configuration with its file; paths in it are relative to the folder of the file.

    Attributes:
        configuration: The content of the file.
        path: The file; None if there is no configuration file.
        is_trusted_location: Whether import paths and trust settings in this file are honoured. They are not if the
            file was found in the working directory, because the code may come from the same author.
        digest: SHA-256 of the content.
    """

    configuration: Configuration = Configuration()
    path: Path | None = None
    is_trusted_location: bool = True
    digest: str = ""

    @property
    def folder(self) -> Path:
        """The folder that paths are relative to."""
        return self.path.parent if self.path else Path()

    def models(self) -> tuple[ModelSpec, ...]:
        """Return the models in file order; if a model file cannot be read, the description contains the error.

        Raises:
            UsageError: A table is invalid, or two models have the same name.
        """
        found = {name: self._model(name, table) for name, table in self.configuration.models.items()}
        keys: dict[str, str] = {}
        for key, model in found.items():
            if (other := keys.setdefault(model.name, key)) != key:
                raise UsageError(f"models.{other} and models.{key} in {self.path} have the same name.")
        return tuple(found.values())

    def chosen_models(self) -> tuple[ModelSpec, ...]:
        """Return the models that are measured by default, in addition to the built-in ones."""
        tables = self.configuration.models.values()
        return tuple(model for model, table in zip(self.models(), tables, strict=True) if table.chosen)

    def readable(self, models: typing.Iterable[ModelSpec]) -> tuple[ModelSpec, ...]:
        """Return the models except those whose file in the configuration cannot be read."""
        broken = {str(file.path) for file in self._files.values() if file.fault}
        return tuple(model for model in models if model.file not in broken)

    def check_files(self, models: typing.Iterable[ModelSpec]) -> None:
        """Check that the files which the configuration gives for these models can be read.

        Raises:
            UsageError: A file cannot be read; the message names the key.
        """
        measured = {model.file for model in models}
        for name, file in self._files.items():
            if str(file.path) in measured and file.fault:
                raise UsageError(f"models.{name}.file in {self.path}: {file.fault}")

    def trusted_files(self) -> tuple[str, ...]:
        """Return the files that the configuration trusts; none unless `is_trusted_location`."""
        tables = self.configuration.models
        trusted = (file for name, file in self._files.items() if tables[name].trust and self.is_trusted_location)
        return tuple(str(file.path) for file in trusted)

    def candidates(self, texts: typing.Iterable[str], *, named_by_plan: bool = False) -> tuple[Candidate, ...]:
        """Return the candidates for texts, which can name models of the configuration.

        Args:
            texts: The texts that the user typed or a plan contains.
            named_by_plan: Whether a plan of this file, not the user, names the models.

        Raises:
            UsageError: See `resolve_model`.
        """
        known = known_models(self.models())
        found = resolve_models(texts, known, self.folder)
        if not named_by_plan or self.is_trusted_location:
            return found
        return tuple(
            self._mark_configuration_code(c) if c.python or (c.model.factory and c.model not in known) else c
            for c in found
        )

    def plan(self, name: str) -> PlanTable:
        """Return the plan with a name; files in it that exist in the folder of the configuration get its path.

        Raises:
            UsageError: There is no such plan.
        """
        plans = self.configuration.plans
        if name in plans:
            return self._resolve_paths(plans[name])
        if not plans:
            where = f"{self.path} has no plans" if self.path else f"there is no {FILE_NAME} here with plans"
            raise UsageError(f"There is no plan {name!r}: {where}.")
        near = closest_match(name, plans)
        known = f"did you mean {near}?" if near else f"there are {', '.join(plans)}."
        raise UsageError(f"There is no plan {name!r}; {known}")

    def dataset(self, text: str, target: str | None = None, task: Task | None = None) -> Dataset:
        """Return a dataset of the configuration; any other text is passed to `resolve_dataset`.

        Args:
            text: The name of a dataset, or a file.
            target: Target column; overrides that of the table.
            task: Task; overrides that of the table.

        Raises:
            UsageError: There is no such dataset, or its table is invalid.
        """
        table = self.configuration.datasets.get(text)
        if table is None:
            return resolve_dataset(text, target=target, task=task)
        where = f"datasets.{text}"
        made = {
            name: value
            for name in ("samples", "features", "classes", "sparse")
            if (value := getattr(table, name)) is not None
        }
        is_made = bool(made) or (table.task is not None and not table.file and not table.bundled)
        if [bool(table.file), bool(table.bundled), is_made].count(True) != 1:
            raise UsageError(f"{where} in {self.path} needs exactly one of file, bundled, or samples and features.")
        split = {name: value for name in ("test_fraction", "seed") if (value := getattr(table, name)) is not None}
        task = task or table.task
        if is_made:
            dataset = SyntheticDataset(**made, **split, task=task or "classification")
            return _made(dataset, f"{where} in {self.path}")
        wanted = target if target is not None else None if table.target is None else str(table.target)
        found = resolve_dataset(table.bundled or str(self._file(table.file)), target=wanted, task=task)
        if table.file and not isinstance(found, FileDataset):
            raise UsageError(f"{where}.file in {self.path} must be a file.")
        return msgspec.structs.replace(found, **split)

    def history_file(self, default: Path | None) -> Path | None:
        """Return the file of the history; None if no results are kept.

        Raises:
            UsageError: A configuration that was found in the working directory names a file outside its folder.
        """
        wanted = self.configuration.history
        if isinstance(wanted, bool):
            return default if wanted else None
        path = self._file(wanted)
        if not self.is_trusted_location and not path.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(
                f"history in {self.path} is outside of its folder; add --trust {self.path} if you trust that file."
            )
        return path

    def code(self) -> tuple[tuple[str, str], ...]:
        """Return the code that only this file names, as pairs of the model or plan and the call or file."""
        found = [
            (
                model.name,
                f"{f'{model.python} ' if model.python else ''}"
                + (f"{model.factory}({_arguments(model.parameters)})" if model.factory else model.file),
            )
            for model in self.models()
            if model.configuration_digest
        ]
        plans = ((name, text) for name, table in self.configuration.plans.items() for text in table.models)
        found += [(f"plan {name}", text) for name, text in plans if _names_code(text)]
        return tuple(found)

    def is_file(self, text: str) -> bool:
        """Return whether a path refers to this configuration file."""
        return self.path is not None and os.path.realpath(text) == os.path.realpath(self.path)

    def _mark_configuration_code(self, candidate: Candidate) -> Candidate:
        """Return a candidate marked as code that only this file names."""
        return msgspec.structs.replace(
            candidate, model=msgspec.structs.replace(candidate.model, configuration_digest=self.digest)
        )

    def _model(self, name: str, table: ModelTable) -> ModelSpec:
        if bool(table.path) == bool(table.file):
            raise UsageError(f"models.{name} in {self.path} needs either a path (package.module:name) or a file.")
        if table.file and table.parameters:
            raise UsageError(f"models.{name}.parameters in {self.path} needs a path; remove it for a file.")
        if table.colour and not _is_colour(table.colour):
            raise UsageError(f"models.{name}.colour in {self.path} must have the form #rrggbb, not {table.colour!r}.")
        for key, value in table.parameters.items():
            _check_parameter(value, f"models.{name}.parameters.{key} in {self.path}")
        file = self._files.get(name)
        described = "" if file is None or not file.format else describe_file(file.path, file.format)
        return ModelSpec(
            name=table.name or name,
            description=(file.fault if file else "") or table.description or described,
            colour=table.colour,
            factory=table.path,
            parameters=table.parameters,
            file=str(file.path) if file else "",
            file_format=file.format if file else "",
            task=table.task or "",
            python=self._interpreter(table.python) if table.python else "",
            configuration_digest="" if self.is_trusted_location or not self._runs_code(table, file) else self.digest,
            key=name,
        )

    @staticmethod
    def _runs_code(table: ModelTable, file: _ModelFile | None) -> bool:
        """Return whether a model table makes code run: by its interpreter or import path, or by trusting a file."""
        if table.python:
            return True
        if file is None:
            return runs_code(table.path, table.parameters)
        return table.trust and file.format in {*RUNS_CODE, "skops"}

    @cached_property
    def _files(self) -> dict[str, _ModelFile]:
        """The model files by the key of their table, each read once."""
        tables = self.configuration.models.items()
        return {name: _inspect(self._model_file(table.file)) for name, table in tables if table.file}

    def _resolve_paths(self, table: PlanTable) -> PlanTable:
        """Return a plan whose files are relative to the folder of the configuration."""
        dataset = table.dataset
        if dataset is not None and dataset not in self.configuration.datasets:
            dataset = self._resolve_path(dataset)
        baseline = None if table.baseline is None else self._resolve_path(table.baseline)
        models = tuple(map(self._resolve_path, table.models))
        return msgspec.structs.replace(table, models=models, dataset=dataset, baseline=baseline)

    def _resolve_path(self, text: str) -> str:
        """Return a file name and the interpreter in its settings, preceded by the folder; other text stays as it is."""
        name, bracket, settings = text.partition("[")
        path = Path(name.strip())
        here = self._file(name.strip())
        meant = (path.suffix or path.name != name.strip()) and os.path.isfile(here)  # noqa: PTH113 (Path.is_file may raise)
        settings = _PYTHON.sub(lambda found: found[1] + quote(self._interpreter(unquote(found[2]))), settings)
        return f"{here if meant else name}{bracket}{settings}"

    def _interpreter(self, text: str) -> str:
        """Return the path of an interpreter, preceded by the folder of this file; a command is returned unchanged."""
        here = self._file(text.strip())
        return str(here) if os.sep in text or os.path.lexists(here) else text

    def _model_file(self, text: str) -> Path:
        """Return the path of a model file, or of the file inside an MLflow folder; it may not exist."""
        try:
            return find_model_file(self._file(text))
        except UsageError:
            return self._file(text)

    def _file(self, text: str) -> Path:
        try:
            return self.folder / Path(text).expanduser()
        except RuntimeError:  # there is no such home folder; reading the file will report it
            return self.folder / text


def find_configuration(asked: str | None = None, trusted: typing.Iterable[str] = ()) -> LoadedConfiguration:
    """Read the configuration file: the requested one, or that of the working directory, or that of the user.

    Args:
        asked: The file of `--config`.
        trusted: Files that the user trusts, possibly including the one in the working directory.

    Raises:
        UsageError: The requested file does not exist, or the file is invalid.
    """
    if asked is not None:
        return load_configuration(Path(asked))
    here, own = Path(FILE_NAME), user_path()
    if os.path.isfile(here):  # noqa: PTH113 (Path.is_file raises for a folder without access)
        loaded = load_configuration(here)
        is_trusted_location = (
            (own is not None and os.path.realpath(".") == os.path.realpath(own.parent))
            or any(map(loaded.is_file, trusted))
            or EVERYTHING in recall().get(loaded.digest, ())
        )
        return msgspec.structs.replace(loaded, is_trusted_location=is_trusted_location)
    return load_configuration(own) if own and os.path.isfile(own) else LoadedConfiguration()  # noqa: PTH113 (as above)


def user_path() -> Path | None:
    """Return the path of the user's configuration file, which may not exist; None if there is no home folder."""
    from platformdirs import user_config_path  # deferred: only this function needs it

    try:
        return Path(user_config_path("latency-tui", appauthor=False)) / FILE_NAME
    except RuntimeError:
        return None


def load_configuration(path: Path) -> LoadedConfiguration:
    """Read a configuration file.

    Raises:
        UsageError: The file cannot be read, is not TOML or contains an invalid entry; the message names the key.
    """
    import hashlib  # deferred: most users have no configuration file

    content = read_whole(path, MAX_BYTES, wanted="configuration")
    return LoadedConfiguration(
        configuration=read_tables(content, path), path=path, digest=hashlib.sha256(content).hexdigest()
    )


def _made(dataset: SyntheticDataset, where: str) -> SyntheticDataset:
    """Check a synthetic dataset and return it.

    Raises:
        UsageError: It cannot be generated; the message names the table.
    """
    try:
        dataset.check()
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return dataset


def _arguments(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def _check_parameter(value: Any, where: str) -> None:
    """Check that a parameter, including nested lists and tables, can be sent to the engine unchanged."""
    if isinstance(value, list | dict):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            _check_parameter(inner, f"{where}, {key}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{where} must be a finite number.")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise UsageError(f"{where} must be a whole number of at most 64 bits.")
    elif not isinstance(value, str | int | float):
        raise UsageError(f"{where} must be text, a number, true or false, a list or a table, not a date or a time.")


def _inspect(path: Path) -> _ModelFile:
    try:
        return _ModelFile(path, format=kind_of(path))
    except UsageError as error:
        return _ModelFile(path, fault=str(error))


def _is_colour(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in text[1:])


def _names_code(text: str) -> bool:
    """Return whether a model of a plan is an import path, or runs under an interpreter that the plan names."""
    name, _, settings = text.partition("[")
    return bool(_PYTHON.search(settings)) or (":" in name and not looks_like_file(name))


def runs_code(factory: str, parameters: Collection[str]) -> bool:
    """Return whether constructing the object of an import path may run arbitrary code.

    scikit-learn estimators are safe, except with the parameter `memory`, which can be a folder of pickles.

    Args:
        factory: The import path.
        parameters: Names of the parameters and settings that are passed.
    """
    known = _ESTIMATOR.fullmatch(factory) or factory in {model.factory for model in MORE_MODELS}
    return not known or "memory" in parameters
