"""Several hosts: options, the ranking across hosts, its sentences and formats, and the paths of shipped files."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import socket
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from click.testing import CliRunner

from latency_tui.analysis.across_hosts import common_baseline, compare_across_hosts, hosts_result
from latency_tui.cli import cli
from latency_tui.cli.hosts_options import take_hosts
from latency_tui.cluster.connection import free_port
from latency_tui.cluster.hosts import Host, unique_names
from latency_tui.cluster.shipping import files_of, relocate
from latency_tui.errors import EngineError, NothingToExportError, UsageError
from latency_tui.history.reading import read_result
from latency_tui.plan import BUILTIN_MODELS, Candidate, FileDataset, ModelSpec, Plan, Workload
from latency_tui.plan.sweep import Sweep
from latency_tui.report.formats import write
from latency_tui.report.hosts import hosts_pieces
from latency_tui.report.markup import escape
from latency_tui.result.hosts import HostDescription, HostRatio, HostResult, HostsResult
from latency_tui.result.result import CandidateResult, Result, Statistics, load
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.stats.percentiles import Percentile
from latency_tui.text.hosts import describe_host_ratio, difference_between, preflight_rows, summarize_hosts

PLAN = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2]))
FIRST, SECOND = (candidate.slug for candidate in PLAN.candidates)


def _statistics(seconds: float) -> Statistics:
    one = Percentile(value=seconds, low=seconds * 0.99, high=seconds * 1.01)
    return Statistics(
        mean=seconds, std=0.0, min=seconds, max=seconds, p50=one, p90=one, p95=one, p97=one, p99=one, p99_9=one
    )


def _result(first: float, second: float, verdict: Verdict = "slower") -> Result:
    latencies = {FIRST: first, SECOND: second}
    ratio = second / first
    return Result(
        plan=PLAN,
        candidates=tuple(
            CandidateResult(
                name=candidate.name,
                slug=candidate.slug,
                status="measured",
                calls=100,
                statistics=_statistics(latencies[candidate.slug]),
            )
            for candidate in PLAN.candidates
        ),
        comparisons=(
            Comparison(
                baseline=FIRST, candidate=SECOND, ratio=ratio, low=ratio * 0.98, high=ratio * 1.02, verdict=verdict
            ),
        ),
    )


def _hosts_result(results: dict[str, Result], failed: dict[str, str] | None = None) -> HostsResult:
    hosts = [HostResult(host=name, cpu="A CPU", result=result) for name, result in results.items()]
    hosts += [HostResult(host=name, error=error) for name, error in (failed or {}).items()]
    value = HostsResult(plan=PLAN, hosts=tuple(hosts), across_hosts=compare_across_hosts(PLAN, results))
    return msgspec.structs.replace(value, answer=summarize_hosts(value))


def test_the_baseline_is_the_model_that_is_fastest_on_most_hosts() -> None:
    results = [_result(1e-3, 2e-3), _result(3e-3, 2e-3, "faster"), _result(1e-3, 2e-3)]
    assert common_baseline(PLAN, results) == FIRST
    assert common_baseline(msgspec.structs.replace(PLAN, baseline=SECOND), results) == SECOND
    assert common_baseline(PLAN, []) is None


def test_a_ranking_that_holds_everywhere_is_said_to_hold_on_all_hosts() -> None:
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(2e-3, 3e-3), "c": _result(1e-3, 4e-3)})
    (across,) = value.across_hosts
    assert (across.verdict, across.holds_on, across.of) == ("slower", 3, 3)
    assert value.answer.startswith(f"{PLAN.candidates[0].name} is fastest on all 3 hosts.")
    assert "1.00 ms on a, 2.00 ms on b, 1.00 ms on c" in value.answer


def test_a_ranking_that_one_host_contradicts_names_that_host() -> None:
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(2e-3, 1e-3, "faster"), "c": _result(1e-3, 2e-3)})
    (across,) = value.across_hosts
    assert (across.verdict, across.holds_on, across.of) == ("slower", 2, 3)
    assert "does not hold everywhere" in value.answer
    assert "2.00× faster (95 % CI 1.96–2.04) on b" in value.answer


def test_an_inconclusive_host_is_not_counted_as_one_on_which_the_verdict_holds() -> None:
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(1e-3, 1.01e-3, "inconclusive")})
    (across,) = value.across_hosts
    assert (across.verdict, across.holds_on, across.of) == ("slower", 1, 2)
    assert value.answer.startswith("No clear winner on all 2 hosts")


def test_a_host_that_failed_is_named_and_the_others_count() -> None:
    value = _hosts_result({"a": _result(1e-3, 2e-3)}, {"b": "b has left the cluster."})
    assert value.answer.endswith("b failed.")
    assert "on the only host" in value.answer
    table = "".join(hosts_pieces(value))
    assert "failed  b has left the cluster." in table


def test_a_sweep_has_the_answer_of_each_host_and_no_ranking_of_its_cells() -> None:
    cells = tuple(Candidate(model=BUILTIN_MODELS[0], settings={"batch": batch}) for batch in (1, 8))
    plan = Plan(candidates=cells, sweeps=(Sweep(parameter="batch", values=(1, 8)),))
    one, other = (cell.slug for cell in cells)
    result = Result(
        plan=plan,
        candidates=tuple(
            CandidateResult(name=cell.name, slug=cell.slug, status="measured", calls=9, statistics=_statistics(1e-3))
            for cell in cells
        ),
        comparisons=(Comparison(baseline=one, candidate=other, ratio=3.0, low=2.9, high=3.1, verdict="slower"),),
        answer="A call costs 2 ms.",
    )
    value = hosts_result(plan, [HostResult(host=name, result=result) for name in "abc"])
    assert value.answer == "On a, b and c: A call costs 2 ms."
    assert "3.00× slower" not in "".join(hosts_pieces(value, "html")).partition('<section class="host">')[0]


def test_json_of_hosts_keeps_each_result_as_of_one_machine() -> None:
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(2e-3, 3e-3)}, {"c": "gone"})
    decoded: dict[str, Any] = json.loads("".join(hosts_pieces(value, "json")))
    assert [host["host"] for host in decoded["hosts"]] == ["a", "b", "c"]
    assert decoded["hosts"][0]["result"]["candidates"][0]["statistics"]["p50"]["value"] == 1e-3
    assert decoded["hosts"][2]["result"] is None
    assert decoded["hosts"][2]["error"] == "gone"
    (across,) = decoded["across_hosts"]
    assert {key: across[key] for key in ("baseline", "candidate", "holds_on", "of")} == {
        "baseline": FIRST,
        "candidate": SECOND,
        "holds_on": 2,
        "of": 2,
    }


def test_markdown_of_hosts_has_a_section_per_host_and_a_table_of_ratios() -> None:
    text = "".join(hosts_pieces(_hosts_result({"a": _result(1e-3, 2e-3), "b": _result(1e-3, 2e-3)}), "markdown"))
    assert "## a · A CPU" in text
    assert "## All hosts" in text
    assert "| slower on 2 of 2 |" in text


def test_the_page_of_hosts_has_a_chart_of_ratios_and_the_cards_of_every_host() -> None:
    results = {"a": _result(1e-3, 2e-3), "<b>": _result(2e-3, 1e-3, "faster")}
    value = _hosts_result(results, {"c": "c has left the cluster."})
    page = "".join(hosts_pieces(value, "html"))
    name = PLAN.candidates[1].name
    assert f"<title>{name} on a: slower, 2.00× slower (95 % CI 1.96–2.04)</title>" in page
    assert f"<title>{name} on &lt;b&gt;: faster" in page
    assert page.count('<div class="card"') == 4
    assert page.count("<details>") == 2
    assert "c has left the cluster." in page
    assert escape(value.answer) in page
    assert "<b>" not in page
    assert not re.search(r"<script|https?://", page)


def test_a_page_of_hosts_that_measured_nothing_names_the_reasons() -> None:
    value = _hosts_result({}, {"a": "It did not answer.", "b": "gone"})
    page = "".join(hosts_pieces(value, "html"))
    assert "It did not answer." in page
    assert "No host measured anything." in page
    assert "a,It did not answer." in "".join(hosts_pieces(value, "csv"))
    with pytest.raises(NothingToExportError):
        "".join(hosts_pieces(value, "github-action-benchmark"))


def test_files_for_programs_name_the_host_of_each_row() -> None:
    value = _hosts_result({"a": _result(1e-3, 2e-3), "=b": _result(2e-3, 3e-3)}, {"c": "gone"})
    rows = [*csv.DictReader(io.StringIO("".join(hosts_pieces(value, "csv"))))]
    assert [(row["host"], row["slug"], row["p50"], row["host_error"]) for row in rows] == [
        ("a", FIRST, "0.001", ""),
        ("a", SECOND, "0.002", ""),
        ("'=b", FIRST, "0.002", ""),
        ("'=b", SECOND, "0.003", ""),
        ("c", "", "", "gone"),
    ]
    entries = json.loads("".join(hosts_pieces(value, "github-action-benchmark")))
    assert len({entry["name"] for entry in entries}) == len(entries) == 8
    assert entries[0]["name"] == f"{PLAN.candidates[0].name} p50 on a"
    suites = ElementTree.fromstring("".join(hosts_pieces(value, "junit")))
    counts = [[suite.get(key) for key in ("hostname", "tests", "errors")] for suite in suites]
    assert counts == [["a", "2", "0"], ["=b", "2", "0"], ["c", "1", "1"]]


def test_a_file_of_several_hosts_is_read_by_the_name_of_a_host(tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(2e-3, 3e-3)}, {"c": "gone"})
    path.write_text("".join(hosts_pieces(value, "json")))
    found = load(f"{path}#b").candidate(FIRST)
    assert found.statistics is not None
    assert found.statistics.p50.value == 2e-3
    assert isinstance(read_result(f"{path}#a"), Result)
    for reference, words in (
        (str(path), r"results of several hosts \(a, b\); name one of them, as in '.*hosts.json#a'"),
        (f"{path}#c", "has no result of c; it has a, b"),
    ):
        for read in (load, read_result):
            with pytest.raises(UsageError, match=words):
                read(reference)


def test_a_file_of_one_host_needs_no_name(tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    path.write_text("".join(hosts_pieces(_hosts_result({"a": _result(1e-3, 2e-3)}), "json")))
    assert load(path).candidate(FIRST).calls == 100
    path.write_text("".join(hosts_pieces(_hosts_result({}, {"a": "gone"}), "json")))
    with pytest.raises(UsageError, match="no host measured anything"):
        load(path)


def test_a_host_in_the_file_of_one_machine_is_refused(tmp_path: Path) -> None:
    write(_result(1e-3, 2e-3), tmp_path / "result.json")
    with pytest.raises(UsageError, match="holds the result of one machine; omit #a"):
        load(f"{tmp_path}/result.json#a")


def test_importing_a_file_of_hosts_keeps_the_result_of_each(tmp_path: Path) -> None:
    path, history = tmp_path / "hosts.json", str(tmp_path / "history.sqlite")
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(2e-3, 3e-3)}, {"c": "gone"})
    path.write_text("".join(hosts_pieces(value, "json")))
    done = CliRunner().invoke(cli, ["history", "import", str(path), "--history", history])
    assert done.exit_code == 0
    assert done.stderr.count(" is kept as ") == 2
    listed = CliRunner().invoke(cli, ["history", "list", "--format", "json", "--history", history])
    assert len(json.loads(listed.stdout)) == 2


def test_a_file_of_hosts_is_exported_whole_or_by_host(tmp_path: Path) -> None:
    path, page = tmp_path / "hosts.json", tmp_path / "hosts.html"
    value = _hosts_result({"a": _result(1e-3, 2e-3), "b": _result(2e-3, 3e-3)}, {"c": "c is gone."})
    path.write_text("".join(hosts_pieces(value, "json")))
    assert CliRunner().invoke(cli, ["export", str(path), "-o", str(page)]).exit_code == 0
    assert page.read_text() == "".join(hosts_pieces(value, "html"))
    done = CliRunner().invoke(cli, ["export", str(path), "--to", "json"])
    assert json.loads(done.stdout) == json.loads(path.read_text())
    done = CliRunner().invoke(cli, ["export", f"{path}#b", "--to", "csv"])
    assert "host_error" not in done.stdout
    assert ",0.002," in done.stdout
    done = CliRunner().invoke(cli, ["export", str(path), "--to", "svg"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "name one of them" in done.stderr


def _description(**changes: Any) -> HostDescription:
    values = {"host": "h", "cpu": "A", "cores": 2, "os": "Linux", "python": "3.11.7", "versions": {"numpy": "2.0"}}
    return HostDescription(**{**values, **changes})


def test_the_preflight_table_marks_what_differs_from_the_first_host() -> None:
    hosts = {"a": _description(), "b": _description(cpu="B", load=0.9), "c": _description()}
    _, first, second, third = preflight_rows(hosts)
    assert "B *" in second
    assert "0.90 (busy)" in second
    assert not any("*" in cell for row in (first, third) for cell in row)
    assert difference_between(hosts) == "CPU: A on a, B on b, A on c"
    assert difference_between({"a": _description(), "b": _description()}) == ""
    assert difference_between({"a": _description(), "b": _description(versions={})}) == "numpy: 2.0 on a, none on b"


def test_hosts_with_the_same_name_are_distinguished_by_their_address() -> None:
    hosts = [Host(name="h", address=f"tcp://10.0.0.{n}:1", description=_description()) for n in (1, 2)]
    assert [host.name for host in unique_names(hosts)] == ["h (10.0.0.1:1)", "h (10.0.0.2:1)"]


def _taken(**given: Any) -> Any:
    unset = {"cluster": None, "hosts": None, "spread": None, "allow_different_hosts": False, "remote_python": None}
    return take_hosts({**unset, **given})


def test_options_name_a_running_cluster_or_hosts() -> None:
    assert _taken() is None
    assert _taken(cluster="tcp://a:1").cluster == "tcp://a:1"
    assert _taken(hosts="a, b,local").hosts == ("a", "b", "local")
    assert _taken(hosts="a", spread="work").spread == "work"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cluster": "tcp://a:1", "hosts": "a"}, "give one of them"),
        ({"spread": "work"}, "need --cluster or --hosts"),
        ({"hosts": "a,,b"}, "separated by commas"),
        ({"hosts": ""}, "separated by commas"),
        ({"cluster": "tcp://a:1", "remote_python": "/p"}, "omit --remote-python"),
    ],
)
def test_options_that_contradict_each_other_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        _taken(**given)


def test_files_get_the_paths_of_the_host_and_stay_once_per_content(tmp_path: Path) -> None:
    model, data = tmp_path / "model.onnx", tmp_path / "data.csv"
    model.write_bytes(b"content")
    data.write_text("x,y\n1,2\n")
    plan = Plan(
        candidates=(Candidate(model=ModelSpec(name="m", file=str(model))), PLAN.candidates[0]),
        workload=Workload(dataset=FileDataset(path=str(data))),
    )
    files = files_of(plan)
    assert set(files) == {model, data}
    assert files[model].endswith("/model.onnx")
    moved = relocate(plan, {model: "/there/model.onnx", data: "/there/data.csv"})
    assert moved.candidates[0].model.file == "/there/model.onnx"
    assert [one.slug for one in moved.candidates] == [one.slug for one in plan.candidates]
    assert isinstance(moved.workload.dataset, FileDataset)
    assert moved.workload.dataset.path == "/there/data.csv"


def test_a_candidate_of_another_interpreter_is_refused_on_hosts() -> None:
    plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0], settings={"python": "/other/bin/python"}),))
    with pytest.raises(UsageError, match="needs an environment of this machine"):
        files_of(plan)


def test_a_scheduler_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("latency_tui.cluster.connection.CONNECT_SECONDS", 0.5)
    outcome = CliRunner().invoke(cli, ["run", "--cluster", "tcp://127.0.0.1:9", "--no-history"])
    assert outcome.exit_code == 1
    assert "does not answer" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_scheduler_for_hosts_in_two_networks_has_one_free_port() -> None:
    addresses = ["127.0.0.1", "127.0.0.2"]
    port = free_port(addresses)
    with contextlib.ExitStack() as opened:
        for address in addresses:
            opened.enter_context(socket.create_server((address, port)))
    with pytest.raises(EngineError, match="No port is free on all of"):
        free_port(["127.0.0.1", "192.0.2.1"])


def test_a_scheduler_file_that_does_not_exist_is_a_usage_error() -> None:
    pytest.importorskip("distributed")
    outcome = CliRunner().invoke(cli, ["run", "--cluster", "missing.json", "--no-history"])
    assert outcome.exit_code == 2
    assert "There is no scheduler file missing.json" in outcome.stderr


def test_a_format_for_one_machine_is_refused_for_several() -> None:
    outcome = CliRunner().invoke(cli, ["run", "--cluster", "tcp://127.0.0.1:9", "--format", "pyperf"])
    assert outcome.exit_code == 2
    assert "holds the result of one machine" in outcome.stderr


def test_an_undecided_ratio_on_a_host_has_no_direction() -> None:
    ratio = HostRatio(host="a", ratio=1.13, low=1.10, high=1.27, verdict="inconclusive")
    assert describe_host_ratio(ratio) == "1.13× (95 % CI 1.10–1.27)"
    slower = HostRatio(host="a", ratio=1.13, low=1.10, high=1.27, verdict="slower")
    assert describe_host_ratio(slower) == "1.13× slower (95 % CI 1.10–1.27)"


async def test_an_unreachable_host_is_named_without_an_error_number() -> None:
    pytest.importorskip("asyncssh")
    from latency_tui.cluster.ssh import check

    problem = (await check("nowhere.invalid", "python3")).problem
    assert problem.startswith("It cannot be reached over SSH: ")
    assert "Errno" not in problem
