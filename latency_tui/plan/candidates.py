"""What can be measured: a model's description, and a candidate, which is a model with settings."""

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
    format_settings,
    parse,
    validate,
)

NATIVE = "sklearn"


def slugify(name: str) -> str:
    """Return a name as it is typed on a command line: `Random Forest` becomes `random-forest`.

    Letters, their marks and digits of every script are kept, so that names in each stay apart.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = (letter if letter == "." or unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    return "-".join("".join(kept).split()) or "model"


def slug_of(text: str) -> str:
    """Return a candidate as it is typed, `random-forest[n_jobs=1]`, from its name or slug, settings included.

    Raises:
        UsageError: The brackets or what stands in them make no sense.
    """
    name, settings = parse(text)
    return slugify(name) + (f"[{format_settings(settings)}]" if settings else "")


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to get a model: its name, how it looks, and a factory or a file.

    A model that comes fitted is not fitted again; one that does not is fitted on the dataset's training rows.

    Attributes:
        name: The name shown everywhere.
        description: One line on what the model is.
        colour: `#rrggbb`, the model's one colour on every screen; empty for one chosen from the palette.
        factory: `package.module:name`: a class or function that makes the model when it is called with `parameters`,
            the model itself, or a plain function of an array.
        parameters: Keyword arguments of the factory.
        file: Path of a file that holds the model; instead of a factory.
        handed_over: Whether the file is a pickle that the process which starts the engine has just written itself.
        group: Heading that it stands under in a list of models.
        task: What it predicts, `classification` or `regression`; empty where that is not known.
        found_in: SHA-256 of the configuration file whose word it is that this runs its author's code, if that file was
            found in the working directory; empty if the user named the model or vouches for the file.
        key: Name of its table in the configuration file, by which it can be named too; empty if it is not from there.
    """

    name: str
    description: str = ""
    colour: str = ""
    factory: str = ""
    parameters: dict[str, Any] = {}  # Any: whatever the factory takes
    file: str = ""
    handed_over: bool = False
    group: str = ""
    task: Task | Literal[""] = ""
    found_in: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("A model needs a name.")
        if bool(self.factory) == bool(self.file):
            raise UsageError(f"The model {self.name!r} needs either a factory or a file.")


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What gets compared: a model with settings.

    Attributes:
        model: The model.
        settings: Settings that change the answer, such as `{"n_jobs": 1}`; empty for the model as it is.
        number: Which of several it is whose names are typed alike, from 1; see `number_apart`.
    """

    model: ModelSpec
    settings: dict[str, Setting] = {}
    number: int = 1

    @property
    def name(self) -> str:
        """The name shown: the model's, with its settings in brackets."""
        if not self.settings:
            return self.model.name
        return f"{self.model.name} [{format_settings(self.settings)}]"

    @property
    def slug(self) -> str:
        """The name as typed, unique within a plan."""
        settings = f"[{format_settings(self.settings)}]" if self.settings else ""
        number = f"-{self.number}" if self.number > 1 else ""
        return f"{slugify(self.model.name)}{number}{settings}"

    def is_same(self, other: Candidate) -> bool:
        """Return whether it is the same model with the same settings, in whichever order these were typed.

        Their types count: scikit-learn takes `max_features=1` for a number and `1.0` for a share.
        """
        mine, theirs = ({key: (type(v), v) for key, v in one.settings.items()} for one in (self, other))
        return self.model == other.model and mine == theirs

    def __post_init__(self) -> None:
        for key, setting in self.settings.items():
            validate(key, setting)

    @property
    def parameters(self) -> dict[str, Setting]:
        """The settings that are parameters of the model itself, such as `n_jobs`."""
        return {key: value for key, value in self.settings.items() if key not in {*ENGINE_SETTINGS, *OTHER_SETTINGS}}

    @property
    def runtime(self) -> str:
        """What runs the model: `sklearn` for its own library, whichever that is."""
        return str(self.settings.get("runtime", NATIVE))

    @property
    def cores_wanted(self) -> int:
        """How many cores it can use at once by its settings; 0 for as many as there are."""
        jobs, threads = self.settings.get("n_jobs", 1), self.settings.get("threads", 1)
        if isinstance(jobs, int) and jobs < 0:
            return 0
        return max(int(value) for value in (jobs, threads) if isinstance(value, int))


def number_apart(candidates: Iterable[Candidate], taken: Iterable[Candidate] = ()) -> tuple[Candidate, ...]:
    """Return candidates with slugs of their own: names that are typed alike (`x+`, `x-`; `Model A`, `model-a`) differ.

    The first keeps its slug and the others get a number, `model-a-2`, that no other name has.

    Args:
        candidates: Those whose names must differ.
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
