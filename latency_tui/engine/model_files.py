"""Loads a model from its file. Runs only in a candidate's process: a file that crashes takes nobody with it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latency_tui.engine.adapters import CatboostModel, LightgbmModel, TorchModel, load_xgboost, require
from latency_tui.engine.error_messages import cause_of
from latency_tui.engine.own_modules import finding_own
from latency_tui.engine.runtimes.onnx import OnnxModel
from latency_tui.errors import LatencyTuiError, ModelError
from latency_tui.plan import Trust
from latency_tui.plan.model_files import TITLES, Kind, kind_of
from latency_tui.plan.trust import check_trusted


@dataclass(frozen=True)
class FileContent:
    """A model file as read: once, so that what was checked is what is loaded."""

    path: Path
    kind: Kind
    content: bytes
    digest: str


@dataclass(frozen=True)
class LoadedFile:
    """A model, and what is to be told about its loading."""

    model: Any
    notes: tuple[str, ...] = ()


def load_file(text: str, trust: Trust, threads: int) -> LoadedFile:
    """Return the model that a file holds.

    Args:
        text: The file's path.
        trust: What may be loaded that runs code.
        threads: Threads that the model may use.

    Raises:
        UsageError: The file is not there, is not what it says, or is not trusted.
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
    try:
        if kind == "skops":
            return _load_skops(file, trust)
        return LoadedFile(_LOADERS[kind](file, threads))
    except LatencyTuiError:
        raise
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded as {TITLES[kind]}: {_reason(error, cause_of(error))}") from error


def untrusted_types(content: bytes) -> list[str]:
    """Return the types that a skops file names and that skops does not trust by itself, in order of name."""
    return sorted(require("skops.io", "a skops file").get_untrusted_types(data=content))


def _load_skops(file: FileContent, trust: Trust) -> LoadedFile:
    named = untrusted_types(file.content)
    allowed = named if trust.covers(file.digest) else [name for name in named if name in trust.types_in(file.digest)]
    if missing := [name for name in named if name not in allowed]:
        types = "a type" if len(missing) == 1 else f"{len(missing)} types"
        raise ModelError(
            f"{file.path} names {types} that skops does not trust: {', '.join(missing)}; look at them, then trust them "
            f"by name ({' '.join(f'--trust-type {name}' for name in missing[:2])}{' ...' if missing[2:] else ''}) or "
            f"all that the file names (--trust {file.path})."
        )
    model = finding_own(lambda: require("skops.io", "a skops file").loads(file.content, trusted=allowed))
    return LoadedFile(model, (f"trusted in {file.path.name}: {', '.join(allowed)}",) if allowed else ())


def _load_pickle(file: FileContent, _threads: int) -> Any:
    import joblib  # deferred: comes with scikit-learn; it reads its own compressed files and plain pickles alike

    return finding_own(lambda: joblib.load(io.BytesIO(file.content)))


_LOADERS: dict[Kind, Callable[[FileContent, int], Any]] = {
    "onnx": lambda file, threads: OnnxModel(str(file.path.resolve()), threads),
    "pickle": _load_pickle,
    "xgboost": lambda file, threads: load_xgboost(file.content, threads),
    "lightgbm": lambda file, threads: LightgbmModel(file.content.decode(), threads),
    "catboost": lambda file, threads: CatboostModel(file.content, threads),
    "torchscript": lambda file, threads: TorchModel(file.content, False, threads),
    "torch-export": lambda file, threads: TorchModel(file.content, True, threads),
}


def _reason(error: Exception, said: str) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"it needs the module {error.name}, which is not installed here"
    if isinstance(error, EOFError):
        return "it is cut off"
    if isinstance(error, AttributeError | ImportError):
        return f"it was made with another version of a library ({said})"
    return f"it is cut off, damaged or of another version ({type(error).__name__}: {said})"
