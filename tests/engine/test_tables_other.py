"""Arrays, JSON, Excel, sparse matrices, pickles and typed columns are read with their values, or it is said why not."""

from __future__ import annotations

import datetime
import decimal
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.data_columns import column_names, columns_for_encoding
from latency_tui.catalog.resolve import Request, resolve
from latency_tui.catalog.trust_store import digest_of
from latency_tui.catalog.validate import check_plan
from latency_tui.engine.data.dataset import prepare
from latency_tui.engine.data.tables import read
from latency_tui.errors import DataError, UsageError
from latency_tui.plan import Candidate, FileDataset, ModelSpec, Plan, Trust, Workload
from latency_tui.plan.trust import EVERYTHING

FRAME = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": [1, 2, 3], "c": ["x", "y", "x"]})


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table", "lines", "values"])
def test_json_is_read_in_every_shape_that_pandas_writes(tmp_path: Path, orient: Any) -> None:
    path = tmp_path / ("a.jsonl" if orient == "lines" else "a.json")
    if orient == "lines":
        FRAME.to_json(path, orient="records", lines=True)
    else:
        FRAME.to_json(path, orient=orient)
    found = read(path, "2" if orient == "values" else "c")
    np.testing.assert_array_equal(np.asarray(found.inputs, dtype=float), FRAME[["a", "b"]].to_numpy())
    assert list(found.targets) == ["x", "y", "x"]
    if orient in ("records", "columns", "lines"):
        assert column_names(path) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": [1, 2], "b": 3}', "is JSON but not a table; a table is a list of objects"),
        ("[1, 2, 3]", "not a table"),
        ('[{"a": 1}, {"a"', "cannot be read as a JSON file: .*truncated or damaged"),
        ('[{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3]}]', "the column b contains lists, not one value per row"),
        ('[{"a": 1, "b": {"c": 1}, "d": [2]}]', "the columns b, d contain records and lists"),
        ('[{"a": 1}, {"a": null}]', "1 rows without a value in the target column 'a'"),
        ('[{"b": 1}]', "has no column 'a'"),
    ],
)
def test_json_that_is_no_table_is_told(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.json", "a")


def test_json_lines_with_utf16_and_missing_keys(tmp_path: Path) -> None:
    lines = [{"a": 1, "b": True}, {"a": 2, "c": "2024-01-02"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-16")
    found = read(tmp_path / "a.jsonl", None).inputs
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        "a": "int64",
        "b": "boolean",
        "c": "datetime64[us]",
    }
    assert columns_for_encoding(tmp_path / "a.jsonl", "a") == ("b", "c")


def test_a_workbook_is_read_from_its_first_sheet(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as writer:
        FRAME.to_excel(writer, sheet_name="Orders", index=True, startrow=1)
        FRAME.to_excel(writer, sheet_name="Other", index=False)
    table = read(path, "c")
    pd.testing.assert_frame_equal(table.inputs, FRAME[["a", "b"]])
    assert table.notes == (
        "the first of 2 sheets was read: Orders",
        "left out, because it is an index of the rows: Unnamed: 0",
    )
    FRAME[["a", "b"]].to_excel(tmp_path / "bare.xlsx", index=False, header=False)
    np.testing.assert_array_equal(read(tmp_path / "bare.xlsx", None).inputs, FRAME[["a", "b"]])


def test_a_workbook_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<xml/>")
    with pytest.raises(DataError, match=r"is an Excel workbook that openpyxl cannot read .* save it as CSV or Parquet"):
        read(path, None)
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"is an Excel workbook and needs openpyxl: pip install openpyxl"):
        read(path, None)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_matrix, sparse.csc_array, sparse.dia_matrix])
def test_sparse_matrices_are_read_as_rows(tmp_path: Path, kind: Any) -> None:
    rows = sparse.random(20, 30, 0.2, format="csr", random_state=0)
    sparse.save_npz(tmp_path / "a.npz", kind(rows))
    found = read(tmp_path / "a.npz", None).inputs
    assert found.format == "csr"
    np.testing.assert_array_equal(found.toarray(), rows.toarray())
    parted = read(tmp_path / "a.npz", "-1")
    np.testing.assert_array_equal(parted.inputs.toarray(), rows.toarray()[:, :-1])
    np.testing.assert_array_equal(parted.targets, rows.toarray()[:, -1])
    assert column_names(tmp_path / "a.npz") == ()


def test_libsvm_files_bring_their_targets(tmp_path: Path) -> None:
    rows, targets = sparse.random(20, 30, 0.2, format="csr", random_state=0), np.arange(20) % 3
    for name in ("a.svm", "a.txt"):
        dump_svmlight_file(rows, targets, str(tmp_path / name))
        table = read(tmp_path / name, None)
        np.testing.assert_allclose(table.inputs.toarray(), rows.toarray()[:, : table.inputs.shape[1]])
        np.testing.assert_array_equal(table.targets, targets)


@pytest.mark.parametrize("shape", [(6,), (6, 4), (6, 3, 2), (6, 1, 8, 8), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool", "int64", "float16", "<U3"])
def test_arrays_of_every_rank_keep_shape_and_type(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    array = (np.arange(np.prod(shape)).reshape(shape) % 7).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", X=array, y=np.arange(len(array)))
    for name in ("a.npy", "a.npz"):
        found = read(tmp_path / name, None).inputs
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_arrays_with_names_of_their_own_are_kept_by_name(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "ids": np.ones((5, 3), np.int64),
        "image": np.ones((5, 2, 2, 1), np.float32),
        "size": np.arange(5),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    np.savez(tmp_path / "b.npz", **arrays, y=np.arange(5))
    np.savez(tmp_path / "c.npz", **arrays, classes=np.arange(5))
    for name, target, there in (("a", None, False), ("b", None, True), ("c", "classes", True)):
        table = read(tmp_path / f"{name}.npz", target)
        assert {key: value.shape for key, value in table.inputs.items()} == {k: v.shape for k, v in arrays.items()}
        assert (table.targets is not None) == there


@pytest.mark.parametrize(
    ("arrays", "target", "said"),
    [
        ({"X": np.array([["a", 1]], dtype=object)}, None, "contains Python objects in X, which are not read"),
        ({"X": np.ones((2, 2)), "y": np.array([{}, {}])}, None, "contains Python objects in y"),
        ({"X": np.ones((2, 2)), "y": np.array([1.0, np.nan])}, None, "1 rows without a value in the targets"),
        ({"X": np.ones((2, 2)), "y": np.array([1.0, np.inf])}, None, "1 rows with an infinite value in the targets"),
        ({"X": np.ones((2, 2)), "y": np.ones(3)}, None, "2 rows but 3 targets"),
        ({"X": np.ones((2, 2)), "y": np.ones((3, 2))}, None, "2 rows but 3 targets"),
        ({"X": np.float64(1)}, None, "contains a single value in X, not rows"),
        ({"X": np.ones((2, 2)), "y": np.ones(2)}, "z", "has no array 'z'"),
    ],
)
def test_arrays_that_cannot_be_used_are_told(tmp_path: Path, arrays: Any, target: str | None, said: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.npz", target)


def test_several_targets_per_row_are_read_as_such(tmp_path: Path) -> None:
    targets = np.c_[np.arange(50) % 2, np.arange(50) % 3]
    np.savez(tmp_path / "a.npz", X=np.ones((50, 4)), y=targets)
    data = prepare(FileDataset(path=str(tmp_path / "a.npz")))
    assert data.y_train.shape == (37, 2)
    np.testing.assert_array_equal(data.y_all, targets)
    np.savez(tmp_path / "b.npz", X=np.ones((50, 4)), y=targets[:, :1])
    assert prepare(FileDataset(path=str(tmp_path / "b.npz"))).y_train.shape == (37,)


def test_typed_columns_of_parquet_reach_the_models_with_their_values(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["a", "b", "a"]),
            "integer": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "price": [decimal.Decimal("1.50"), None, decimal.Decimal("2.25")],
            "day": [datetime.date(2024, 1, 1), datetime.date(2024, 1, 2), None],
            "when": pd.to_datetime(["2024-01-01", "2024-01-02", None]),
            "y": pd.array([1, 0, 1], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    table = read(tmp_path / "a.parquet", "y")
    found = table.inputs
    assert str(found["category"].dtype) == "category"
    np.testing.assert_array_equal(found["integer"].to_numpy("float64", na_value=np.nan), [1, np.nan, 3])
    np.testing.assert_array_equal(found["flag"].to_numpy("float64", na_value=np.nan), [1, np.nan, 0])
    np.testing.assert_array_equal(found["price"], [1.5, np.nan, 2.25])
    assert found["day"].dtype.kind == found["when"].dtype.kind == "M"
    assert table.targets.dtype == np.int64
    assert columns_for_encoding(tmp_path / "a.parquet", "y") == (
        "category",
        "integer",
        "flag",
        "price",
        "day",
        "when",
    )
    categories = read(tmp_path / "a.parquet", "category").targets
    assert list(categories) == ["a", "b", "a"]
    with pytest.raises(DataError, match="1 rows without a value in the target column 'integer'"):
        read(tmp_path / "a.parquet", "integer")


def test_columns_of_lists_are_refused_by_name(tmp_path: Path) -> None:
    frame = pd.DataFrame({"row": [[1, 2]] * 5, "raw": [b"\xff\0"] * 5, "x": np.arange(5.0)})
    frame.to_parquet(tmp_path / "a.parquet")
    for target in ("row", "x"):
        with pytest.raises(DataError, match="the columns row, raw contain lists and bytes, not one value per row"):
            read(tmp_path / "a.parquet", target)


def test_bytes_that_are_text_are_read_as_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"city": [b"Rome", "C\u00f3rdoba".encode(), None], "price": [b"1.5", b"2", b"3"]})
    frame.assign(y=[0, 1, 0]).to_parquet(tmp_path / "a.parquet")
    inputs = read(tmp_path / "a.parquet", "y").inputs
    assert list(inputs["city"])[:2] == ["Rome", "C\u00f3rdoba"]
    assert list(inputs["price"]) == [1.5, 2.0, 3.0]


# --- pickles


def trusted(path: Path) -> Trust:
    return Trust(files={digest_of(path): (EVERYTHING,)})


@pytest.mark.parametrize("dump", [pickle.dump, lambda value, file: joblib.dump(value, file, compress=3)])
def test_a_pickled_frame_is_read_only_if_it_is_trusted(tmp_path: Path, dump: Any) -> None:
    path = tmp_path / "frame.pkl"
    with path.open("wb") as file:
        dump(FRAME, file)
    said = f"is a pickle: reading it runs its author's code. If you trust it, add --trust {path}; or save the table"
    with pytest.raises(DataError, match=said):
        read(path, "c")
    np.testing.assert_array_equal(read(path, "c", trusted(path)).inputs, FRAME[["a", "b"]])


@pytest.mark.parametrize(
    "value",
    [(np.ones((3, 2)), np.arange(3)), {"data": np.ones((3, 2)), "target": np.arange(3)}, np.ones((3, 2)), [1, 2]],
)
def test_pickles_of_arrays_are_tables_too_and_others_are_told(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(pickle.dumps(value))
    if isinstance(value, list):
        with pytest.raises(DataError, match="is a pickle of list, which is not a table"):
            read(path, None, trusted(path))
        return
    table = read(path, None, trusted(path))
    assert table.inputs.shape == (3, 2)
    assert (table.targets is None) == isinstance(value, np.ndarray)


def test_a_pickle_of_data_is_trusted_like_a_models(tmp_path: Path) -> None:
    path = tmp_path / "frame.pkl"
    path.write_bytes(pickle.dumps(FRAME))
    request = Request(models=("dummy-classifier",), data=str(path), target="c")
    model = Candidate(model=ModelSpec(name="dummy", factory="sklearn.dummy:DummyClassifier"))
    plan = Plan(candidates=(model,), workload=Workload(dataset=FileDataset(path=str(path), target="c")))
    with pytest.raises(UsageError, match="reading it runs its author's code"):
        check_plan(plan)
    loaded = LoadedConfiguration()
    assert not resolve(request, loaded).trust.files
    resolved = resolve(Request(models=request.models, data=str(path), target="c", trust=(str(path),)), loaded)
    assert resolved.trust == trusted(path)
    assert prepare(resolved.dataset, resolved.trust).features == 2
