"""Loads models from files. Runs only in a candidate's process, so that a crash does not end the engine."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latency_tui.catalog.model_files import SUFFIXES, TITLES, kind_of
from latency_tui.catalog.onnx_external_data import external_files
from latency_tui.catalog.trust_store import check_trusted
from latency_tui.engine.candidate.error_messages import extract_cause, summarize_exception
from latency_tui.engine.candidate.models.adapters import CatboostModel, LightgbmModel, TorchModel, load_xgboost, require
from latency_tui.engine.candidate.models.booster_files import adapted, read_lightgbm_text
from latency_tui.engine.candidate.models.containers import pick
from latency_tui.engine.candidate.models.pickles import explain_failure, load_pickle, version_note
from latency_tui.engine.candidate.models.runtimes.onnx import OnnxModel
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import LatencyTuiError, ModelError
from latency_tui.plan import Setting, Trust
from latency_tui.plan.candidates import ModelFormat

_SKOPS_SKLEARN_VERSION = re.compile(rb'"_sklearn_version": \{.{0,300}?"content": "\\"([\w.]+)\\""', re.DOTALL)


@dataclass(frozen=True)
class FileContent:
    """The content of a model file, read once, so that the checked content is the loaded content."""

    path: Path
    kind: ModelFormat
    content: bytes
    digest: str


@dataclass(frozen=True)
class LoadedFile:
    """A model loaded from a file.

    Attributes:
        model: The model.
        notes: Notes on loading, one sentence each.
        origin: The scikit-learn version that saved it; empty if it is the installed one, or unknown.
    """

    model: Any
    notes: tuple[str, ...] = ()
    origin: str = ""


def load_file(
    text: str, trust: Trust, threads: int, key: Setting | None = None, folders: Sequence[str] = ()
) -> LoadedFile:
    """Load the model of a file.

    Args:
        text: Path of the file.
        trust: Which files may run their author's code.
        threads: Number of threads that the model may use.
        key: Selects the model if the file contains several.
        folders: Folders in which users' modules are searched.

    Raises:
        UsageError: The file does not exist, does not match its name, or is not trusted.
        ModelError: It cannot be loaded, or a library is missing.
    """
    path = Path(text)
    kind = kind_of(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    file = FileContent(path, kind, content, hashlib.sha256(content).hexdigest())
    check_trusted(path, kind, file.digest, trust)
    claimed = SUFFIXES.get(path.suffix.lower(), (kind,))
    notes = () if kind in claimed else (f"{path.name} is {TITLES[kind]}, although its name suggests another format",)
    try:
        if kind == "skops":
            found = _load_skops(file, trust, folders)
        elif kind == "pickle":
            found = _load_pickle(file, folders)
        else:
            found = LoadedFile(_LOADERS[kind](file, threads))
        model, asked = adapted(pick(found.model, key, path), threads)
    except LatencyTuiError:
        raise
    except Exception as error:
        why = explain_failure(error, content) if kind == "pickle" else _reason(error)
        raise ModelError(f"{path} cannot be loaded as {TITLES[kind]}: {why}") from error
    return LoadedFile(model, (*notes, *found.notes, *asked), found.origin)


def untrusted_types(content: bytes) -> list[str]:
    """Return the types in a skops file that skops does not trust by default, sorted by name."""
    return sorted(require("skops.io", "a skops file").get_untrusted_types(data=content))


def _load_skops(file: FileContent, trust: Trust, folders: Sequence[str]) -> LoadedFile:
    named = untrusted_types(file.content)
    allowed = (
        named if trust.trusts_all(file.digest) else [name for name in named if name in trust.types_in(file.digest)]
    )
    if missing := [name for name in named if name not in allowed]:
        types = "a type" if len(missing) == 1 else f"{len(missing)} types"
        raise ModelError(
            f"{file.path} contains {types} that skops does not trust: {', '.join(missing)}; check them, then trust "
            f"them by name ({' '.join(f'--trust-type {name}' for name in missing[:2])}{' ...' if missing[2:] else ''}) "
            f"or the whole file (--trust {file.path})."
        )
    load = require("skops.io", "a skops file").loads
    model = import_with_fallback(lambda: load(file.content, trusted=allowed), folders)
    version = skops_version(file.content)
    origin = version_note(version)
    notes = (f"trusted in {file.path.name}: {', '.join(allowed)}",) if allowed else ()
    return LoadedFile(model, (*notes, f"{origin}: its predictions may differ or fail") if origin else notes, origin)


def skops_version(content: bytes) -> str:
    """Return the scikit-learn version that saved a skops file; empty if it is unknown."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = _SKOPS_SKLEARN_VERSION.search(archive.read("schema.json"))
    return found[1].decode() if found else ""


def _load_pickle(file: FileContent, folders: Sequence[str]) -> LoadedFile:
    model, version = load_pickle(file.content, folders)
    origin = version_note(version)
    return LoadedFile(model, (f"{origin}: its predictions may differ or fail",) if origin else (), origin)


def _load_lightgbm(file: FileContent, threads: int) -> LightgbmModel:
    require("lightgbm", "a LightGBM model")
    return LightgbmModel(read_lightgbm_text(file.content), threads)


def _load_onnx(file: FileContent, threads: int) -> OnnxModel:
    path = file.path.resolve()
    if missing := [one for one in external_files(path) if not one.is_file()]:
        names = ", ".join(os.path.relpath(one, path.parent) for one in missing[:3])
        raise ModelError(
            f"{file.path} stores its weights in {names}, which does not exist; put that file next to the model"
        )
    try:
        return OnnxModel(str(path), threads)
    except LatencyTuiError:
        raise
    except Exception as error:
        if why := explain_version(extract_cause(error)) or explain_operator(extract_cause(error)):
            raise ModelError(f"{file.path} {why}") from error
        raise


_LOADERS: dict[ModelFormat, Callable[[FileContent, int], Any]] = {
    "onnx": _load_onnx,
    "xgboost": lambda file, threads: load_xgboost(file.content, threads),
    "lightgbm": _load_lightgbm,
    "catboost": lambda file, threads: CatboostModel(file.content, threads),
    "torchscript": lambda file, threads: TorchModel(file.content, False, threads),
    "torch-export": lambda file, threads: TorchModel(file.content, True, threads),
}


def explain_version(cause: str) -> str:
    """Return why the installed ONNX Runtime is too old for a model; empty if that is not the cause."""
    import onnxruntime  # it has just refused the model

    here = f"ONNX Runtime {onnxruntime.__version__}"
    update = "update it (pip install -U onnxruntime), or export the model again"
    if opset := re.search(r"Opset (\d+) is under development.*domain (\S+) is till opset (\d+)", cause):
        domain = "" if opset[2] in ("ai.onnx", "") else f" of {opset[2]}"
        return f"needs Opset {opset[1]}{domain}, and {here} has {opset[3]}; {update} with opset_version={opset[3]}"
    if version := re.search(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)", cause):
        return f"has IR version {version[1]}, and {here} reads {version[2]} at most; {update} with that one"
    return ""


def explain_operator(cause: str) -> str:
    """Return which operator the installed ONNX Runtime lacks, and what to do; empty if that is not the cause."""
    here = "which ONNX Runtime does not have"
    if unknown := re.search(r"([\w.]+):(\w+)\(-?\d+\) is not a registered function/op", cause):
        return (
            f"uses the operator {unknown[2]} of {unknown[1]}, {here}; export the model without this operator, "
            "and do the pre- and post-processing outside"
        )
    if lacking := re.search(r"Could not find an implementation for (\w+)\((\d+)\)", cause):
        return (
            f"uses the operator {lacking[1]} of opset {lacking[2]} with types or in a version, {here}; export the "
            "model again with a newer opset_version"
        )
    return ""


def _reason(error: Exception) -> str:
    message = summarize_exception(error)
    if isinstance(error, ModuleNotFoundError):
        return f"it needs the module {error.name}, which is not installed"
    if isinstance(error, EOFError):
        return "it is truncated"
    if isinstance(error, AttributeError | ImportError):
        return f"it was saved with another version of a library ({message})"
    if type(error).__name__ in ("InvalidGraph", "NotImplemented", "NoSuchFile"):  # ONNX Runtime has read all of it
        return message
    if any(said in message for said in ("binary format has been deprecated", "Unknown construct", "Expecting UBJSON")):
        return (
            "it is in XGBoost's old binary format, which XGBoost 3.1 and newer do not read; load it with "
            "xgboost<3.1 and save it again with save_model('model.ubj')"
        )
    return f"it is truncated, damaged or of another version ({message})"
