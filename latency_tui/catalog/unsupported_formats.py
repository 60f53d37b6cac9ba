"""Identifies files whose format cannot be measured, and says how to convert them.

A file is identified by its first bytes, or else by its name. Nothing is loaded.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

_TO_ONNX = "convert it to ONNX where it was made"
_KERAS = f'{_TO_ONNX}: model.export("model.onnx", format="onnx")'
_TENSORFLOW = f"{_TO_ONNX}: python -m tf2onnx.convert"
_TRANSFORMERS = f"{_TO_ONNX}: optimum-cli export onnx"
_SAVE_XGBOOST = 'XGBoost cannot load it; save the model with save_model("model.ubj")'
_SAVE_LIGHTGBM = 'LightGBM cannot load it; save the model with booster.save_model("model.txt")'
_TORCH = "save it with torch.export.save or torch.jit.save"
_ARRAYS = "that is data: give it with --data"
_REWRITE = "save the model with its own library, or as ONNX"
_UNPACK = "unpack it and name the model file in it"

PYTORCH_WEIGHTS = (
    f"holds PyTorch weights or a pickled module, which do not say how to call it; {_TORCH} where the module's class is"
)

_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (4, b"TFL3", "a TensorFlow Lite model", f"{_TO_ONNX}: python -m tf2onnx.convert --tflite"),
    (4, b"ET12", "an ExecuTorch program", _TORCH),
    (0, b"GGUF", "a GGUF language model (llama.cpp)", "it has no rows to predict; measure it with llama-bench"),
    (0, b"lmgg", "a GGML language model", "it has no rows to predict; measure it with llama-bench"),
    (0, b"tjgg", "a GGML language model", "it has no rows to predict; measure it with llama-bench"),
    (0, b"ftrt", "a TensorRT engine", "measure it with trtexec, or give the ONNX file that it was built from"),
    (0, b"ptrt", "a TensorRT engine", "measure it with trtexec, or give the ONNX file that it was built from"),
    (0, b"ML\xefR", "MLIR bytecode (StableHLO)", _TO_ONNX),
    (0, b"\x93NUMPY", "a NumPy array", _ARRAYS),
    (0, b"PAR1", "a Parquet table", _ARRAYS),
    (0, b"ARROW1", "an Arrow table (Feather)", _ARRAYS),
    (0, b"FEA1", "a Feather table", _ARRAYS),
    (0, b"\xba\x16\x4f\x2f", "a fastText model", "measure it as a function of your own: -m module:name"),
    (0, b"\xac\xed\x00\x05", "a serialised Java object", _REWRITE),
    (0, b"MATLAB 5.0", "a MATLAB file", "save arrays as NPZ, or the model as ONNX"),
    (0, b"SQLite format 3", "an SQLite database", "export its table as CSV or Parquet"),
    (0, b"RDX", "an R workspace (RData)", f"{_REWRITE} from R"),
    (0, b"X\n\x00\x00\x00", "a serialised R object (RDS)", f"{_REWRITE} from R"),
    (0, b"A\n", "a serialised R object (RDS)", f"{_REWRITE} from R"),
    (0, b"\x7fELF", "a compiled library or program", "give the model file that it was compiled from"),
    (0, b"MZ", "a compiled library or program", "give the model file that it was compiled from"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"%PDF", "a PDF document", "give a model file"),
    (0, b"\x89PNG", "a picture", "give a model file"),
    (0, b"\xff\xd8\xff", "a picture", "give a model file"),
    (0, b"7767517", "an ncnn model", "give the ONNX file that it was made from"),
)
"""Offset, bytes, what the file is, and what to do."""

_SUFFIXES: dict[str, tuple[str, str]] = {
    ".h5": ("an HDF5 file, as Keras saves models", _KERAS),
    ".hdf5": ("an HDF5 file, as Keras saves models", _KERAS),
    ".keras": ("a Keras model", _KERAS),
    ".tflite": ("a TensorFlow Lite model", _TENSORFLOW),
    ".pb": ("a TensorFlow graph", _TENSORFLOW),
    ".mlmodel": ("a Core ML model", "give the model that it was converted from, or its ONNX file"),
    ".pmml": ("a PMML model", f"{_REWRITE} instead"),
    ".gguf": ("a GGUF language model", "measure it with llama-bench"),
    ".safetensors": ("a file of weights (safetensors)", f"it does not say how to call them; {_TORCH}"),
    ".rds": ("a serialised R object (RDS)", f"{_REWRITE} from R"),
    ".rda": ("an R workspace", f"{_REWRITE} from R"),
    ".rdata": ("an R workspace", f"{_REWRITE} from R"),
    ".engine": ("a TensorRT engine", "measure it with trtexec, or give the ONNX file that it was built from"),
    ".plan": ("a TensorRT engine", "measure it with trtexec, or give the ONNX file that it was built from"),
    ".trt": ("a TensorRT engine", "measure it with trtexec, or give the ONNX file that it was built from"),
    ".caffemodel": ("a Caffe model", _TO_ONNX),
    ".pdmodel": ("a PaddlePaddle model", f"{_TO_ONNX}: paddle2onnx"),
    ".pdiparams": ("PaddlePaddle weights", f"{_TO_ONNX}: paddle2onnx"),
    ".mar": ("a TorchServe archive", _UNPACK),
    ".mlpackage": ("a Core ML model", "give the model that it was converted from, or its ONNX file"),
}
_TABLE_SUFFIXES = {".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".feather", ".xls", ".xlsx", ".arff", ".libsvm"}
MODEL_SUFFIXES = frozenset({*_SUFFIXES, ".bst", ".model", ".xgb", ".lgb", ".cb", ".ckpt"})
"""Suffixes of model files that do not determine a supported format."""

_TEXTS: tuple[tuple[bytes, str, str], ...] = (
    (rb"<pmml\b", "a PMML model", f"PMML is not read; {_REWRITE} instead"),
    (
        rb"<net\b[^>]*\bname=",
        "an OpenVINO model",
        "measure it with benchmark_app, or give its ONNX file",
    ),
    (
        rb"^booster\[\d+\]",
        "a text dump of an XGBoost model",
        _SAVE_XGBOOST,
    ),
    (
        rb"^\s*\[\s*\{\s*\"nodeid\"",
        "a JSON dump of an XGBoost model",
        _SAVE_XGBOOST,
    ),
    (rb"^artifact_path:|^flavors:|\nflavors:", "the description of an MLflow model", "name its folder: -m FOLDER"),
    (rb"^(import|from|def|class) [\w.]+|^#!.*python", "Python source", "name what it defines: -m module:name"),
    (rb"^name: \"|^layer \{|^input: \"", "a text description of a Caffe model", _TO_ONNX),
)

_JSON_KEYS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("tree_info", "max_feature_idx"),
        "a JSON dump of a LightGBM model",
        _SAVE_LIGHTGBM,
    ),
    (("class_name", "config"), "a Keras model without its weights", _KERAS),
    (("modelTopology", "weightsManifest"), "a TensorFlow.js model", _TENSORFLOW),
    (("nodes", "arg_nodes"), "an MXNet model without its weights", _TO_ONNX),
    (
        ("model_type", "architectures"),
        "the configuration of a Transformers model",
        _TRANSFORMERS,
    ),
    (("cells", "nbformat"), "a Jupyter notebook", "save the model to a file"),
    (
        ("generic_param", "learner_train_param"),
        "an XGBoost configuration without its trees",
        _SAVE_XGBOOST,
    ),
)


def describe_format(path: Path, head: bytes) -> str:
    """Return the format of a file and what to do, as the end of a sentence; empty if the format is unknown."""
    inside = decompress_head(head)
    for offset, magic, what, do in _MAGIC:
        if head[offset:].startswith(magic):
            return _with_members(path, what, do, b"")
        if inside[offset:].startswith(magic):
            return _with_members(path, f"{what}, compressed", do, inside)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _sentence("an HDF5 file, as Keras saves models", _KERAS)
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 2**27:
        return _sentence(*_SUFFIXES[".safetensors"])
    if head.startswith(b"bs64"):
        return _sentence("an old XGBoost file in text form", 'load it with xgboost<3.1 and save_model("model.ubj")')
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, what, do in _TEXTS:
        if re.search(pattern, start[:2048].lower()):
            return _sentence(what, do)
    if start[:1] == b"{":
        for keys, what, do in _JSON_KEYS:
            if sum(f'"{key}"'.encode() in start for key in keys) >= min(2, len(keys)):
                return _sentence(what, do)
    if is_core_ml(read_field_numbers(path)):
        return _sentence(*_SUFFIXES[".mlmodel"])
    if _TABLE_SUFFIXES & {suffix.lower() for suffix in path.suffixes}:
        return _sentence("a table", _ARRAYS)
    if path.suffix.lower() in _SUFFIXES:
        return _sentence(*_SUFFIXES[path.suffix.lower()])
    return ""


def describe_archive(names: Iterable[str]) -> str:
    """Return the format of a ZIP archive and what to do, like `describe_format`, by the names of its members."""
    names = list(names)
    ends = {name.rpartition("/")[2] for name in names}
    if {"config.json", "model.weights.h5"} <= ends:
        return _sentence("a Keras model", _KERAS)
    if "MAR-INF/MANIFEST.json" in names:
        return _sentence(*_SUFFIXES[".mar"])
    if "[Content_Types].xml" in ends:
        return _sentence("an Office document", "export its table as CSV, or give it with --data")
    if "model.ini" in ends:
        return _sentence("an H2O model (MOJO)", f"{_REWRITE} instead")
    if names and all(name.endswith(".npy") for name in names):
        return _sentence("a file of arrays (NPZ)", _ARRAYS)
    if any(".mlpackage/" in name or name.endswith(".mlmodel") for name in names):
        return _sentence("an archive of a Core ML model", _SUFFIXES[".mlmodel"][1])
    if any(name.endswith("saved_model.pb") for name in names):
        return _sentence("an archive of a TensorFlow model (SavedModel)", _TENSORFLOW)
    return _sentence(f"a ZIP archive{_listing(names)}", _UNPACK)


def decompress_head(head: bytes) -> bytes:
    """Decompress the first bytes of a file; return empty bytes if the file is not compressed."""
    import bz2  # deferred, as lzma is: few files are compressed
    import lzma

    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(head, 8192)
        if head[:2] in (b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x78\x5e"):
            return zlib.decompressobj().decompress(head, 8192)
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(head, 8192)
        if head.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
            return lzma.LZMADecompressor().decompress(head, 8192)
    except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
        pass
    return b""


def read_field_numbers(path: Path, most: int = 500) -> list[int]:
    """Return the top-level field numbers of a protocol buffer; empty if the file is invalid or truncated."""
    numbers: list[int] = []
    with path.open("rb") as file:
        size = path.stat().st_size
        while len(numbers) < most and file.tell() < size:
            key = _varint(file.read(10), file)
            if key is None or not key >> 3:
                return []
            wire = key & 7
            if wire == 0:
                length = 0 if _varint(file.read(10), file) is not None else None
            else:
                length = {1: 8, 5: 4}.get(wire) if wire != 2 else _varint(file.read(10), file)
            if length is None or file.tell() + length > size:
                return []
            numbers.append(key >> 3)
            file.seek(length, 1)
    return numbers


def is_core_ml(numbers: list[int]) -> bool:
    """Return whether top-level field numbers are those of Core ML: field 1 first, and the model from 200 on."""
    return numbers[:1] == [1] and any(number >= 200 for number in numbers)


def describe_folder_format(path: Path) -> str:
    """Return the format of a folder and what to do, like `describe_format`."""
    entries = sorted(entry.name for entry in path.iterdir())
    if "saved_model.pb" in entries or "keras_metadata.pb" in entries:
        return _sentence("a TensorFlow model (SavedModel)", f"{_TENSORFLOW} --saved-model {path}")
    if path.suffix == ".mlpackage" or {"Manifest.json", "Data"} <= set(entries):
        return _sentence(*_SUFFIXES[".mlpackage"])
    if "metadata" in entries and {"stages", "data"} & set(entries):
        return _sentence("a Spark model", f"{_TO_ONNX}: onnxmltools.convert_sparkml")
    if "config.json" in entries and any(entry.endswith((".safetensors", ".bin")) for entry in entries):
        return _sentence("a Transformers model", _TRANSFORMERS)
    if "checkpoint" in entries and any(entry.endswith(".index") for entry in entries):
        return _sentence("a TensorFlow checkpoint", _TENSORFLOW)
    return ""


def _sentence(what: str, do: str) -> str:
    return f"is {what}; {do}"


def _with_members(path: Path, what: str, do: str, inside: bytes) -> str:
    """Return the sentence with the first members of a tar archive, or the first one if it is compressed."""
    names: list[str] = []
    if inside[257:262] == b"ustar":
        names = [inside[:100].rstrip(b"\0").decode(errors="replace")]
    elif what == "a tar archive":
        import tarfile  # deferred: needed for few files

        with contextlib.suppress(tarfile.TarError, OSError, EOFError), tarfile.open(path, "r:") as archive:
            names = [member.name for _, member in zip(range(50), archive, strict=False) if member.isfile()]
    return _sentence(what + _listing(names), do)


def _listing(names: list[str]) -> str:
    shown = [name for name in names if not name.endswith("/")]
    if not shown:
        return ""
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f" of {', '.join(name[:60] for name in shown[:3])}{more}"


def _varint(buffer: bytes, file: object) -> int | None:
    """Return a varint and move the file to the byte after it; None if it is incomplete."""
    value = 0
    for index, byte in enumerate(buffer):
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            file.seek(index + 1 - len(buffer), 1)  # type: ignore[attr-defined] # a binary file
            return value
    return None
