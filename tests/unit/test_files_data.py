"""What `--data` means: a bundled set by name or a file by its first bytes, looked at before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from latency_tui.catalog.datasets import resolve_dataset
from latency_tui.errors import UsageError
from latency_tui.plan import BundledDataset, FileDataset


def test_bundled_sets_are_known_by_name() -> None:
    assert resolve_dataset("Breast_Cancer") == BundledDataset(name="breast-cancer")
    assert resolve_dataset("iris").title == "iris"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"x,y\n1,2\n"),
        ("a.parquet", b"PAR1...."),
        ("a.feather", b"ARROW1.."),
        ("a.npz", b"PK\x03\x04...."),
        ("a.npy", b"\x93NUMPY.."),
        ("a.jsonl", b'{"x": 1}\n'),
        ("no-suffix", b"x,y\n1,2\n"),
    ],
)
def test_files_are_known_by_their_content(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = resolve_dataset(str(tmp_path / name), target="y")
    assert found == FileDataset(path=str(tmp_path / name), target="y")
    assert found.title == name


@pytest.mark.parametrize(
    ("text", "content", "said"),
    [
        ("irsi", None, "did you mean iris?"),
        ("missing.csv", None, "There is no file"),
        ("empty.csv", b"", "is empty"),
        ("caf\udce9.csv", b"x,y\n", "name of caf\ufffd.csv is not UTF-8"),
        ("a.parquet", b"x,y\n", "not a Parquet file"),
        ("a.csv", b"PAR1....", "is a Parquet file, not a CSV file as its name says"),
        ("odd", b"\x00\x01\x02\x03", "it is not text"),
        ("white.csv", b" \n\n", "holds white space only"),
        ("lfs.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        ("page.csv", b"\n<!DOCTYPE html><html>", "is a web page"),
        ("a.json", b"x,y\n1,2\n", "is not a JSON file: it begins with 'x,y'"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        ("a.db", b"SQLite format 3\0", "is an SQLite database"),
        ("a.arff", b"% iris\n@RELATION iris\n", "is an ARFF file"),
        ("a.zip", b"PK\x03\x04....", "is a ZIP archive"),
        ("a.xml", b"<table/>", "is an XML file"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00cut", "truncated or damaged"),
        ("a.csv.xz", b"\xfd7zXZ\x00cut", "truncated or damaged"),
        ("a.csv.bz2", b"BZh91AY", "truncated or damaged"),
        ("table.xls", b"\xd0\xcf\x11\xe0\x00", "old Excel workbook"),
    ],
)
def test_what_cannot_be_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, content: bytes | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / text).write_bytes(content)
    with pytest.raises(UsageError, match=said):
        resolve_dataset(text)


def test_a_bundled_set_has_its_task_already_and_a_task_is_one_of_two() -> None:
    assert resolve_dataset("diabetes", task="regression") == BundledDataset(name="diabetes")
    with pytest.raises(UsageError, match="diabetes is for regression, not for classification"):
        resolve_dataset("diabetes", task="classification")
    with pytest.raises(UsageError, match="must be classification or regression, not 'ranking'"):
        FileDataset(path="a.csv", task="ranking")  # type: ignore[arg-type] # as someone may type it


def test_a_bundled_set_has_its_target_already() -> None:
    with pytest.raises(UsageError, match="already has a target"):
        resolve_dataset("iris", target="species")
    with pytest.raises(UsageError, match="between 0 and 1"):
        FileDataset(path="a.csv", test_fraction=1.5)
