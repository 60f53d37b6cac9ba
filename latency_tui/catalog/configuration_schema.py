"""What may stand in the configuration file: its tables, read with errors that name the key, and their JSON schema."""

from __future__ import annotations

import functools
import re
import types
import typing
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.datasets import Task
from latency_tui.plan.plan import Method
from latency_tui.plan.suggest import nearest

MOST_BYTES = 1 << 20
_MOST_PARTS = 64
"""Parts of a dotted key: the time to read one grows with their square, and the deepest known has four."""
_STRINGS = re.compile(rb'"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?')  # closed or not, so that each byte is read once
_DEEP_KEY = re.compile(rb"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){%d}" % _MOST_PARTS)


class ModelTable(msgspec.Struct, frozen=True, kw_only=True):
    """A model of your own.

    Attributes:
        name: The name shown; the table's name where it is left out.
        description: One line on what it is.
        colour: `#rrggbb`.
        path: `package.module:name` of a class, a factory, a model or a function of an array.
        file: A model file, instead of a path.
        parameters: What the class or factory is called with.
        trust: Whether the file may run its author's code.
        task: What it predicts.
        chosen: Whether it is measured where no model is named.
    """

    name: str = ""
    description: str = ""
    colour: str = ""
    path: str = ""
    file: str = ""
    parameters: dict[str, Any] = {}
    trust: bool = False
    task: Task | None = None
    chosen: bool = True


class DatasetTable(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset: a file, one of scikit-learn's, or one that is made.

    Attributes:
        file: CSV, Parquet, Feather, NPZ, NPY or JSON lines.
        target: Column of the file that is to be predicted.
        bundled: Name of a set that comes with scikit-learn.
        samples: Rows of one that is made.
        features: Its columns.
        classes: Its classes.
        sparse: Whether it is a sparse matrix.
        task: What is to be predicted: classification or regression.
        test_fraction: Share of rows held out.
        seed: Of the numbers and of the split.
    """

    file: str = ""
    target: str | int | None = None
    bundled: str = ""
    samples: int | None = None
    features: int | None = None
    classes: int | None = None
    sparse: bool | None = None
    task: Task | None = None
    test_fraction: float | None = None
    seed: int | None = None


class PlanTable(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with a name, for `latency-tui run NAME`; what is left out is as if it were not typed.

    Attributes:
        models: Names, files or import paths, with settings in brackets or without.
        dataset: Name of a dataset of this file or of a bundled one, or a data file.
        runtimes: What runs each model: `sklearn`, `onnx`.
        runs: Calls a model.
        seconds: Measuring time a model, instead of runs.
        until_known: Whether to measure until each is told from the baseline or known to be the same.
        max_seconds: When that gives up.
        batch_size: Rows a call.
        method: What is called.
        baseline: The model that others are compared with.
        launches: Fresh engines to measure in.
        seed: Of the order of turns and rows.
        cpu: Cores to pin to, as on the command line.
        threads: Of BLAS and OpenMP.
        call_timeout: Seconds after which a call counts as hung.
        training_timeout: Seconds that training one model may take.
        control: Whether a hidden copy of the first model is taken along.
        equivalence: Half-width of what counts as the same.
        cold_start: Whether start-up and memory are measured too.
        limits: Conditions that must hold, such as `p99 < 5ms`.
    """

    models: tuple[str, ...] = ()
    dataset: str | None = None
    runtimes: tuple[str, ...] = ()
    runs: int | None = None
    seconds: float | None = None
    until_known: bool | None = None
    max_seconds: float | None = None
    batch_size: int | None = None
    method: Method | None = None
    baseline: str | None = None
    launches: int | None = None
    seed: int | None = None
    cpu: str | int | None = None
    threads: int | None = None
    call_timeout: float | None = None
    training_timeout: float | None = None
    control: bool | None = None
    equivalence: float | None = None
    cold_start: bool | None = None
    limits: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """All that the file may hold.

    Attributes:
        models: By name.
        datasets: By name.
        plans: By name.
        keys: Keys of the screen's actions: `profile = "p"`, several parted by commas.
        theme: Of the screen.
    """

    models: dict[str, ModelTable] = {}
    datasets: dict[str, DatasetTable] = {}
    plans: dict[str, PlanTable] = {}
    keys: dict[str, str] = {}
    theme: str = ""


def read_tables(content: bytes, path: Path) -> Configuration:
    """Return what a configuration file holds.

    Args:
        content: Its bytes.
        path: The file, for the errors.

    Raises:
        UsageError: It is not TOML, or holds what does not belong there; the sentence names where.
    """
    import tomllib  # deferred: most have no such file

    if _DEEP_KEY.search(_STRINGS.sub(b"_", content)):
        raise UsageError(f"{path} has a key of more than {_MOST_PARTS} parts.")
    try:
        raw = tomllib.loads(content.decode())
        _check_keys(raw, Configuration, "", path)
        return _convert(raw, path)
    except ValueError as error:  # also bytes that are not UTF-8, and a number of more digits than Python reads
        raise UsageError(f"{path} is not TOML: {error}.") from error
    except RecursionError:
        raise UsageError(f"{path} is not a configuration: its lists or tables are nested too deeply.") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, for an editor to check and complete it by."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_strict(msgspec.json.schema(Configuration))}


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse unknown keys in the schema too."""
    for definition in schema.get("$defs", {}).values():
        if definition.get("type") == "object" and "properties" in definition:
            definition["additionalProperties"] = False
    return schema


def _check_keys(value: Any, kind: Any, where: str, path: Path) -> None:
    """Refuse the first key that is not known, wherever it stands."""
    if not isinstance(value, dict):
        return
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = _hints(kind)
        for key, inner in value.items():
            place = f"{where}.{key}" if where else key
            if key not in fields:
                near = nearest(key, fields)
                hint = f"did you mean {near}?" if near else f"known are {', '.join(fields)}."
                raise UsageError(f"{place} in {path} is not known; {hint}")
            _check_keys(inner, fields[key], place, path)
    elif typing.get_origin(kind) is dict:
        for key, inner in value.items():
            _check_keys(inner, typing.get_args(kind)[1], f"{where}.{key}", path)


def _convert(raw: dict[str, Any], path: Path) -> Configuration:
    """Return the tables as values, one at a time, so that an error can name where it stands."""
    hints, found = _hints(Configuration), dict[str, Any]()
    for key, value in raw.items():
        kind = hints[key]
        if typing.get_origin(kind) is dict and isinstance(value, dict):
            inner = typing.get_args(kind)[1]
            found[key] = {name: _entry(entry, inner, f"{key}.{name}", path) for name, entry in value.items()}
        else:
            found[key] = _entry(value, kind, key, path)
    return Configuration(**found)


def _entry(value: Any, kind: Any, where: str, path: Path) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        hints = _hints(kind)
        return kind(**{key: _entry(inner, hints[key], f"{where}.{key}", path) for key, inner in value.items()})
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise UsageError(f"{where} in {path} must be a whole number of at most 64 bits.")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise UsageError(f"{where} in {path} must be {_in_words(kind)}, not {_written(value)}.") from None


_hints = functools.cache(typing.get_type_hints)

_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Any: "any value",
}


def _in_words(kind: Any) -> str:
    """Return what a type is, as someone who writes TOML would say it."""
    if kind in _WORDS:
        return _WORDS[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " or ".join(arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_in_words(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"a list of {_in_words(arguments[0])}"
    return "a table"


def _written(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
