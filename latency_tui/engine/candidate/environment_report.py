"""Describes the environment of this process: Python, libraries, and the modules of models. Nothing is loaded."""

from __future__ import annotations

import platform
from collections.abc import Iterable

import msgspec

from latency_tui.catalog.input_hashes import identify_code
from latency_tui.engine import machine
from latency_tui.plan import Candidate

LIBRARIES = (
    *machine.PACKAGES,
    *("onnxruntime", "skl2onnx", "skops", "xgboost", "xgboost-cpu", "lightgbm", "catboost", "torch"),
    *("pandas", "pyarrow", "polars", "narwhals", "threadpoolctl"),
)
"""Packages whose versions can affect latencies."""


class EnvironmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates to describe, and the folders in which their modules are searched."""

    candidates: tuple[Candidate, ...]
    folders: tuple[str, ...] = ()


class EnvironmentReport(msgspec.Struct, frozen=True, kw_only=True):
    """An environment.

    Attributes:
        versions: Version of Python and of each library, by name.
        inputs: SHA-256 of the module of each candidate and versions of its libraries, by slug and name.
    """

    versions: dict[str, str]
    inputs: dict[str, dict[str, str]] = {}


def describe(candidates: Iterable[Candidate], folders: Iterable[str]) -> EnvironmentReport:
    """Return the versions of this environment, and what the candidates would load from it."""
    folders = tuple(folders)
    return EnvironmentReport(
        versions={"Python": platform.python_version(), **machine.versions_of(LIBRARIES)},
        inputs={candidate.slug: identify_code(candidate, folders) for candidate in candidates},
    )


def answer(request: bytes) -> bytes:
    """Answer a request of the engine, both as JSON."""
    asked = msgspec.json.decode(request, type=EnvironmentRequest)
    return msgspec.json.encode(describe(asked.candidates, asked.folders))
