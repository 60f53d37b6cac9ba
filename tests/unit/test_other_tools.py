"""Result files of pyperf, hyperfine and pytest-benchmark become one value; whatever else a file holds is refused."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from latency_tui.errors import UsageError
from latency_tui.report import write
from latency_tui.result.other_tools import Suite
from latency_tui.result.other_tools.reading import read_file
from latency_tui.result.result import Result
from tests.unit.fake_result import make_result

HYPERFINE = {
    "results": [
        {
            "command": "sleep {n}", "mean": 0.2, "stddev": None, "median": 0.2, "user": 0.0, "system": 0.0, "min": 0.1,
            "max": 0.3, "times": [0.1, 0.2, 0.3], "memory_usage_byte": [1, 1, 1], "exit_codes": [0, 1, None],
            "parameters": {"n": n},
        }
        for n in ("1", "2")
    ]
}  # fmt: skip
PYPERF = {
    "version": "1.0",
    "metadata": {
        "hostname": "box", "cpu_model_name": "A CPU", "cpu_count": 4, "python_version": "3.12.1 (64-bit)",
        "platform": "Linux-6.1.0-13-amd64-x86_64-with-glibc2.36", "unit": "second", "loops": 8,
    },
    "benchmarks": [
        {
            "metadata": {"name": "sum"},
            "runs": [
                {"warmups": [[1, 0.5]], "metadata": {"calibrate_loops": 8}},
                {"values": [0.1, 0.2], "metadata": {"date": "2026-03-01 10:00:00.5"}},
                {"values": [0.3], "warmups": [[8, 0.5]]},
            ],
        }
    ],
}  # fmt: skip
PYTEST_BENCHMARK = {
    "machine_info": {
        "node": "box", "system": "Linux", "release": "6.1", "python_version": "3.13.0",
        "cpu": {"brand_raw": "A CPU", "count": 4},
    },
    "commit_info": {"id": "abc"},
    "benchmarks": [
        {"name": "test_it", "fullname": f"test_{part}.py::test_it", "stats": {"data": [0.1, 0.2], "iterations": 10}}
        for part in "ab"
    ],
    "datetime": "2026-03-01T10:00:00.5",
    "version": "5.1.0",
}  # fmt: skip


def read(folder: Path, document: Any) -> Suite:
    (folder / "file.json").write_text(json.dumps(document))
    suite = read_file(folder / "file.json")
    assert isinstance(suite, Suite)
    return suite


def values(suite: Suite) -> list[list[list[float]]]:
    return [[launch.tolist() for launch in one.launches] for one in suite.benchmarks]


def test_each_run_of_a_command_is_a_process_of_its_own(tmp_path: Path) -> None:
    suite = read(tmp_path, HYPERFINE)
    assert (suite.tool, suite.environment, suite.created_at) == ("hyperfine", None, None)
    assert values(suite) == [[[0.1], [0.2], [0.3]]] * 2
    assert [one.name for one in suite.benchmarks] == ["sleep {n} [n=1]", "sleep {n} [n=2]"]
    assert len({one.slug for one in suite.benchmarks}) == 2
    assert suite.benchmarks[0].notes == ("2 of 3 runs failed.",)


def test_a_pyperf_run_with_values_is_a_process_and_calibration_is_left_out(tmp_path: Path) -> None:
    suite = read(tmp_path, PYPERF)
    assert suite.tool == "pyperf"
    assert values(suite) == [[[0.1, 0.2], [0.3]]]
    [benchmark] = suite.benchmarks
    assert (benchmark.name, benchmark.slug, benchmark.calls_per_value) == ("sum", "sum", 8)
    assert benchmark.samples.tolist() == [0.1, 0.2, 0.3]
    assert suite.environment is not None
    assert (suite.environment.host, suite.environment.cpu, suite.environment.cores) == ("box", "A CPU", 4)
    assert (suite.environment.python, suite.environment.os) == ("3.12.1", "Linux 6.1.0-13-amd64")
    assert suite.created_at is not None
    assert suite.created_at.replace(tzinfo=None) == datetime(2026, 3, 1, 10, 0, 0, 500_000)


def test_pytest_benchmark_has_one_process_and_values_that_are_means(tmp_path: Path) -> None:
    suite = read(tmp_path, PYTEST_BENCHMARK)
    assert suite.tool == "pytest-benchmark"
    assert values(suite) == [[[0.1, 0.2]]] * 2
    assert [one.name for one in suite.benchmarks] == ["test_a.py::test_it", "test_b.py::test_it"]
    assert suite.benchmarks[0].calls_per_value == 10
    assert suite.environment is not None
    assert (suite.environment.cpu, suite.environment.python) == ("A CPU", "3.13.0")
    assert suite.created_at == datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)


def test_our_own_results_are_read_as_such(tmp_path: Path) -> None:
    write(make_result(), tmp_path / "ours.json")
    result = read_file(tmp_path / "ours.json")
    assert isinstance(result, Result)
    assert result.comparisons == make_result().comparisons


def changed(document: Any, path: str, value: Any) -> Any:
    """Return a copy of a document with another value at a path such as `benchmarks.0.name`; None removes it."""
    copy = json.loads(json.dumps(document))
    *ways, last = (int(part) if part.isdigit() else part for part in path.split("."))
    inner = copy
    for way in ways:
        inner = inner[way]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copy


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (changed(HYPERFINE, "results.0.times", None), "times of the single runs of 'sleep {n}' are missing"),
        (changed(HYPERFINE, "results.0.times", [0.0, 0.1]), "is 0, because hyperfine subtracted"),
        (changed(HYPERFINE, "results.0.times", [-1, 0.1]), "not a positive, finite number"),
        (changed(HYPERFINE, "results.0.times", ["1"]), "Expected `float`"),
        (changed(HYPERFINE, "results.0.command", " "), "a benchmark has no name"),
        (changed(HYPERFINE, "results", []), "no benchmark"),
        (changed(PYPERF, "version", 6), "format 6 is not 1.0"),
        (changed(PYPERF, "benchmarks.0.metadata", {}), "a benchmark has no name"),
        (changed(PYPERF, "benchmarks.0.metadata", {"name": "m", "unit": "byte"}), "in the unit 'byte'"),
        (changed(PYPERF, "benchmarks.0.runs", PYPERF["benchmarks"][0]["runs"][:1]), "only a calibration"),  # type: ignore[index]  # a document of dictionaries
        (changed(PYPERF, "benchmarks.0.runs.1.values", [0.1, None]), "Expected `float`"),
        (changed(PYTEST_BENCHMARK, "benchmarks.0.stats.data", None), "add --benchmark-save-data"),
        (changed(PYTEST_BENCHMARK, "benchmarks", []), "no benchmark"),
    ],
)
def test_an_incomplete_file_is_refused_with_the_reason(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(UsageError, match=r"file\.json cannot be read as a result of \S+: ") as caught:
        read(tmp_path, document)
    assert said in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", "no", '{"benchmarks": 1}', '{"results": [{}]}', "[" * 10**5])
def test_other_content_is_no_result(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UsageError, match="not a result of latency-tui, pyperf, hyperfine or pytest-benchmark"):
        read_file(tmp_path / "a.json")


def test_a_compressed_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(PYPERF).encode()))
    with pytest.raises(UsageError, match="decompress it first"):
        read_file(tmp_path / "a.json.gz")


def test_equal_names_and_slugs_get_a_number(tmp_path: Path) -> None:
    results = [{"command": command, "times": [1.0]} for command in ("a b", "a b", "a-b", "a b (2)")]
    suite = read(tmp_path, {"results": results})
    assert [one.name for one in suite.benchmarks] == ["a b", "a b (2)", "a-b", "a b (2) (2)"]
    assert len({one.slug for one in suite.benchmarks}) == 4
