"""Identifies the format of model files by their first bytes and their names, without loading them.

Files are checked when they are named, so that errors are reported at once, and the format becomes a field of the model.
Only the process of a candidate loads them; it identifies the format again, because it decides by the content it loads.
"""

from __future__ import annotations

import re
from pathlib import Path

from latency_tui.catalog import unsupported_formats
from latency_tui.catalog.file_head import read_head
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import ModelFormat

TITLES: dict[ModelFormat, str] = {
    "skops": "a skops file",
    "onnx": "an ONNX model",
    "pickle": "a pickle",
    "xgboost": "an XGBoost model",
    "lightgbm": "a LightGBM model",
    "catboost": "a CatBoost model",
    "torchscript": "a TorchScript program",
    "torch-export": "an exported PyTorch program",
}

SUFFIXES: dict[str, tuple[ModelFormat, ...]] = {
    ".skops": ("skops",),
    ".onnx": ("onnx",),
    ".ort": ("onnx",),
    ".joblib": ("pickle",),
    ".pickle": ("pickle",),
    ".pkl": ("pickle",),
    ".cloudpickle": ("pickle",),
    ".ubj": ("xgboost",),
    ".json": ("xgboost", "catboost"),
    ".txt": ("lightgbm",),
    ".cbm": ("catboost",),
    ".pt": ("torchscript", "torch-export"),
    ".pth": ("torchscript", "torch-export"),
    ".ts": ("torchscript",),
    ".pt2": ("torch-export",),
}

RUNS_CODE: frozenset[ModelFormat] = frozenset({"pickle", "torchscript", "torch-export"})
"""Formats that run their author's code when they are loaded."""

_HEAD = 4096
_LEGACY_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # magic number of torch.save before ZIP archives
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
_LEARNER = re.compile(
    rb'^(\xef\xbb\xbf)?\s*\{\s*"(learner|version)"\s*:\s*[\[{]|^\{L.{7}.(learner|version|Config)', re.DOTALL
)
_OBJECTIVE = re.compile(rb"[a-z]+:[a-z_]+")
_OLDEST_PICKLE = re.compile(rb"c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")  # protocol 0: class of the first object
_TREES = re.compile(rb"(\xef\xbb\xbf)?\s*tree\r?\n")
_CATBOOST_KEY = re.compile(rb'\s*\{\s*"(cat_features_hash|ctr_data|features_info|model_info|oblivious_trees|trees)"')
_MLFLOW_FILE = re.compile(
    r"^ +(?:pickled_model|data|model_data|model_path): *['\"]?([^'\"\n]+?)['\"]? *$", re.MULTILINE
)


def looks_like_file(text: str) -> bool:
    """Return whether a text is a model file and not the name of a model: it has a folder or a known suffix."""
    suffix = Path(text).suffix.lower()
    return "/" in text or "\\" in text or suffix in SUFFIXES or suffix in unsupported_formats.MODEL_SUFFIXES


def kind_of(path: Path) -> ModelFormat:
    """Return the format of a model file by its content, or by its name if the content is ambiguous.

    Raises:
        UsageError: The file does not exist, cannot be read, is empty or truncated, or has an unsupported format; the
            message names the format and what to do.
    """
    if path.is_dir():
        raise UsageError(f"{path} {describe_folder(path)}.")
    head = read_head(path, _HEAD, wanted="model")
    found = _sniff(path, head)
    if found is not None:
        return found
    if description := unsupported_formats.describe_format(path, head):
        raise UsageError(f"{path} {description}.")
    claimed = SUFFIXES.get(path.suffix.lower(), ())
    if claimed == ("pickle",):  # protocol 0 has no magic number
        return "pickle"
    wanted = f" {TITLES[claimed[0]]}, as its name says" if claimed else " a model of any kind known here"
    if text := _text(head):
        raise UsageError(f"{path} is not{wanted}: it is a text file that begins with {text!r}.")
    raise UsageError(f"{path} is not{wanted}: it is truncated or has another format.")


def describe_folder(path: Path) -> str:
    """Return what a folder contains and what to do, as the end of a sentence that starts with its name."""
    try:
        if description := unsupported_formats.describe_folder_format(path):
            return description
        inside = sorted(one.name for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())
    except OSError:
        inside = []
    if not inside:
        return "is a folder, not a model file"
    shown = ", ".join(inside[:3]) + (f" and {len(inside) - 3} more" if len(inside) > 3 else "")
    return f"is a folder that holds {shown}; name a file in it: -m {path / inside[0]}"


def find_model_file(path: Path) -> Path:
    """Return the model file at a path: the path itself, or the file inside the folder of an MLflow model.

    Raises:
        UsageError: The MLflow model does not contain a model file.
    """
    description = path if path.name == "MLmodel" else path / "MLmodel"
    try:
        if not description.is_file():
            return path
        text = description.read_text(encoding="utf-8", errors="replace")[:100_000]
    except (OSError, ValueError):
        return path
    folder = description.parent
    values: dict[str, None] = dict.fromkeys(_MLFLOW_FILE.findall(text))
    for found in (folder / value for value in values if ".." not in value and not value.startswith("/")):
        if found.is_file():
            return found
        inside = sorted(one for one in found.iterdir() if one.is_file()) if found.is_dir() else []
        if len(inside) == 1 or (inside := [one for one in inside if one.name.startswith("model.")]):
            return inside[0]
    flavours = ", ".join(name for name in re.findall(r"^  (\w+): *$", text, re.M) if name != "python_function")
    raise UsageError(
        f"{path} is an MLflow model{f' ({flavours})' if flavours else ''} without a model file here; "
        "log it with mlflow.sklearn, mlflow.onnx or another flavour that keeps one file, or save it as ONNX."
    )


def _sniff(path: Path, head: bytes) -> ModelFormat | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_archive(path)
    if _LEGACY_TORCH in head[:32]:
        raise UsageError(f"{path} {unsupported_formats.PYTORCH_WEIGHTS}.")
    if head.startswith(b"CBM1") or _is_catboost_json(path, head):
        return "catboost"
    if _TREES.match(head):
        return "lightgbm"
    if _LEARNER.match(head) or head.startswith(b"binf") or _is_bare_xgboost(path, head):
        return "xgboost"
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "pickle"
    if head.startswith(_COMPRESSED):
        return _sniff_compressed(path, head)
    if _OLDEST_PICKLE.match(head):
        return "pickle"
    if head[4:8] == b"ORTM" or (_is_onnx(head) and not _is_other_buffer(path)):
        return "onnx"
    return None


def _sniff_compressed(path: Path, head: bytes) -> ModelFormat | None:
    """Return `pickle` for a file that joblib compressed; None if the content is unknown.

    Raises:
        UsageError: The file is a compressed model file of another format.
    """
    inside = unsupported_formats.decompress_head(head)
    if inside[:1] == b"\x80" or not inside or inside[:1] in b"(c]}":
        return None if unsupported_formats.describe_format(path, head) else "pickle"
    if _TREES.match(inside) or _LEARNER.match(inside) or inside.startswith((b"CBM1", b"binf")) or _is_onnx(inside):
        raise UsageError(
            f"{path} is a compressed model file; unpack it (gunzip, bunzip2 or unxz) and name what comes out."
        )
    return None


def _is_other_buffer(path: Path) -> bool:
    """Return whether the field numbers of a protocol buffer show Core ML or TensorFlow, not ONNX."""
    numbers = unsupported_formats.read_field_numbers(path)
    return unsupported_formats.is_core_ml(numbers) or (path.suffix == ".pb" and 7 not in numbers)


def _is_bare_xgboost(path: Path, head: bytes) -> bool:
    """Return whether a file has XGBoost's old binary format: 136 bytes of parameters, then the objective's name.

    The format has no magic number. Shorter files are recognised by the suffix, a base score of 0.5 and the number of
    features.
    """
    length = int.from_bytes(head[136:144], "little")
    if 0 < length < 64 and _OBJECTIVE.fullmatch(head[144 : 144 + length]):
        return True
    known = path.suffix.lower() in {".bst", ".model", ".xgb", ".bin", ""}
    return known and head.startswith(b"\0\0\0\x3f") and 0 < int.from_bytes(head[4:8], "little") < 2**24


def _is_catboost_json(path: Path, head: bytes) -> bool:
    """Return whether a file is a CatBoost model as JSON; keys are in alphabetical order, so the end is checked too."""
    if not _CATBOOST_KEY.match(head):
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**20))
        tail = file.read()
    return b'"features_info"' in head + tail or b'"oblivious_trees"' in head + tail or b'"scale_and_bias"' in tail


def _text(head: bytes) -> str:
    """Return the first words of a text file; empty if the file is binary."""
    try:
        start = head[:-4].decode() if len(head) == _HEAD else head.decode()
    except UnicodeDecodeError:
        return ""
    if any(ord(letter) < 9 or 13 < ord(letter) < 32 for letter in start):
        return ""
    words = " ".join(start.split())
    return words if len(words) <= 40 else words[:39].rstrip() + "…"


def _is_onnx(head: bytes) -> bool:
    """Return whether the bytes look like ONNX: field 1 of a protocol buffer, a small version, then another field."""
    return (
        len(head) > 3 and head[0] == 0x08 and 1 <= head[1] <= 127 and head[2] & 7 in (0, 2) and 2 <= head[2] >> 3 <= 25
    )


def _sniff_archive(path: Path) -> ModelFormat | None:
    import zipfile  # deferred: 5 ms, needed for archives only

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "schema.json" in names:
        return "skops"
    tails = [name.partition("/")[2] for name in names]
    known = "archive_format" in tails or path.suffix.lower() in (
        ".pt2",
        ".pt",
        ".pth",
    )  # other suffixes belong to other formats
    exported = known and any(re.fullmatch(r"models/[^/]+\.json", tail) for tail in tails)
    if exported or "serialized_exported_program.json" in (*tails, *names):
        return "torch-export"
    if "constants.pkl" in tails:
        return "torchscript"
    if "data.pkl" in tails:
        raise UsageError(f"{path} {unsupported_formats.PYTORCH_WEIGHTS}.")
    raise UsageError(f"{path} {unsupported_formats.describe_archive(names)}.")
