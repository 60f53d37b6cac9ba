"""The schema of the configuration file: its tables, their validation with errors that name the key, and JSON schema."""

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
from latency_tui.plan.load import WorkerKind
from latency_tui.plan.plan import Method
from latency_tui.plan.suggest import closest_match

MAX_BYTES = 1 << 20
_MAX_PARTS = 64
"""Maximum parts of a dotted key; the time to parse a key grows quadratically, and the deepest valid key has four."""
_STRINGS = re.compile(rb'"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?')  # also unterminated strings, for linear time
_DEEP_KEY = re.compile(rb"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){%d}" % _MAX_PARTS)


class ModelTable(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the user.

    Attributes:
        name: The displayed name; defaults to the name of the table.
        description: A description in one line.
        colour: The colour as `#rrggbb`.
        path: `package.module:name` of a class, a factory, a model or a function of an array.
        file: A model file, instead of a path.
        parameters: Keyword arguments of the class or factory.
        python: Interpreter or virtual environment under which it runs; empty for that of latency-tui.
        trust: Whether the file may run its author's code.
        task: Classification or regression.
        chosen: Whether the model is measured by default.
    """

    name: str = ""
    description: str = ""
    colour: str = ""
    path: str = ""
    file: str = ""
    parameters: dict[str, Any] = {}
    python: str = ""
    trust: bool = False
    task: Task | None = None
    chosen: bool = True


class DatasetTable(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset: a file, a dataset that is bundled with scikit-learn, or a synthetic one.

    Attributes:
        file: A CSV, Parquet, Feather, NPZ, NPY or JSON lines file.
        target: Target column of the file.
        bundled: Name of a dataset that is bundled with scikit-learn.
        samples: Rows of the synthetic dataset.
        features: Columns of the synthetic dataset.
        classes: Classes of the synthetic dataset.
        sparse: Whether the synthetic dataset is a sparse matrix.
        task: Classification or regression.
        test_fraction: Fraction of rows in the test set.
        seed: Seed of the synthetic data and of the train/test split.
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
    """A named plan for `latency-tui run NAME`; keys that are omitted have the defaults of the command line.

    Attributes:
        models: Names, files or import paths, with optional settings in brackets.
        dataset: Name of a dataset of this file or a bundled one, or a data file.
        runtimes: Runtimes of each model: `sklearn`, `onnx`.
        runs: Calls per model.
        seconds: Measuring time per model in seconds, instead of runs.
        until_known: Whether to measure until each model is shown to differ from the baseline or to match it.
        max_seconds: Time limit per launch in seconds for `until_known`.
        batch_size: Rows per call.
        mix: Several batch sizes with their shares, such as `0.8:1,0.2:64`, or a file of batch sizes.
        method: The method to call.
        baseline: The model that the others are compared with.
        launches: Number of launches.
        seed: Seed of the order of blocks and rows.
        cpu: Cores to pin the models to, as on the command line.
        threads: Number of BLAS and OpenMP threads.
        call_timeout: Seconds after which a call counts as hung.
        training_timeout: Time limit in seconds for training one model.
        control: Whether to add a hidden copy of the first model.
        equivalence: Ratios this close to 1 count as equal.
        cold_start: Whether to measure start-up and memory too.
        steps: Whether to time the steps of each model too.
        metric: Metric of the score, named as in scikit-learn; defaults to `accuracy` or `r2`.
        limits: Conditions that must hold, such as `p99 < 5ms`.
        rate: Request rates per second to measure under load, such as `200` or `"50,100,200"`.
        find_rate: Whether to search the highest request rate at which the limits hold.
        scenario: `offline` to measure the throughput at the best batch size; `server` with a rate.
        workers: Workers per model under load.
        worker_kind: Whether workers are processes, or threads of one process.
        arrivals: `poisson`, `constant`, or a file of recorded gaps in seconds.
        duration: Seconds of load per model and rate.
        sweeps: Settings with the values that each model is measured with, such as `batch=1,2,4..256`.
    """

    models: tuple[str, ...] = ()
    dataset: str | None = None
    runtimes: tuple[str, ...] = ()
    runs: int | None = None
    seconds: float | None = None
    until_known: bool | None = None
    max_seconds: float | None = None
    batch_size: int | None = None
    mix: str | None = None
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
    steps: bool | None = None
    metric: str | None = None
    limits: tuple[str, ...] = ()
    rate: str | float | None = None
    find_rate: bool | None = None
    scenario: str | None = None
    workers: int | None = None
    worker_kind: WorkerKind | None = None
    arrivals: str | None = None
    duration: float | None = None
    sweeps: tuple[str, ...] = ()


class AgainstTable(msgspec.Struct, frozen=True, kw_only=True):
    """How `--against` builds the environment of another revision.

    Attributes:
        command: The shell command that installs the project there; empty for `pip install .`.
    """

    command: str = ""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the configuration file.

    Attributes:
        models: Models by name.
        datasets: Datasets by name.
        plans: Plans by name.
        keys: Key bindings by action, such as `profile = "p"`; several keys are separated by commas.
        theme: Theme of the app.
        against: How the environment of another revision is built.
        history: Whether results are kept in the history, or the file of the history.
    """

    models: dict[str, ModelTable] = {}
    datasets: dict[str, DatasetTable] = {}
    plans: dict[str, PlanTable] = {}
    keys: dict[str, str] = {}
    theme: str = ""
    against: AgainstTable = AgainstTable()
    history: bool | str = True


def read_tables(content: bytes, path: Path) -> Configuration:
    """Parse and validate a configuration file.

    Args:
        content: The content of the file.
        path: The file, for error messages.

    Raises:
        UsageError: The content is not TOML, or an entry is invalid; the message names the key.
    """
    import tomllib  # deferred: most users have no configuration file

    if _DEEP_KEY.search(_STRINGS.sub(b"_", content)):
        raise UsageError(f"{path} has a key of more than {_MAX_PARTS} parts.")
    try:
        raw = tomllib.loads(content.decode())
        _check_keys(raw, Configuration, "", path)
        return _convert(raw, path)
    except ValueError as error:  # also raised for bytes that are not UTF-8 and for numbers with too many digits
        raise UsageError(f"{path} is not TOML: {error}.") from error
    except RecursionError:
        raise UsageError(f"{path} is not a configuration: its lists or tables are nested too deeply.") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, for validation and completion in an editor."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_strict(msgspec.json.schema(Configuration))}


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema that forbids unknown keys."""
    for definition in schema.get("$defs", {}).values():
        if definition.get("type") == "object" and "properties" in definition:
            definition["additionalProperties"] = False
    return schema


def _check_keys(value: Any, kind: Any, where: str, path: Path) -> None:
    """Check that all keys are known, at every level.

    Raises:
        UsageError: A key is unknown; the message suggests a correction.
    """
    if not isinstance(value, dict):
        return
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = _hints(kind)
        for key, inner in value.items():
            place = f"{where}.{key}" if where else key
            if key not in fields:
                near = closest_match(key, fields)
                hint = f"did you mean {near}?" if near else f"known are {', '.join(fields)}."
                raise UsageError(f"{place} in {path} is not known; {hint}")
            _check_keys(inner, fields[key], place, path)
    elif typing.get_origin(kind) is dict:
        for key, inner in value.items():
            _check_keys(inner, typing.get_args(kind)[1], f"{where}.{key}", path)


def _convert(raw: dict[str, Any], path: Path) -> Configuration:
    """Convert the tables to structs one entry at a time, so that an error can name the key."""
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
        raise UsageError(f"{where} in {path} must be {_describe_type(kind)}, not {_format_value(value)}.") from None


_hints = functools.cache(typing.get_type_hints)

_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Any: "any value",
}


def _describe_type(kind: Any) -> str:
    """Return the description of a type in the terms of TOML."""
    if kind in _WORDS:
        return _WORDS[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " or ".join(arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_describe_type(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"a list of {_describe_type(arguments[0])}"
    return "a table"


def _format_value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
