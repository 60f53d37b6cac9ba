"""`check` on several hosts: every host is a gate of its own, and the worst of them is the outcome."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from click.testing import CliRunner, Result

from latency_tui.analysis.recorder import Recorder
from latency_tui.cli import cli, host_run, hosts_session
from latency_tui.cluster.hosts import Host, UnusableHost
from latency_tui.engine.protocol import CandidateFailed, EngineStarted, Event, RoundFinished
from latency_tui.errors import EngineError
from latency_tui.history.store import History
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report.result import of
from latency_tui.result import result as kept
from latency_tui.result.hosts import HostDescription, HostResult, HostsResult
from tests.unit.fake_gate import MACHINE, events_of

RELATIVE = ("--baseline", "logistic-regression", "--limit", "p50 < 1.05x")
LOST = EngineError("b has left the cluster; what it measured is kept.")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENCY_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


Measured = list[tuple[str, Plan]]
Play = Callable[..., Measured]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let each host measure its factors, one mapping per measurement; return the hosts and plans that were measured.

    An exception instead of a mapping is raised after ten rounds, and a signal is sent then.
    """

    def arrange(
        hosts: dict[str, list[dict[str, float] | Exception | signal.Signals]],
        *,
        extra: tuple[Event, ...] = (),
        cpus: dict[str, str] | None = None,
        unusable: tuple[UnusableHost, ...] = (),
    ) -> Measured:
        measured: Measured = []

        async def measure_on(
            client: object, host: Host, plan: Plan, files: object, *, first_launch: int, **_: object
        ) -> AsyncIterator[Event]:
            before = sum(name == host.name for name, _plan in measured)
            mine = hosts[host.name][min(before, len(hosts[host.name]) - 1)]
            measured.append((host.name, plan))
            factors = mine if isinstance(mine, dict) else {}
            for event in (*events_of(plan, factors, len(measured), first_launch),):
                if isinstance(event, EngineStarted):
                    changed = msgspec.structs.replace(MACHINE, host=host.name, cpu=host.description.cpu)
                    event = EngineStarted(environment=changed)
                yield event
                if isinstance(event, EngineStarted):
                    for one in extra:
                        yield one
                if isinstance(event, RoundFinished) and event.round == 10:
                    if isinstance(mine, Exception):
                        raise mine
                    if isinstance(mine, signal.Signals):
                        os.kill(os.getpid(), mine)
                        await _forever()

        @contextlib.asynccontextmanager
        async def connect(_address: str) -> AsyncIterator[tuple[None, list[UnusableHost]]]:
            yield None, []

        async def find_hosts(_client: object) -> tuple[list[Host], list[UnusableHost]]:
            found = [
                Host(
                    name=name,
                    address=f"tcp://{name}",
                    description=HostDescription(
                        host=name, cpu=(cpus or {}).get(name, "A CPU"), cores=2, os="Linux", python="3.11", versions={}
                    ),
                )
                for name in hosts
            ]
            return found, [*unusable]

        monkeypatch.setattr(host_run, "measure_on", measure_on)
        monkeypatch.setattr(hosts_session, "connect", connect)
        monkeypatch.setattr(hosts_session, "find_hosts", find_hosts)
        return measured

    return arrange


async def _forever() -> None:
    import asyncio

    await asyncio.Event().wait()


def check(*arguments: str) -> Result:
    models = ("-m", "logistic-regression", "-m", "linear-svm")
    return CliRunner().invoke(cli, ["check", "--cluster", "tcp://a:1", *models, *arguments], catch_exceptions=False)


def last_line(done: Result) -> str:
    return done.stdout.splitlines()[-1]


def verdicts_of(done: Result) -> list[list[str]]:
    """Return the verdict and the host of each line."""
    return [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("PASS  ", "FAIL  ", "INCONC"))][
        : done.stdout.count(": p50 <")
    ]


def test_limits_that_hold_on_every_host_pass(play: Play, home: Path) -> None:
    measured = play({"a": [{}], "b": [{}]})
    done = check("--limit", "p50 < 1ms", "--name", "gate")
    assert (done.exit_code, last_line(done)) == (0, "PASS: 4 of 4 limits hold on a and b.")
    assert verdicts_of(done) == [["PASS", "a"], ["PASS", "a"], ["PASS", "b"], ["PASS", "b"]]
    assert "on b: A CPU, 2 cores" in done.stdout
    assert [name for name, _ in measured] == ["a", "b"]
    with History.open(home / "history.sqlite3") as history:
        kept = [history.load(row.id) for row in history.list()]
    assert {one.environment.host for one in kept if one.environment} == {"a", "b"}
    assert [one.check.verdict for one in kept if one.check] == ["PASS", "PASS"]


def test_a_failure_is_measured_again_on_the_same_host_only(play: Play) -> None:
    measured = play({"a": [{}], "b": [{"linear-svm": 1.3}], "c": [{}]})
    done = check(*RELATIVE)
    assert (done.exit_code, last_line(done)) == (3, "FAIL: 1 of 3 limits is broken on b, in two measurements.")
    assert sorted(name for name, _ in measured) == ["a", "b", "b", "c"]
    first, second = (plan for name, plan in measured if name == "b")
    assert first.seed != second.seed
    assert verdicts_of(done) == [["PASS", "a"], ["FAIL", "b"], ["PASS", "c"]]
    assert done.stdout.count(", again ") == 1


def test_a_failure_that_does_not_repeat_on_its_host_is_inconclusive(play: Play) -> None:
    for strict, code in (((), 0), (("--strict",), 5)):
        play({"a": [{"linear-svm": 1.3}, {}], "b": [{}, {"linear-svm": 1.3}]})
        done = check(*RELATIVE, *strict)
        assert (done.exit_code, last_line(done)) == (code, "INCONCLUSIVE: 1 of 2 limits is undecided on a.")


def test_a_host_that_is_lost_is_named_and_never_passes(play: Play) -> None:
    play({"a": [{}], "b": [LOST]})
    done = check("--limit", "p50 < 1ms")
    assert done.exit_code == 1
    assert "ERROR: b: b has left the cluster" in done.stdout
    assert last_line(done) == "INCONCLUSIVE: b failed."
    assert "latency-tui: b: b has left the cluster" in done.stderr
    play({"a": [{"linear-svm": 1.3}], "b": [LOST]})
    done = check(*RELATIVE)
    assert done.exit_code == 1
    assert last_line(done).startswith("FAIL: 1 of 2 limits is broken on a, in two measurements; b failed.")


def test_a_host_that_cannot_measure_is_named_and_never_passes(play: Play) -> None:
    play({"a": [{}]}, unusable=(UnusableHost(name="c", reason="It has latency-tui 0.0; install 1, as here."),))
    done = check("--limit", "p50 < 1ms", "--strict")
    assert (done.exit_code, last_line(done)) == (1, "INCONCLUSIVE: c failed.")
    assert "ERROR: c: It has latency-tui 0.0" in done.stdout
    assert verdicts_of(done) == [["PASS", "a"], ["PASS", "a"]]


def test_a_model_that_fails_on_hosts_has_the_exit_code_of_run(play: Play) -> None:
    failed = CandidateFailed(job="m", candidate="linear-svm", stage="training", message="no", cause="raised")
    play({"a": [{}]}, extra=(failed,))
    done = check("--limit", "p50 < 1ms")
    assert (done.exit_code, last_line(done)) == (4, "INCONCLUSIVE: 1 of 2 limits is undecided on a.")
    assert "failed on a: Linear SVM: no" in done.stdout


SAVED = Plan(candidates=tuple(Candidate(model=BUILTIN_MODELS[k]) for k in (0, 2)), launches=5)


def saved_result(factors: dict[str, float]) -> kept.Result:
    """Return a result of five launches on a machine with the CPU `A CPU`."""
    recording = Recorder(SAVED)
    for event in events_of(SAVED, factors, 99):
        recording.add(event)
    return recording.result(samples=False)


@pytest.fixture
def saved(tmp_path: Path) -> str:
    of(saved_result({})).save(tmp_path / "saved.json")
    return str(tmp_path / "saved.json")


@pytest.mark.slow
def test_each_host_is_compared_with_its_own_result_in_a_file_of_hosts(play: Play, tmp_path: Path) -> None:
    slow = {"linear-svm": 1.5, "logistic-regression": 1.5}
    hosts = [HostResult(host="a", result=saved_result({})), HostResult(host="b", result=saved_result(slow))]
    path = tmp_path / "base.json"
    path.write_text("".join(HostsResult(plan=SAVED, hosts=tuple(hosts)).json_pieces()))
    play({"a": [{}], "b": [slow]})
    done = check("--baseline", str(path), "--limit", "p50 < 1.1x")
    assert (done.exit_code, last_line(done)) == (0, "PASS: 4 of 4 limits hold on a and b.")
    play({"a": [slow], "b": [slow], "c": [{}]})
    done = check("--baseline", str(path), "--limit", "p50 < 1.1x")
    assert (done.exit_code, last_line(done)) == (
        2,
        "FAIL: 2 of 4 limits are broken on a, in two measurements; c failed.",
    )
    assert "ERROR: c: The baseline has no result of c; it has a, b." in done.stdout
    play({"a": [{}], "c": [{}]})
    done = check("--baseline", f"{path}#a", "--limit", "p50 < 1.1x")
    assert (done.exit_code, last_line(done)) == (0, "PASS: 4 of 4 limits hold on a and c.")


@pytest.mark.slow
def test_a_saved_baseline_is_refused_on_hosts_of_another_environment_only(play: Play, saved: str) -> None:
    measured = play({"a": [{"linear-svm": 1.5}], "b": [{}]}, cpus={"b": "B CPU"})
    done = check("--baseline", saved, "--limit", "p50 < 1.1x")
    assert done.exit_code == 2
    assert "another environment: CPU" in next(line for line in done.stdout.splitlines() if line.startswith("ERROR: b"))
    assert last_line(done) == "FAIL: 1 of 2 limits is broken on a, in two measurements; b failed."
    assert [plan.launches for name, plan in measured if name == "a"] == [5, 5]
    play({"a": [{}], "b": [{}]}, cpus={"b": "B CPU"})
    done = check("--baseline", saved, "--limit", "p50 < 1.1x", "--allow-other-environment")
    assert (done.exit_code, last_line(done)) == (0, "PASS: 4 of 4 limits hold on a and b.")
    assert "differs on b: CPU" in done.stdout
    assert "differs on a" not in done.stdout


def test_json_has_the_gate_and_the_result_of_each_host(play: Play, tmp_path: Path) -> None:
    play({"a": [{}], "b": [{"linear-svm": 1.3}]}, unusable=(UnusableHost(name="c", reason="gone"),))
    done = check(*RELATIVE, "--format", "json", "-o", str(tmp_path / "gate.md"))
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["verdict"], found["exit_code"], done.exit_code) == ("FAIL", 1, 1)
    assert [(one["host"], one["error"], one["exit_code"]) for one in found["hosts"]] == [
        ("a", "", 0),
        ("b", "", 3),
        ("c", "gone", 1),
    ]
    assert [one["gate"] and one["gate"]["verdict"] for one in found["hosts"]] == ["PASS", "FAIL", None]
    assert found["hosts"][1]["gate"]["result"]["environment"]["host"] == "b"
    assert found["hosts"][1]["gate"]["confirmation"]["candidates"]
    text = (tmp_path / "gate.md").read_text()
    assert text.startswith("**FAIL: 1 of 2 limits is broken on b")
    assert "| ERROR | c |" in text


def test_junit_and_github_name_the_host(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    play({"a": [{}], "b": [{"linear-svm": 1.3}]}, unusable=(UnusableHost(name="c", reason="gone"),))
    done = check(*RELATIVE, "--junit", str(tmp_path / "gate.xml"), "--github")
    suites = ElementTree.parse(tmp_path / "gate.xml").getroot()
    counts = [[suite.get(key) for key in ("hostname", "tests", "failures", "errors")] for suite in suites]
    assert counts == [["a", "1", "0", "0"], ["b", "1", "1", "0"], ["c", "1", "0", "1"]]
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert annotations[0].startswith("::error title=FAIL on b%2C Linear SVM%3A p50 < 1.05x::1.")
    assert annotations[1] == "::error title=ERROR c::gone"
    assert "| FAIL | b |" in summary.read_text()


def test_an_acknowledged_slowdown_passes_on_every_host(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "ack.toml"
    path.write_text('[[acknowledged]]\nlimit = "p50 < 1.05x"\nbound = "p50 < 1.5x"\n')
    play({"a": [{"linear-svm": 1.3}], "b": [{"linear-svm": 1.3}]})
    done = check(*RELATIVE, "--ack", str(path))
    assert (done.exit_code, last_line(done)) == (0, "PASS: 2 of 2 limits hold on a and b.")


def test_an_interrupted_check_judges_what_every_host_has(play: Play) -> None:
    measured = play({"a": [{"linear-svm": 1.3}], "b": [signal.SIGINT]})
    done = check("--limit", "p50 < 1ms", "--no-history")
    assert done.exit_code == 130
    assert "Interrupted by SIGINT" in done.stderr
    assert {host for _, host in verdicts_of(done)} == {"a", "b"}
    assert len(measured) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--spread", "work"), "omit --spread work"),
        (("--self-test",), "--self-test tests the gate of one machine"),
        (("--against", "main"), "the old one as --baseline"),
    ],
)
def test_what_hosts_cannot_do_is_refused_in_a_sentence(play: Play, arguments: tuple[str, ...], words: str) -> None:
    measured = play({"a": [{}]})
    done = check("--limit", "p50 < 1.2x", *arguments)
    assert (done.exit_code, done.stdout, measured) == (2, "", [])
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
