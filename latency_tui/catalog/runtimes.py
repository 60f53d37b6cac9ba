"""Runtimes by name: the model's own library, ONNX Runtime, and those that installed packages add."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from latency_tui.catalog.model_files import kind_of
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import NATIVE, Candidate
from latency_tui.plan.settings import NATIVE_ONLY
from latency_tui.plan.suggest import hint

GROUP = "latency_tui.runtimes"


def known_runtimes() -> tuple[str, ...]:
    """Return the names of all runtimes, without importing any."""
    from importlib.metadata import entry_points  # deferred: it reads what is installed

    return tuple(dict.fromkeys((NATIVE, "onnx", *sorted(entry.name for entry in entry_points(group=GROUP)))))


def check_runtime(name: str) -> None:
    """Refuse a runtime that is not there.

    Raises:
        UsageError: It is not; the sentence names the nearest one known.
    """
    if name not in (NATIVE, "onnx") and name not in (known := known_runtimes()):
        raise UsageError(f"There is no runtime {name!r}; {hint(name, known)}")


def with_runtimes(candidates: Iterable[Candidate], runtimes: Iterable[str]) -> tuple[Candidate, ...]:
    """Return each candidate under each runtime: once where it says which itself, or is an ONNX file.

    Settings that mean nothing to another runtime than the model's own are left out there.

    Args:
        candidates: As they were named.
        runtimes: `sklearn` (the model's own library) and others; empty for candidates as they are.

    Raises:
        UsageError: A runtime is not there.
    """
    runtimes = tuple(dict.fromkeys(runtimes))
    for name in runtimes:
        check_runtime(name)
    found: list[Candidate] = []
    for candidate in candidates:
        file = candidate.model.file
        if not runtimes or "runtime" in candidate.settings or (file and kind_of(Path(file)) == "onnx"):
            found.append(candidate)
            continue
        for name in runtimes:
            settings = candidate.settings
            if name != NATIVE:
                settings = {key: value for key, value in settings.items() if key not in NATIVE_ONLY} | {"runtime": name}
            one = msgspec.structs.replace(candidate, settings=settings)
            if one not in found:
                found.append(one)
    return tuple(found)
