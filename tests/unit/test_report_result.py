"""A result as people use it in Python: short to print, a table in a notebook, saved by a file's suffix."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import latency_tui
from latency_tui import load
from latency_tui.errors import UsageError
from latency_tui.history.store import History
from latency_tui.report import render
from latency_tui.report.result import Result, of
from tests.unit.fake_result import make_result


@pytest.fixture
def result() -> Result:
    return of(make_result())


def hostile(result: Result) -> Result:
    """Return the result with a name that wants to be HTML, and a million samples."""
    first, *others = result.candidates
    samples = np.full(1_000_000, 1e-3)
    long = msgspec.structs.replace(
        first, name="<script>alert(1)</script>", samples=samples, rounds=tuple(range(0, 1_000_000, 10))
    )
    return msgspec.structs.replace(result, candidates=(long, *others), answer="<b>a</b> & b " * 100)


def test_a_result_with_a_million_samples_is_short_to_print(result: Result) -> None:
    long = hostile(result)
    assert len(repr(long)) < 2000
    assert "\n" not in repr(long)
    assert len(repr(long.candidates[0])) < 2000
    assert f"{len(result.candidates)} models" in repr(result)


def test_printing_shows_the_table_of_the_command_line(result: Result) -> None:
    assert str(result) == render(result)
    assert result.answer in str(result)


def test_a_notebook_shows_a_table_whose_text_is_escaped(result: Result) -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.append(tag)
            self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    tags = Tags()
    shown = hostile(result)._repr_html_()
    tags.feed(shown)
    assert not tags.open
    assert tags.seen.count("tr") == len(result.candidates) + 1
    assert not {"script", "b", "link", "img", "style"} & set(tags.seen)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_figures_come_as_dictionaries_and_as_a_data_frame(result: Result) -> None:
    rows = result.summary()
    assert [row["name"] for row in rows] == [candidate.name for candidate in result.candidates]
    numbers = result.candidates[0].statistics
    assert numbers is not None
    assert rows[0]["p50"] == numbers.p50.value
    for library, kind in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table")):
        module = pytest.importorskip(library)
        frame = result.to_frame(library)
        assert isinstance(frame, getattr(module, kind))
        columns = frame.column_names if library == "pyarrow" else list(frame.columns)
        assert columns == list(rows[0])
        medians = frame["p50"].to_pylist() if library == "pyarrow" else list(frame["p50"])
        assert medians[0] == numbers.p50.value


def test_calls_come_as_a_data_frame(result: Result) -> None:
    pd = pytest.importorskip("pandas")
    frame = result.to_frame("pandas", samples=True)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["candidate", "launch", "round", "seconds"]
    assert len(frame) == sum(one.samples.size for one in result.candidates if one.samples is not None)
    with pytest.raises(UsageError, match="no samples, which to_frame"):
        of(result.without_samples()).to_frame("pandas", samples=True)


def without(*libraries: str) -> Callable[..., Any]:
    """Return an import function that does not find some libraries."""
    real = importlib.import_module

    def import_module(name: str, *arguments: Any) -> Any:
        if name in libraries:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *arguments)

    return import_module


def test_a_data_frame_is_one_of_the_library_in_use(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    polars = pytest.importorskip("polars")
    for name in ("pandas", "pyarrow"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert isinstance(result.to_frame(), polars.DataFrame)


def test_without_a_library_a_data_frame_is_refused_in_a_sentence(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib, "import_module", without("pandas", "polars", "pyarrow"))
    with pytest.raises(UsageError, match=r"needs pandas, polars or pyarrow, which is not installed; summary"):
        result.to_frame()
    with pytest.raises(UsageError, match=r"needs polars, which is not installed"):
        result.to_frame("polars")
    with pytest.raises(UsageError, match="not of 'excel'"):
        result.to_frame("excel")


def test_load_reads_a_file_or_a_result_of_the_history(result: Result, tmp_path: Path) -> None:
    with History.open(tmp_path / "h", create=True) as history:
        history.save(result, name="release")
    assert load("release", history=tmp_path / "h").to_json() == result.to_json()
    assert isinstance(load("last", history=str(tmp_path / "h")), Result)
    with pytest.raises(UsageError, match="There is no file gone"):
        load("gone", history=tmp_path / "h")


@pytest.mark.parametrize(
    ("suffix", "form"), [(".csv", "csv"), (".md", "markdown"), (".txt", "table"), (".JSON", "json")]
)
def test_a_result_is_saved_in_the_format_of_the_suffix(tmp_path: Path, result: Result, suffix: str, form: Any) -> None:
    path = tmp_path / f"result{suffix}"
    result.save(path)
    assert path.read_text() == render(result, form)
    if form == "json":
        assert load(path).to_json() == result.to_json()


@pytest.mark.parametrize("name", ["result.xlsx", "result.pdf", "result"])
def test_a_suffix_of_no_format_is_refused(tmp_path: Path, result: Result, name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"The suffix of {tmp_path / name} selects no format")):
        result.save(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_candidate_is_found_by_its_name_and_a_wrong_one_is_a_key_error(result: Result) -> None:
    first = result.candidates[0]
    assert result.candidate(first.name) is result.candidate(first.slug) is first
    with pytest.raises(KeyError) as raised:
        result.candidate(first.slug[:-1])
    assert isinstance(raised.value, UsageError)
    assert str(raised.value) == f"There is no candidate {first.slug[:-1]!r}; did you mean {first.slug}?"


def test_the_package_names_its_version_and_what_it_offers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", latency_tui.__version__)
    assert {"Result", "__version__", "load", "measure"} == set(latency_tui.__all__)
    assert latency_tui.Result is Result
