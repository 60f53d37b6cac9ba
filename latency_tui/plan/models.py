"""What can be measured: a model's description, and a candidate, which is a model with settings."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import msgspec

from latency_tui.errors import UsageError

Setting = bool | int | float | str


def slugify(name: str) -> str:
    """Return a name as it is typed on a command line: `Random Forest` becomes `random-forest`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.\[\]=,]+", "-", plain).strip("-") or "model"


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How to get a model: its name, how it looks, and a factory or a file.

    Attributes:
        name: The name shown everywhere.
        description: One line on what the model is.
        colour: `#rrggbb`, the model's one colour on every screen; empty for one chosen from the palette.
        factory: `package.module:name`, called with `parameters`, gives an estimator that is then fitted.
        parameters: Keyword arguments of the factory.
        file: Path of a file that holds a fitted model; instead of a factory.
    """

    name: str
    description: str = ""
    colour: str = ""
    factory: str = ""
    parameters: dict[str, Any] = {}  # Any: whatever the factory takes
    file: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("A model needs a name.")
        if bool(self.factory) == bool(self.file):
            raise UsageError(f"The model {self.name!r} needs either a factory or a file.")


class Candidate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What gets compared: a model with settings.

    Attributes:
        model: The model.
        settings: Levers that change the answer, such as `{"n_jobs": 1}`; empty for the model as it is.
    """

    model: ModelSpec
    settings: dict[str, Setting] = {}

    @property
    def name(self) -> str:
        """The name shown: the model's, with its settings in brackets."""
        if not self.settings:
            return self.model.name
        levers = ",".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.model.name} [{levers}]"

    @property
    def slug(self) -> str:
        """The name as typed, unique within a plan."""
        return slugify(self.name).replace("-[", "[")
