"""Settings of a candidate, which change how fast the same model runs; written `name[setting=value,...]`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from latency_tui.errors import UsageError

Setting = bool | int | float | str

ENGINE_SETTINGS: dict[str, tuple[str, ...]] = {
    "assume_finite": ("true", "false"),
    "skip_parameter_validation": ("true", "false"),
    "dtype": ("float32", "float64"),
    "order": ("C", "F"),
    "input": ("array", "dataframe", "texts", "records"),
}
"""Settings with a fixed set of values: two of scikit-learn's configuration, and three for the input of a call.

In addition, `threads` is the number of BLAS and OpenMP threads, `runtime` is what runs the model (`onnx`), `batch` is
the number of rows per call, `features` is the number of columns of a synthetic dataset, and any other name is a
parameter of the model, such as `n_jobs`.
"""

WORKLOAD_SETTINGS = {"batch": 1_000_000, "features": 1_000_000}
"""Settings that replace a part of the workload for one candidate, with their largest values: rows per call, and columns
of a synthetic dataset.
"""

OTHER_SETTINGS = ("threads", "runtime", "key", "python", "slowdown", *WORKLOAD_SETTINGS)
"""Settings with any value: number of threads, runtime, the key of a model in a file with several, interpreter, the
share by which each call is deliberately slowed down, and those of the workload.
"""

MAX_SLOWDOWN = 100
"""Largest slowdown: a call takes 101 times as long."""

SKLEARN_SETTINGS = ("assume_finite", "skip_parameter_validation")
"""Settings of scikit-learn that apply to a whole process."""

NATIVE_ONLY = (*SKLEARN_SETTINGS, "n_jobs")
"""Settings that a converted model does not support."""

INPUT_SETTINGS = ("dtype", "input")
"""Settings that override the type of input that the model prefers."""

_IN_ENVIRONMENT = re.compile(r"^(?P<folder>.+)/bin/python3?$")
_SYSTEM_FOLDERS = ("/usr", "/usr/local", "/opt", "/opt/local", "/opt/homebrew")
_CANDIDATE = re.compile(r"^(?P<name>[^\[\]]+?)\s*(?:\[(?P<settings>.*)\])?$", re.DOTALL)
_QUOTED = r'"(?P<double>(?:[^"]|"")*)"|\'(?P<single>(?:[^\']|\'\')*)\''
_SETTING = re.compile(
    rf"\s*(?P<key>[^=,\[\]]*?)\s*=\s*(?P<value>{_QUOTED}|(?P<plain>(?:[^,\[\]\"'][^,\[\]]*?)?))\s*(?:,|$)"
)
_QUOTED_VALUE = re.compile(_QUOTED)
_PLAIN = re.compile(r"[^,\[\]\"'\s](?:[^,\[\]]*[^,\[\]\s])?")
"""A text that needs no quotes as the value of a setting."""
_NOTHING = re.compile(r"\s*,|\s+$")


def parse(text: str) -> tuple[str, dict[str, Setting]]:
    """Split `random-forest[n_jobs=1,dtype=float32]` into the name of the model and its settings.

    Raises:
        UsageError: Brackets do not match, a setting has no value or two values, or a value is invalid.
    """
    match = _CANDIDATE.match(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a model, nor a model with settings such as random-forest[n_jobs=1].")
    settings = list(_parse_settings(match["settings"] or "", text))
    keys = [key for key, _ in settings]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise UsageError(f"{twice} is set twice in {text.strip()!r}.")
    return match["name"], dict(settings)


def _parse_settings(text: str, candidate: str) -> Iterator[tuple[str, Setting]]:
    """Yield the settings in brackets; a value in quotes is a text, in which a doubled quote stands for one."""
    place = 0
    while place < len(text):
        if empty := _NOTHING.match(text, place):
            place = empty.end()
            continue
        match = _SETTING.match(text, place)
        if match is None and re.search(r"[\[\]]", text[place:]):
            raise UsageError(
                f"{candidate!r} is not a model, nor a model with settings such as random-forest[n_jobs=1]; put a value "
                "with commas or brackets in quotes."
            )
        if match is None or not match["key"].isidentifier() or match["plain"] == "":
            raise UsageError(f"A setting is written name=value, not {text[place:].partition(',')[0].strip()!r}.")
        key, plain, value = match["key"], match["plain"], unquote(match["value"])
        setting = value if plain is None or key == "python" else parse_value(value)  # such as python=3
        validate(key, setting)
        yield key, setting
        place = match.end()


def validate(key: str, setting: Setting) -> None:
    """Check the value of a setting.

    Raises:
        UsageError: The value is invalid.
    """
    if isinstance(setting, float) and not math.isfinite(setting):
        raise UsageError(f"{key} must be a finite number, not {_written(setting)}.")
    choices = ENGINE_SETTINGS.get(key)
    if choices and _written(setting) not in choices:
        raise UsageError(f"{key} must be {' or '.join(choices)}, not {_written(setting)}.")
    if key == "python" and not isinstance(setting, str):
        raise UsageError(f"python must be the path of an interpreter, not {_written(setting)}.")
    if key == "slowdown" and (isinstance(setting, bool | str) or not 0 <= setting <= MAX_SLOWDOWN):
        raise UsageError(f"slowdown must be a number from 0 to {MAX_SLOWDOWN:,}, not {_written(setting)}.")
    most = {"threads": 4096, **WORKLOAD_SETTINGS}.get(key)
    if most and not (isinstance(setting, int) and not isinstance(setting, bool) and 1 <= setting <= most):
        raise UsageError(f"{key} must be a whole number from 1 to {most:,}, not {_written(setting)}.")


def format_settings(settings: dict[str, Setting]) -> str:
    """Return settings as they are typed, without brackets; an interpreter is shown as its virtual environment."""
    return ",".join(
        f"{key}={quote(environment_folder(str(value))) if key == 'python' else _quoted(value)}"
        for key, value in settings.items()
    )


def _quoted(value: Setting) -> str:
    """Return a value as it is typed, in quotes if it would be another value without them."""
    written = _written(value)
    if not isinstance(value, str):
        return written
    return quote(written) if parse_value(written) == value else f'"{written}"'


def quote(text: str) -> str:
    """Return a text as the value of a setting, in quotes if it has commas, brackets or quotes."""
    doubled = text.replace('"', '""')
    return text if _PLAIN.fullmatch(text) else f'"{doubled}"'


def unquote(text: str) -> str:
    """Return the value of a setting that may be in quotes."""
    match = _QUOTED_VALUE.fullmatch(text.strip())
    if match is None:
        return text.strip()
    return match["double"].replace('""', '"') if match["double"] is not None else match["single"].replace("''", "'")


def environment_folder(python: str) -> str:
    """Return the virtual environment of an interpreter by its path: `../old` for `../old/bin/python`.

    A path of another form, and one of a system folder, is returned unchanged.
    """
    match = _IN_ENVIRONMENT.match(python)
    return match["folder"] if match and match["folder"] not in _SYSTEM_FOLDERS else python


def parse_value(text: str) -> Setting:
    """Return a value as it is typed: `true`, a number, or a word."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _written(setting: Setting) -> str:
    return str(setting).lower() if isinstance(setting, bool) else str(setting)
