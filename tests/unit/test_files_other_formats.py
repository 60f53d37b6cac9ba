"""Files and folders that cannot be measured are named by their content, with what to do instead."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from latency_tui.catalog.data_files import format_of
from latency_tui.catalog.model_files import kind_of, looks_like_file
from latency_tui.catalog.named_models import resolve_model
from latency_tui.catalog.trust_store import trust_for
from latency_tui.errors import UsageError

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
COREML = b"\x08\x01\x12\x04\x0a\x02ab" + b"\xb2\x12\x02\x08\x01"  # field 294 holds the model
SAVED_MODEL = b"\x08\x01\x12\x06\x0a\x04\x22\x02ab"
LIGHTGBM_JSON = b'{"name":"tree","version":"v4","num_class":1,"max_feature_idx":3,"objective":"binary","tree_info":[]}'


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), b"{}")
    return made.getvalue()


def tarred(name: str, mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as file:  # type: ignore[call-overload]
        file.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    return made.getvalue()


KNOWN = {
    "Git LFS pointer": ("a.onnx", LFS, "Git LFS pointer.*`git lfs pull`"),
    "Git LFS pointer of a pickle": ("a.pkl", LFS, "Git LFS pointer"),
    "git-annex pointer": ("a.onnx", b"/annex/objects/SHA256E-s1--ab.onnx\n", "git-annex pointer.*git annex get"),
    "DVC pointer": ("a.dvc", b"outs:\n- md5: 12ab\n  path: a.onnx\n", "DVC pointer.*dvc pull"),
    "web page": ("a.joblib", b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    "page in capitals": ("a.onnx", b"<HTML><HEAD></HEAD></HTML>", "web page"),
    "server's error": (
        "a.onnx",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        "error message of a server",
    ),
    "zeros": ("a.onnx", bytes(5000), "filled with zeros.*again"),
    "Keras 2": ("a.h5", b"\x89HDF\r\n\x1a\n\0\0", r"HDF5.*Keras.*model\.export"),
    "HDF5 of another name": ("weights", b"\x89HDF\r\n\x1a\n\0\0", "HDF5"),
    "Keras 3": ("a.keras", zipped("metadata.json", "config.json", "model.weights.h5"), r"Keras model.*model\.export"),
    "TensorFlow Lite": ("a.tflite", b"\x1c\0\0\0TFL3\x14\0", "TensorFlow Lite.*tf2onnx"),
    "TensorFlow graph": ("saved_model.pb", SAVED_MODEL, "TensorFlow graph.*tf2onnx"),
    "Core ML": ("a.mlmodel", COREML, "Core ML"),
    "Core ML of another name": ("a.onnx", COREML, "Core ML"),
    "PMML": ("a.pmml", b'<?xml version="1.0"?>\n<PMML version="4.4"></PMML>', "PMML.*ONNX"),
    "OpenVINO": ("a.xml", b'<?xml version="1.0"?><net name="x" version="11">', "OpenVINO.*benchmark_app"),
    "GGUF": ("a.gguf", b"GGUF\x03\0\0\0", "GGUF.*llama-bench"),
    "safetensors": ("a.safetensors", b'\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32"}}', "safetensors.*torch.export"),
    "TensorRT": ("a.engine", b"ftrt\0\0", "TensorRT.*trtexec"),
    "LightGBM's JSON": ("a.json", LIGHTGBM_JSON, r"LightGBM.*booster\.save_model"),
    "XGBoost's dump": ("a.txt", b"booster[0]:\n0:[f2<2.45] yes=1,no=2\n", r"text dump of an XGBoost.*save_model"),
    "XGBoost's JSON dump": ("a.json", b'[\n  { "nodeid": 0, "depth": 0', "JSON dump of an XGBoost"),
    "TensorFlow.js": ("a.json", b'{"modelTopology": {}, "weightsManifest": []}', "TensorFlow.js"),
    "old PyTorch weights": ("a.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M", "PyTorch weights"),
    "PyTorch weights": ("a.bin", zipped("archive/data.pkl"), "PyTorch weights.*torch.export.save"),
    "R": ("a.rds", gzip.compress(b"X\n\0\0\0\x03\0\x04"), r"R object \(RDS\)"),
    "R under a pickle's name": ("a.pkl", gzip.compress(b"X\n\0\0\0\x03\0\x04"), r"R object \(RDS\)"),
    "R workspace": ("a.RData", bz2.compress(b"RDX3\nX\n"), "R workspace"),
    "tar": ("a.tar", tarred("model/model.joblib"), "tar archive of model/model.joblib.*unpack"),
    "compressed tar": ("model.tar.gz", tarred("xgboost-model", "w:gz"), "tar archive, compressed of xgboost-model"),
    "zip": ("a.zip", zipped("x/model.onnx", "README.md"), "ZIP archive of x/model.onnx, README.md.*unpack"),
    "zip with a folder of models": ("a.zip", zipped("x/models/model.json", "x/data/d.csv"), "ZIP archive.*unpack"),
    "TorchServe": ("a.mar", zipped("MAR-INF/MANIFEST.json", "model.pt"), "TorchServe"),
    "compressed LightGBM": ("a.txt.gz", gzip.compress(b"tree\nversion=v4\n"), "compressed model file; unpack"),
    "compressed ONNX": ("a.onnx.xz", lzma.compress(b"\x08\x09\x12\x08skl2onnx\x1a\x061.2"), "compressed model file"),
    "array": ("a.npy", b"\x93NUMPY\x01\0", "NumPy array.*--data"),
    "table": ("a.parquet", b"PAR1\x15\x04", "Parquet.*--data"),
    "text": (
        "a.onnx",
        b"Permission denied, ask Bob\n",
        "not an ONNX model.*begins with 'Permission den",
    ),
    "data as a model": ("a.csv", b"a,b,c\n1,2,3\n", "a table; that is data: give it with --data"),
    "compressed data as a model": ("a.csv.gz", gzip.compress(b"a,b,c\n1,2,3\n"), "a table; that is data"),
    "source": ("train.py", b"import numpy\n\nclass Net: pass\n", "Python source.*-m module:name"),
}


@pytest.mark.parametrize("case", KNOWN)
def test_what_cannot_be_measured_is_named_with_the_way_out(tmp_path: Path, case: str) -> None:
    name, content, said = KNOWN[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        kind_of(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name} is " if "PyTorch" not in case else str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert "truncated" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.onnx", "a.csv", "a.npz", "a.parquet"])
def test_a_pointer_in_place_of_a_model_or_of_data_is_told_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(LFS)
    for look in (kind_of, format_of):
        with pytest.raises(UsageError, match="Git LFS pointer, not the file itself"):
            look(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.bst", b"binf\0\0\0\x3f\x04\0\0\0", "xgboost"),
        ("a.model", b"\0\0\0\x3f\x04\0\0\0\0\0\0\0", "xgboost"),
        ("a.model", b"\0\0\0\x80\x7f" + bytes(131) + b"\x0f\0\0\0\0\0\0\0binary:logistic\x06\0", "xgboost"),
        ("a.model", pickle.dumps(Fraction(1, 2), protocol=0), "pickle"),
        ("a.json", b'{\n  "learner": {\n', "xgboost"),
        ("model.pkl", b'{"version":[3,2,0],"learner":{}}', "xgboost"),
        ("a.json", b'{"features_info":{},"model_info":{},"oblivious_trees":[],"scale_and_bias":[1,[0]]}', "catboost"),
        ("a.json", b'{"ctr_data":{' + b" " * 5000 + b'},"features_info":{},"oblivious_trees":[]}', "catboost"),
        ("a.txt", b"tree\r\nversion=v4\r\n", "lightgbm"),
        ("a.txt", b"\xef\xbb\xbftree\nversion=v4\n", "lightgbm"),
        ("a.lgb", b"tree\nversion=v4\n", "lightgbm"),
        ("a.joblib", gzip.compress(pickle.dumps([1]), mtime=0), "pickle"),
        ("a.joblib", lzma.compress(pickle.dumps([1])), "pickle"),
        ("a.gz", bz2.compress(pickle.dumps([1], protocol=0)), "pickle"),
        ("model.pkl", b"tree\nversion=v4\n", "lightgbm"),
        ("a.skops", b"\x08\x07\x3a\x02\x0a\x00", "onnx"),
    ],
)
def test_a_model_is_known_whatever_its_name(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) == kind


def folder(path: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (path / name.replace("__", ".")).parent.mkdir(parents=True, exist_ok=True)
        (path / name.replace("__", ".")).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        ("m", {"saved_model__pb": SAVED_MODEL}, "TensorFlow model.*--saved-model"),
        ("m.mlpackage", {"Manifest__json": b"{}"}, "Core ML"),
        ("m", {"config__json": b"{}", "model__safetensors": b""}, "Transformers model.*optimum-cli"),
        (
            "m",
            {"model__onnx": b"", "notes__md": b""},
            "holds model.onnx; name a file in it: -m .*/m/model.onnx",
        ),
        ("m", {"notes__md": b""}, "is a folder, not a model file"),
    ],
)
def test_a_folder_is_named_with_the_way_out(tmp_path: Path, name: str, files: dict[str, bytes], said: str) -> None:
    folder(tmp_path / name, **files)
    with pytest.raises(UsageError, match=said):
        resolve_model(str(tmp_path / name))


def test_a_spark_model_is_named(tmp_path: Path) -> None:
    for name in ("metadata", "stages"):
        (tmp_path / "m" / name).mkdir(parents=True)
    with pytest.raises(UsageError, match="Spark model"):
        kind_of(tmp_path / "m")


MLMODEL = """artifact_path: model
flavors:
  python_function:
    env: conda.yaml
    loader_module: mlflow.sklearn
    model_path: {file}
  sklearn:
    pickled_model: {file}
    serialization_format: cloudpickle
model_uuid: abc
"""


@pytest.mark.parametrize("named", ["churn", "churn/", "churn/MLmodel"])
def test_the_model_inside_an_mlflow_folder_is_taken(tmp_path: Path, named: str) -> None:
    made = folder(tmp_path / "churn", MLmodel=MLMODEL.format(file="model.pkl").encode(), model__pkl=pickle.dumps([1]))
    candidate = resolve_model(f"{tmp_path}/{named}")
    assert (candidate.name, candidate.model.file) == ("churn", str(made / "model.pkl"))
    trust = trust_for([candidate], files=[f"{tmp_path}/{named}"], memory=tmp_path / "memory")
    assert len(trust.files) == 1, "trust in the folder is trust in its model"


def test_an_mlflow_folder_without_a_file_that_fits_says_its_flavours(tmp_path: Path) -> None:
    made = folder(tmp_path / "m", MLmodel=MLMODEL.format(file="../../etc/passwd").encode())
    with pytest.raises(UsageError, match=r"MLflow model \(sklearn\) without a model file"):
        resolve_model(str(made))
    made = folder(tmp_path / "k", MLmodel=b"flavors:\n  keras:\n    data: data\n")
    (made / "data").mkdir()
    (made / "data" / "model.keras").write_bytes(zipped("config.json", "model.weights.h5"))
    with pytest.raises(UsageError, match="Keras model"):
        resolve_model(str(made))


def test_a_missing_file_of_a_known_suffix_is_missing_and_no_name(tmp_path: Path) -> None:
    for name in ("a.h5", "a.tflite", "a.bst", "a.pmml", "a.mlmodel"):
        assert looks_like_file(name)
        with pytest.raises(UsageError, match="There is no file"):
            resolve_model(name)
