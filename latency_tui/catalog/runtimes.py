"""Looks up runtimes by name: the model's own library, ONNX Runtime, and those of installed packages."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.candidates import NATIVE, Candidate
from latency_tui.plan.settings import NATIVE_ONLY
from latency_tui.plan.suggest import hint

GROUP = "latency_tui.runtimes"


def known_runtimes() -> tuple[str, ...]:
    """Return the names of all runtimes, without importing them."""
    from importlib.metadata import entry_points  # deferred: it scans the installed packages

    return tuple(dict.fromkeys((NATIVE, "onnx", *sorted(entry.name for entry in entry_points(group=GROUP)))))


def check_runtime(name: str) -> None:
    """Check that a runtime exists.

    Raises:
        UsageError: There is no such runtime; the message suggests a name.
    """
    if name not in (NATIVE, "onnx") and name not in (known := known_runtimes()):
        raise UsageError(f"There is no runtime {name!r}; {hint(name, known)}")


def expand_runtimes(candidates: Iterable[Candidate], runtimes: Iterable[str]) -> tuple[Candidate, ...]:
    """Return one candidate per candidate and runtime.

    Candidates with a `runtime` setting and ONNX files are returned once, unchanged. Settings that only the model's own
    library understands are removed for other runtimes.

    Args:
        candidates: The candidates as the user named them.
        runtimes: `sklearn` (the model's own library) and others; empty to leave the candidates unchanged.

    Raises:
        UsageError: There is no such runtime.
    """
    runtimes = tuple(dict.fromkeys(runtimes))
    for name in runtimes:
        check_runtime(name)
    found: list[Candidate] = []
    for candidate in candidates:
        if not runtimes or "runtime" in candidate.settings or candidate.model.file_format == "onnx":
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
