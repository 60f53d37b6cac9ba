"""Identifies the inputs of a plan: the content of files and modules, and the versions of libraries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from latency_tui.catalog.configuration import runs_code
from latency_tui.catalog.import_paths import source_of
from latency_tui.catalog.onnx_external_data import external_files
from latency_tui.catalog.trust_store import digest_of
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelFormat
from latency_tui.plan.datasets import FileDataset
from latency_tui.plan.plan import Plan

_LIBRARIES: dict[ModelFormat, tuple[str, ...]] = {
    "skops": ("skops",),
    "onnx": ("onnxruntime",),
    "xgboost": ("xgboost",),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "torchscript": ("torch",),
    "torch-export": ("torch",),
}
_TO_ONNX = ("onnxruntime", "skl2onnx")


def named_inputs(plan: Plan) -> dict[str, str]:
    """Return the files and modules of a plan: maps the name shown to the user to a path or an import path.

    Temporary files of the Python API are not included, nor are modules that another interpreter imports.
    """
    files = [candidate.model.file for candidate in plan.candidates if not candidate.model.is_temporary_pickle]
    if isinstance(plan.workload.dataset, FileDataset):
        files.append(plan.workload.dataset.path)
    factories = [
        one.model.factory
        for one in plan.candidates
        if one.model.factory and not one.python and runs_code(one.model.factory, {})
    ]
    return {file: file for file in files if file} | {_module_name(factory): factory for factory in factories}


def _module_name(factory: str) -> str:
    return f"the module {factory.partition(':')[0]}"


def identify_inputs(plan: Plan, folders: Iterable[str] = ()) -> dict[str, str]:
    """Return the SHA-256 of each file and module, and the version of each library; missing ones are omitted.

    scikit-learn, numpy and scipy are not included, because they are part of the environment. Temporary files of the
    Python API are not included either, nor is what another interpreter imports. The engine calls this for each job, so
    that the result identifies what was measured, whatever a file contained when it was named.

    Args:
        plan: The plan.
        folders: Additional folders in which modules are searched.
    """
    found: dict[str, str] = {}
    for name, text in named_inputs(plan).items():
        with suppress(UsageError, OSError, ValueError):
            path = Path(text) if name == text else source_of(text, folders)
            if path is not None:
                found[name] = digest_of(path)
    for candidate in plan.candidates:
        if candidate.model.file and candidate.model.file_format == "onnx":
            found |= _external(Path(candidate.model.file))
    for candidate in plan.candidates:
        if not candidate.python:
            found |= _versions(candidate)
    return found


def identify_code(candidate: Candidate, folders: Iterable[str] = ()) -> dict[str, str]:
    """Return the SHA-256 of the module of a candidate, and the versions of its libraries, in this environment.

    Args:
        candidate: The candidate.
        folders: Additional folders in which modules are searched.
    """
    found: dict[str, str] = {}
    factory = candidate.model.factory
    with suppress(UsageError, OSError, ValueError):
        if factory and runs_code(factory, {}) and (path := source_of(factory, folders)):
            found[_module_name(factory)] = digest_of(path)
    return found | dict(_versions(candidate))


def _external(model: Path) -> Iterator[tuple[str, str]]:
    """Yield the weights that an ONNX model keeps in other files; those that are missing are left out."""
    with suppress(UsageError):
        for path in external_files(model):
            with suppress(UsageError):
                yield str(path), digest_of(path)


def packages_of(candidate: Candidate) -> tuple[str, ...]:
    """Return the packages that load the file of a candidate and run its runtime, except scikit-learn."""
    kind = candidate.model.file_format
    names = _LIBRARIES.get(kind, ()) if kind else ()
    return (*names, *_TO_ONNX) if candidate.runtime == "onnx" else names


def _versions(candidate: Candidate) -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version  # deferred: only other libraries need it

    names = packages_of(candidate)
    if candidate.model.factory:
        names = (*names, candidate.model.factory.partition(".")[0].partition(":")[0])
    for name in names:
        with suppress(PackageNotFoundError, ValueError):
            yield name, version(name)
