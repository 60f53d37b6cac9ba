"""Text tables of every notation are read as pandas reads them when it is told how they are written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest

from latency_tui.catalog.data_columns import column_names, columns_for_encoding
from latency_tui.engine.data.tables import Table, read
from latency_tui.errors import DataError

FRAME = pd.DataFrame(
    {
        "Länge (cm)": [1.5, 2.25, -0.125, 1e-7, 12345.5],
        "count": [1, 20, 300, 4000, 50000],
        "city": ["Köln", "Bern", "São Paulo", "a, b; c | d", 'the "Hague"'],
        "y": [0, 1, 0, 1, 1],
    }
)
DECIMALS = {";": ",", "\t": ",", "|": "."}


def written(folder: Path, text: str, *, name: str = "a.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def frame_of(path: Path, target: str | None = None) -> Any:
    return read(path, target).inputs


def same(found: Any, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_separators_decimals_and_encodings_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    text = FRAME.to_csv(sep=separator, index=False, decimal=DECIMALS.get(separator, "."))
    path = written(tmp_path, text, encoding=encoding)
    table = read(path, "y")
    same(table.inputs, FRAME.drop(columns="y"))
    np.testing.assert_array_equal(table.targets, FRAME["y"])
    assert column_names(path) == tuple(FRAME.columns), "the screen lists what the command line reads"
    told = "line 1 is not UTF-8, so the file was read as Windows-1252"
    assert [note[: len(told)] for note in table.notes] == ([told] if encoding in ("latin-1", "cp1252") else [])


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [1, 2])
def test_quotes_and_ends_of_lines_make_no_difference(tmp_path: Path, ending: str, quoting: int) -> None:
    text = FRAME.to_csv(sep=";", index=False, quoting=quoting, lineterminator=ending)
    same(frame_of(written(tmp_path, text)), FRAME)


@pytest.mark.parametrize(
    ("suffix", "packed"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", lambda content: pyarrow.Codec("zstd").compress(content, asbytes=True)),
    ],
)
@pytest.mark.parametrize("kind", ["a.csv", "a.tsv", "a.json"])
def test_compressed_files_are_read_through(tmp_path: Path, suffix: str, packed: Any, kind: str) -> None:
    text = FRAME.to_json(orient="records") if kind == "a.json" else FRAME.to_csv(index=False)
    path = tmp_path / (kind + suffix)
    path.write_bytes(packed(text.encode()))
    same(frame_of(path), FRAME)
    assert column_names(path) == tuple(FRAME.columns)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="truncated or damaged"):
        read(path, None)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a;b\n1.234,5;1\n12,25;2\n", {"a": [1234.5, 12.25], "b": [1, 2]}),
        ("a;b\n1.234.567;1\n2,5;2\n", {"a": [1234567.0, 2.5], "b": [1, 2]}),
        ("a;b\n1,5;1.234\n2,5;12.345\n", {"a": [1.5, 2.5], "b": [1234, 12345]}),
        ("a;b\n1,234;1\n0,5;2\n", {"a": [1.234, 0.5], "b": [1, 2]}),
        ("a;b\n1,234.5;1\n2.5;2\n", {"a": [1234.5, 2.5], "b": [1, 2]}),
        ("a\tb\n1,234\t1\n56\t2\n", {"a": [1234, 56], "b": [1, 2]}),
        ('a,b\n"1,234",1\n"5,678,900",2\n', {"a": [1234, 5678900], "b": [1, 2]}),
        ('a,b\n"1,234.5",1\n12.5,2\n', {"a": [1234.5, 12.5], "b": [1, 2]}),
        ('"a","b"\n"7,4","0,7"\n"7,85","1,0"\n', {"a": [7.4, 7.85], "b": [0.7, 1.0]}),
        ("a;b\n1 234,5;1\n2,5;2\n", {"a": [1234.5, 2.5], "b": [1, 2]}),
        ("a,b\n1'234.5,1\n2.5,2\n", {"a": [1234.5, 2.5], "b": [1, 2]}),
        ('a,b\n"1","2"\n"3","4"\n', {"a": [1, 3], "b": [2, 4]}),
        ("a;b\n-1,5e3;+2\n,5;3\n", {"a": [-1500.0, 0.5], "b": [2, 3]}),
    ],
)
def test_numbers_are_read_in_the_notation_of_their_country(
    tmp_path: Path, text: str, wanted: dict[str, list[float]]
) -> None:
    path = written(tmp_path, text)
    same(frame_of(path), pd.DataFrame(wanted))
    assert columns_for_encoding(path, None) == (), "they are numbers"


@pytest.mark.parametrize(
    "text",
    [
        "when;v\n12.03.2020;1,5\n13.04.2021;2,5\n",
        "host,v\n10.0.0.1,1\n192.168.100.200,2\n",
        "version,v\n1.2.3,1\n1.10.12,2\n",
        "answer,v\nyes,1\nno,2\n",
        "text,v\none and two,1\nthree and four,2\n",
    ],
)
def test_what_only_looks_like_numbers_stays_words(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert list(frame_of(path).iloc[:, 0]) == [line.replace(";", ",").split(",")[0] for line in text.split()[1:]] or (
        list(frame_of(path).iloc[:, 0]) == ["one and two", "three and four"]
    )
    assert len(columns_for_encoding(path, None)) == 1


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", ["0", "1", "2"], 2),  # as UCI publishes iris: no header
        ("a,b\n", ["a", "b"], 0),
        ("x,y\n1,2", ["x", "y"], 1),
        ("1980,country\n3.5,Peru\n", ["0", "1"], 2),
        ("id,1980,1990\n1,2.5,3.5\n2,3.5,4.5\n", ["id", "1980", "1990"], 2),  # words above numbers are names
        ("p,x,s\np,y,s\ne,x,s\np,x,s\n", ["0", "1", "2"], 4),  # every word stands below as well
        ("colour,size\nred,big\nblue,small\n", ["colour", "size"], 2),
        ("a,a,b\n1,2,3\n4,5,6\n", ["a", "a.1", "b"], 2),
        (" a , b\n1,2\n3,4\n", ["a", "b"], 2),
        ("a, b, c\n1, x, 3\n4, y, 6\n", ["a", "b", "c"], 2),
        ('"a\nb",c\n1,2\n3,4\n', ["a\nb", "c"], 2),
        ("text\nfirst line\nsecond line\n", ["text"], 2),
        ("value\n1.5\n2.5\n", ["value"], 2),
        ("# made by hand\n# 2024\na,b\n1,2\n3,4\n", ["a", "b"], 2),
        ("# a,b\n1,2\n3,4\n", ["a", "b"], 2),  # as numpy.savetxt writes names
        ("#,name\n1,x\n2,y\n", ["#", "name"], 2),
        ("a,b\n1,2\n# note\n3,4\n", ["a", "b"], 2),
        ("\n\na,b\n\n1,2\n\n3,4\n\n", ["a", "b"], 2),
        ("sep=;\na;b\n1;2\n3;4\n", ["a", "b"], 2),
        ("Sales 2024\n\na,b,c\n1,2,3\n3,4,5\n", ["a", "b", "c"], 2),
        ("time,speed,height\ns,m/s,m\n1,2,3\n4,5,6\n", ["time", "speed", "height"], 2),
        ("a,b,\n1,2,\n3,4,\n", ["a", "b"], 2),
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], 2),
        ("a,b,,\n1,2,,\n3,4,,\n,,,\n", ["a", "b"], 2),
        ("18.0   8   307.0\n15.0   8   350.0\n", ["0", "1", "2"], 2),
        ("a  b\n1   2\n3 4\n", ["a", "b"], 2),
        ("weight [kg];temperature in °C\n1,5;2,5\n3,5;4\n", ["weight [kg]", "temperature in °C"], 2),
    ],
)
def test_names_and_rows_are_told_apart(tmp_path: Path, text: str, names: list[str], rows: int) -> None:
    path = written(tmp_path, text)
    table = read(path, None)
    assert len(table.inputs) == rows
    named = hasattr(table.inputs, "columns")
    found = list(table.inputs.columns) if named else list(map(str, range(table.inputs.shape[1])))
    assert found == names
    assert column_names(path) == tuple(names)
    target = names[-1] if rows else None
    if target and len(names) > 1:
        assert len(read(path, target).targets) == rows


def test_values_of_odd_tables_are_those_of_pandas(tmp_path: Path) -> None:
    text = "# note\nid, name , v\n1, Bern, 2.5\n# note\n2, 'x', ?\n3,, 4\n"
    found = frame_of(written(tmp_path, text))
    wanted = pd.read_csv(io.StringIO(text), comment="#", na_values="?", skipinitialspace=True)
    same(found, wanted.rename(columns=str.strip))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (",a,b\n0,1,2\n1,3,4\n", ["Unnamed: 0"]),
        (",a,b\n7,1,2\n3,3,4\n", ["Unnamed: 0"]),  # rows that were shuffled before they were saved
        ('"","a","b"\n"1",1,2\n"2",3,4\n', ["Unnamed: 0"]),
        ('"a","b"\n"Mazda RX4",1,2\n"Fiat 128",3,4\n', ["Unnamed: 0"]),  # write.table of R
        ("index,a,b\n0,1,2\n1,3,4\n", ["index"]),
        ("Index,a,b\n1,1,2\n2,3,4\n", ["Index"]),
        ("Unnamed: 0.1,Unnamed: 0,a\n0,0,1\n1,1,3\n", ["Unnamed: 0.1", "Unnamed: 0"]),
        ("index,a,b\n5,1,2\n9,3,4\n", []),
        ("id,a,b\n0,1,2\n1,3,4\n", []),
        (",a,b\n1,1,2\n1,3,4\n", []),
        (",a,b\n0.5,1,2\n1.5,3,4\n", []),
    ],
)
def test_an_index_of_the_rows_is_left_out_and_told(tmp_path: Path, text: str, left: list[str]) -> None:
    path = written(tmp_path, text)
    table = read(path, None)
    assert table.notes == tuple(f"left out, because it is an index of the rows: {name}" for name in left)
    assert list(table.inputs.columns)[-1] in ("a", "b")
    assert not {*left} & {*table.inputs.columns}
    if left:
        assert len(read(path, left[0]).targets) == 2, "it can be the target all the same"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,y\n" + "1,2,0\n" * 60 + "1,2,3,4,0\n", r"a\.csv: line 62 has 5 cells, but the first line has 3\."),
        ("a,b,y\n" + "1,2,0\n" * 30000 + "1,2,3,4,0\n", r"line 30,002 has 5 cells, but the first line has 3\."),
        ("text\nHello, world\nbye\nbye\n", "put text that contains separators in quotes"),
        ("a,b\n1,2\n" * 20000 + '1,"2\n' + "3,4\n" * 9, "a quotation mark in line .* is never closed"),
        ("a,b,y\n1,2,0\n", "has no column 'z'"),
        ("y,z\n1,2\n2,inf\n", "1 rows with an infinite value in the target column 'z'"),
        ("y,z\n1,2\n2,\n", "1 rows without a value in the target column 'z'"),
        ("y,z\n1,2024-01-01\n2,2024-01-02\n", "dates in the target column 'z'; a target must be a class or a number"),
    ],
)
def test_what_is_wrong_with_a_text_table_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=said) as caught:
        read(path, "z")
    assert "damaged" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_utf8_far_below_are_read_too(tmp_path: Path) -> None:
    text = "a,city\n" + "1,Bern\n" * 20000 + "2,Köln\n"
    table = read(written(tmp_path, text, encoding="latin-1"), None)
    assert table.inputs["city"].iloc[-1] == "Köln"
    assert table.notes[0].startswith("line 20,002 is not UTF-8")


def test_columns_have_the_types_of_their_values(tmp_path: Path) -> None:
    text = (
        "flag,gap,when,zoned,sign,word\n"
        "true,True,2024-01-01,2024-01-01T10:00:00Z,?,yes\n"
        "false,,2024-01-02,2024-01-01T10:00:00+02:00,1.5,no\n"
    )
    table = read(written(tmp_path, text), None)
    kinds = {name: str(kind) for name, kind in table.inputs.dtypes.items()}
    assert kinds == {
        "flag": "bool",
        "gap": "boolean",
        "when": "datetime64[us]",
        "zoned": "datetime64[us, UTC]",
        "sign": "float64",
        "word": "str",
    }
    assert table.notes == (
        "signs such as ? or - were read as missing values in sign",
        "texts were read as dates in when, zoned",
    )


@pytest.mark.slow
def test_wide_tables_are_read_whole(tmp_path: Path) -> None:
    wide = pd.DataFrame(np.arange(8000.0).reshape(2, 4000), columns=[f"column_{i}" for i in range(4000)])
    path = written(tmp_path, wide.to_csv(index=False))
    same(frame_of(path), wide)
    assert len(column_names(path)) == 4000


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_tables_of_numbers_need_no_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str) -> None:
    numbers = FRAME[["Länge (cm)", "y"]]
    text = numbers.to_csv(sep=separator, index=False, decimal="," if separator == ";" else ".")
    path = written(tmp_path, text.replace('"', "").replace("Länge (cm)", "Länge"), encoding="utf-16")
    monkeypatch.setitem(sys.modules, "pandas", None)
    table: Table = read(path, "y")
    np.testing.assert_allclose(table.inputs[:, 0], numbers["Länge (cm)"])
    np.testing.assert_array_equal(table.targets, numbers["y"])
    assert table.columns == ("Länge",)


def test_a_million_rows_take_no_longer_than_in_pandas(tmp_path: Path) -> None:
    """Counted in cells that are looked at before pandas reads, not in seconds."""
    path = written(tmp_path, "a,b\n" + "1,2.5\n" * 200_000)
    looked_at = []
    real = pd.read_csv

    def watched(source: Any, *args: Any, **kwargs: Any) -> Any:
        looked_at.append(kwargs.get("engine"))
        return real(source, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd, "read_csv", watched)
        assert frame_of(path).shape == (200_000, 2)
    assert looked_at == [None], "once, by the engine written in C"
