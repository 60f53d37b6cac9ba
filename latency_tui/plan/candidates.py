"""Descriptions of models, and candidates: models with settings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.datasets import Task
from latency_tui.plan.settings import (
    ENGINE_SETTINGS,
    OTHER_SETTINGS,
    Setting,
    environment_folder,
    format_settings,
    parse,
    validate,
)

NATIVE = "sklearn"

ModelFormat = Literal["skops", "onnx", "pickle", "xgboost", "lightgbm", "catboost", "torchscript", "torch-export"]


def slugify(name: str) -> str:
    """Return a name as it is typed on the command line: `Random Forest` becomes `random-forest`.

    Letters, combining marks and digits of every script are kept, so that names in any script stay distinct.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = (letter if letter == "." or unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    return "-".join("".join(kept).split()) or "model"


def slug_of(text: str) -> str:
    """Return the slug of a candidate, such as `random-forest[n_jobs=1]`, from its name or slug with settings.

    Raises:
        UsageError: The brackets or the settings in them are invalid.
    """
    name, settings = parse(text)
    return slugify(name) + (f"[{format_settings(settings)}]" if settings else "")


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Describes a model: its name, its appearance, and a factory or a file.

    A fitted model is used as it is; an unfitted one is fitted on the training rows of the dataset.

    Attributes:
        name: Display name.
        description: One line on what the model is.
        colour: `#rrggbb`, the colour of the model on every screen; empty to choose one from the palette.
        factory: `package.module:name`: a class or function that returns the model when called with `parameters`, the
            model itself, or a function of an array.
        parameters: Keyword arguments of the factory.
        file: Path of the model file; an alternative to `factory`.
        file_format: Format of its content; empty if there is no file, or if it cannot be read.
        file_digest: SHA-256 of its content; empty if the trust in the file does not depend on it.
        is_temporary_pickle: Whether the file is a pickle that this program has just written for the engine.
        group: Heading in a list of models.
        task: `classification` or `regression`; empty if it is unknown.
        configuration_digest: SHA-256 of the configuration file that makes this model run its author's code, if that
            file was found in the working directory; empty if the user named the model or trusts the file.
        python: The interpreter of its processes that its table in the configuration names, as in the setting `python`.
        key: Name of its table in the configuration file, by which it can also be named; empty if it has none.
    """

    name: str
    description: str = ""
    colour: str = ""
    factory: str = ""
    parameters: dict[str, Any] = {}  # Any: the types that the factory accepts
    file: str = ""
    file_format: ModelFormat | Literal[""] = ""
    file_digest: str = ""
    is_temporary_pickle: bool = False
    group: str = ""
    task: Task | Literal[""] = ""
    configuration_digest: str = ""
    python: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("A model needs a name.")
        if bool(self.factory) == bool(self.file):
            raise UsageError(f"The model {self.name!r} needs either a factory or a file.")


class Revision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A revision of the user's repository, with a separate tree and virtual environment.

    Attributes:
        name: The revision as the user typed it, such as `main`.
        commit: Hash of its commit.
        python: Interpreter of its environment, an absolute path.
        folder: The folder in its tree that corresponds to the working directory.
        modules: Further folders in its tree in which modules are searched.
        python_path: The variable `PYTHONPATH` of its processes, with folders in its tree.
    """

    name: str
    commit: str
    python: str
    folder: str
    modules: tuple[str, ...] = ()
    python_path: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model with settings: what is compared.

    Attributes:
        model: The model.
        settings: Settings such as `{"n_jobs": 1}`; empty for the model as it is.
        number: Distinguishes candidates whose slugs would be equal, from 1; see `make_slugs_unique`.
        revision: The revision that it is taken from; None for the working tree.
    """

    model: ModelSpec
    settings: dict[str, Setting] = {}
    number: int = 1
    revision: Revision | None = None

    @property
    def name(self) -> str:
        """Display name: that of the model, with the revision in parentheses and settings in brackets."""
        name = self._base_name
        return f"{name} [{format_settings(self.settings)}]" if self.settings else name

    @property
    def _base_name(self) -> str:
        return f"{self.model.name} ({self.revision.name})" if self.revision else self.model.name

    @property
    def slug(self) -> str:
        """The name as typed on the command line, unique within a plan."""
        settings = f"[{format_settings(self.settings)}]" if self.settings else ""
        number = f"-{self.number}" if self.number > 1 else ""
        return f"{slugify(self._base_name)}{number}{settings}"

    @property
    def python(self) -> str:
        """The interpreter of its processes, as typed; empty for the interpreter of the engine."""
        return (
            str(self.settings.get("python", "")) or self.model.python or (self.revision.python if self.revision else "")
        )

    @property
    def environment(self) -> str:
        """Name of the environment of its processes; empty for that of the engine."""
        if self.revision and not self.model.python and "python" not in self.settings:
            return f"revision {self.revision.name}"
        return environment_folder(self.python)

    def is_identical(self, other: Candidate) -> bool:
        """Return whether it is the same model with the same settings, in any order.

        Types matter: scikit-learn interprets `max_features=1` as a number and `1.0` as a share.
        """
        mine, theirs = ({key: (type(v), v) for key, v in one.settings.items()} for one in (self, other))
        return self.model == other.model and self.revision == other.revision and mine == theirs

    def is_same_in_other_environment(self, other: Candidate) -> bool:
        """Return whether it is the same model with the same settings in any environment, or at any revision."""
        plain = [
            msgspec.structs.replace(
                one,
                model=msgspec.structs.replace(one.model, file="any", file_digest="", configuration_digest="", python="")
                if one.model.file
                else msgspec.structs.replace(one.model, python=""),
                settings={key: value for key, value in one.settings.items() if key != "python"},
                revision=None,
            )
            for one in (self, other)
        ]
        same_file = self.model.file == other.model.file or self.revision != other.revision
        return same_file and plain[0].is_identical(plain[1])

    def __post_init__(self) -> None:
        for key, setting in self.settings.items():
            validate(key, setting)

    @property
    def parameters(self) -> dict[str, Setting]:
        """The settings that are parameters of the model, such as `n_jobs`."""
        return {key: value for key, value in self.settings.items() if key not in {*ENGINE_SETTINGS, *OTHER_SETTINGS}}

    @property
    def runtime(self) -> str:
        """The runtime of the model; `sklearn` stands for the model's own library, whichever it is."""
        return str(self.settings.get("runtime", NATIVE))

    @property
    def cores_wanted(self) -> int:
        """Number of cores that its settings allow it to use at once; 0 for all cores."""
        jobs, threads = self.settings.get("n_jobs", 1), self.settings.get("threads", 1)
        if isinstance(jobs, int) and jobs < 0:
            return 0
        return max(int(value) for value in (jobs, threads) if isinstance(value, int))


def make_slugs_unique(candidates: Iterable[Candidate], taken: Iterable[Candidate] = ()) -> tuple[Candidate, ...]:
    """Return candidates with distinct slugs, even if names such as `x+` and `x-` have the same slug.

    The first keeps its slug, and the others get a number, such as `model-a-2`, that is not yet in use.

    Args:
        candidates: Candidates whose slugs must differ.
        taken: Candidates whose slugs stay as they are.
    """
    candidates = tuple(candidates)
    used = {candidate.slug for candidate in taken}
    reserved = {candidate.slug for candidate in candidates if candidate.number == 1}
    found: list[Candidate] = []
    for candidate in candidates:
        while candidate.slug in used or (candidate.number > 1 and candidate.slug in reserved):
            candidate = msgspec.structs.replace(candidate, number=candidate.number + 1)
        used.add(candidate.slug)
        found.append(candidate)
    return tuple(found)
