"""What a model file is, by its first bytes and its name, without loading anything of it.

A file is looked at here before anything is measured, so that a mistake is told at once; it is loaded in its
candidate's process only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from latency_tui.errors import UsageError
from latency_tui.plan.heads import head_of

Kind = Literal["skops", "onnx", "pickle", "xgboost", "lightgbm", "catboost", "torchscript", "torch-export"]

TITLES: dict[Kind, str] = {
    "skops": "a skops file",
    "onnx": "an ONNX model",
    "pickle": "a pickle",
    "xgboost": "an XGBoost model",
    "lightgbm": "a LightGBM model",
    "catboost": "a CatBoost model",
    "torchscript": "a TorchScript program",
    "torch-export": "an exported PyTorch program",
}

SUFFIXES: dict[str, tuple[Kind, ...]] = {
    ".skops": ("skops",),
    ".onnx": ("onnx",),
    ".ort": ("onnx",),
    ".joblib": ("pickle",),
    ".pickle": ("pickle",),
    ".pkl": ("pickle",),
    ".cloudpickle": ("pickle",),
    ".ubj": ("xgboost",),
    ".json": ("xgboost",),
    ".txt": ("lightgbm",),
    ".cbm": ("catboost",),
    ".pt": ("torchscript", "torch-export"),
    ".pth": ("torchscript", "torch-export"),
    ".ts": ("torchscript",),
    ".pt2": ("torch-export",),
}

RUNS_CODE: frozenset[Kind] = frozenset({"pickle", "torchscript", "torch-export"})
"""Kinds that run their author's code when they are loaded."""

_HEAD = 4096
_COMPRESSED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\x00\x00",
    b"\x04\x22\x4d\x18",
    b"\x78\x01",
    b"\x78\x9c",
    b"\x78\xda",
)
_LEARNER = re.compile(rb'^\{\s*"(learner|version|Config)"|^\{L.{7}.(learner|version|Config)', re.DOTALL)


def looks_like_file(text: str) -> bool:
    """Whether what was typed means a model file and not a model's name: it has a folder, or a model file's suffix."""
    return "/" in text or "\\" in text or Path(text).suffix.lower() in SUFFIXES


def kind_of(path: Path) -> Kind:
    """Return what a model file holds.

    Raises:
        UsageError: It is not there, cannot be read, is empty or cut off, or is not what its name says.
    """
    head = head_of(path, _HEAD, wanted="model")
    claimed = SUFFIXES.get(path.suffix.lower(), ())
    found = _sniff(path, head)
    if found is None:
        if claimed == ("pickle",):  # the oldest pickles have no mark of their own
            return "pickle"
        wanted = f" {TITLES[claimed[0]]}, as its name says" if claimed else " a model of any kind known here"
        raise UsageError(f"{path} is not{wanted}: it is cut off, or holds something else.")
    if claimed and found not in claimed and found != "pickle":
        raise UsageError(
            f"{path} is {TITLES[found]}, not {TITLES[claimed[0]]} as its name says; give it another suffix."
        )
    return found


def _sniff(path: Path, head: bytes) -> Kind | None:
    if head.startswith(b"PK\x03\x04"):
        return _sniff_archive(path)
    if head.startswith(b"CBM1"):
        return "catboost"
    if head.startswith((b"tree\n", b"tree\r\n")):
        return "lightgbm"
    if _LEARNER.match(head):
        return "xgboost"
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "pickle"
    if head.startswith(_COMPRESSED):
        return "pickle"  # as joblib writes them
    if head[4:8] == b"ORTM" or _is_onnx(head):
        return "onnx"
    return None


def _is_onnx(head: bytes) -> bool:
    """Whether it begins as ONNX does: field 1 of a protocol buffer, a small version number, then another field."""
    return (
        len(head) > 3 and head[0] == 0x08 and 1 <= head[1] <= 63 and head[2] & 7 in (0, 2) and 2 <= head[2] >> 3 <= 25
    )


def _sniff_archive(path: Path) -> Kind | None:
    import zipfile  # deferred: 5 ms, and few start with an archive

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "schema.json" in names:
        return "skops"
    tails = [name.partition("/")[2] for name in names]
    if any(tail.startswith("models/") or tail == "serialized_exported_program.json" for tail in (*tails, *names)):
        return "torch-export"
    if "constants.pkl" in tails:
        return "torchscript"
    if "data.pkl" in tails:
        raise UsageError(
            f"{path} holds PyTorch weights or a pickled module, which say nothing of how to call it; "
            "save it with torch.export.save or torch.jit.save."
        )
    return None
