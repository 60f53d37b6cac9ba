"""The gate: what fails twice fails, what is acknowledged does not, and the exit code and the last line agree."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from click.testing import CliRunner, Result

from latency_tui.analysis.gate import gate_verdict, make_lines
from latency_tui.analysis.recorder import Recorder
from latency_tui.catalog.acknowledgements import read_acknowledgements
from latency_tui.cli import cli, headless
from latency_tui.cli.check_run import exit_code_of
from latency_tui.engine.candidate import slowdown
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.protocol import (
    CandidateFailed,
    Event,
    RoundFinished,
    TrainingFinished,
)
from latency_tui.errors import EngineError, UsageError
from latency_tui.history.store import History
from latency_tui.plan import Plan, parse
from latency_tui.plan.candidates import Revision, make_slugs_unique
from latency_tui.plan.limits import Acknowledgement, parse_limit
from latency_tui.report.result import of
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import load
from tests.unit.fake_gate import MACHINE, events_of

TODAY = date(2030, 6, 1)
LIMIT = parse_limit("p50 < 1.05x")
EXPECTED = [(LIMIT, "new", "New")]


def found(verdict: str, ratio: float, width: float = 0.01) -> LimitVerdict:
    return LimitVerdict(
        limit="p50 < 1.05x",
        candidate="new",
        metric="p50",
        bound=1.05,
        relative=True,
        verdict=verdict,  # type: ignore[arg-type]
        value=ratio,
        low=ratio - width,
        high=ratio + width,
    )


@pytest.mark.parametrize(
    ("first", "again", "verdict", "reason"),
    [
        (found("pass", 1.0), None, "PASS", None),
        (found("inconclusive", 1.05), None, "INCONCLUSIVE", None),
        (found("fail", 1.1), found("fail", 1.08), "FAIL", None),
        (found("fail", 1.1), found("pass", 1.0), "INCONCLUSIVE", "not confirmed"),
        (found("fail", 1.1), found("inconclusive", 1.05), "INCONCLUSIVE", "not confirmed"),
        (found("fail", 1.1), None, "INCONCLUSIVE", "not confirmed"),
        (None, None, "INCONCLUSIVE", "not measured"),
    ],
)
def test_a_line_fails_only_if_it_fails_twice(
    first: LimitVerdict | None, again: LimitVerdict | None, verdict: str, reason: str | None
) -> None:
    (line,) = make_lines(EXPECTED, [first] if first else [], [again] if again else [], today=TODAY)
    assert (line.verdict, line.reason) == (verdict, reason)
    assert gate_verdict([line]) == verdict


@pytest.mark.parametrize(
    ("model", "bound", "expires", "verdict"),
    [
        ("", "p50 < 1.2x", None, "PASS"),
        ("new", "p50 < 1.2x", date(2030, 6, 1), "PASS"),
        ("New", "p50 < 1.2x", None, "PASS"),
        ("other", "p50 < 1.2x", None, "FAIL"),
        ("", "p50 < 1.2x", date(2030, 5, 31), "FAIL"),
        ("", "p50 < 1.07x", None, "FAIL"),
        ("", "p50 < 1.1x", None, "INCONCLUSIVE"),
    ],
)
def test_an_acknowledged_slowdown_passes_up_to_its_bound_and_day(
    model: str, bound: str, expires: date | None, verdict: str
) -> None:
    accepted = Acknowledgement(limit="p50 < 1.05x", bound=bound, model=model, expires=expires)
    lines = make_lines(EXPECTED, [found("fail", 1.1)], [found("fail", 1.1)], [accepted], today=TODAY)
    assert lines[0].verdict == verdict


def test_an_acknowledgement_of_another_limit_does_not_count() -> None:
    accepted = Acknowledgement(limit="p50 < 1.06x", bound="p50 < 2x")
    lines = make_lines(EXPECTED, [found("fail", 1.1)], [found("fail", 1.1)], [accepted], today=TODAY)
    assert lines[0].verdict == "FAIL"


def test_exit_codes_of_verdicts() -> None:
    codes = [exit_code_of(verdict, strict=strict) for verdict in ("PASS", "FAIL", "INCONCLUSIVE") for strict in (0, 1)]  # type: ignore[arg-type]
    assert codes == [0, 0, 3, 3, 0, 5]
    assert gate_verdict([]) == "INCONCLUSIVE"


def test_acknowledgements_are_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "ack.toml"
    path.write_text('[[acknowledged]]\nlimit = "p50 < 1.05x"\nbound = "p50 < 1.2x"\nexpires = 2030-01-01\n')
    assert read_acknowledgements(path)[0].expires == date(2030, 1, 1)
    for content in (
        '[[acknowledged]]\nlimit = "p50 < 1.05x"\n',
        '[[acknowledged]]\nlimit = "p50 < 1.05x"\nbound = "p99 < 5ms"\n',
        '[[acknowledged]]\nlimit = "p50 < 1.05x"\nbound = "p50 < 1.2x"\nuntil = 2030-01-01\n',
        '[[acknowledged]]\nlimit = "a: p50 < 1.05x"\nbound = "p50 < 1.2x"\n',
        "x = ",
        "\x00",
    ):
        path.write_text(content)
        with pytest.raises(UsageError, match="is not a file of acknowledgements"):
            read_acknowledgements(path)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a history of its own, because earlier results of a plan widen the intervals of later ones."""
    monkeypatch.setenv("LATENCY_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


Play = Callable[..., list[Plan]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let each measurement have candidates slowed by these factors; return the plans that were measured."""

    def arrange(*factors: dict[str, float], extra: tuple[Event | Exception, ...] = ()) -> list[Plan]:
        measured: list[Plan] = []

        async def measure(
            plan: Plan, *, first_launch: int = 0, is_decided: Any = None, **_: object
        ) -> AsyncIterator[Event]:
            mine = factors[min(len(measured), len(factors) - 1)]
            measured.append(plan)
            for event in extra:
                if isinstance(event, Exception):
                    raise event
                yield event
            for event in events_of(plan, mine, len(measured), first_launch):
                yield event
                if plan.until_known and isinstance(event, RoundFinished) and is_decided():
                    break

        monkeypatch.setattr(headless, "measure", measure)
        return measured

    return arrange


def check(*arguments: str) -> Result:
    models = ("-m", "logistic-regression", "-m", "linear-svm")
    return CliRunner().invoke(cli, ["check", *models, *arguments], catch_exceptions=False)


RELATIVE = ("--baseline", "logistic-regression", "--limit", "p50 < 1.05x")


def last_line(done: Result) -> str:
    return done.stdout.splitlines()[-1]


def test_limits_that_hold_pass_with_exit_code_0(play: Play) -> None:
    measured = play({})
    done = check("--limit", "p50 < 1ms")
    assert (done.exit_code, last_line(done)) == (0, "PASS: 2 of 2 limits hold on this host.")
    assert "on this host: A CPU, 2 cores, host box" in done.stdout
    assert len(measured) == 1
    assert measured[0].until_known


def test_a_slowdown_is_measured_again_and_fails_with_exit_code_3(play: Play) -> None:
    measured = play({"linear-svm": 1.3})
    done = check(*RELATIVE, "--limit", "p50 < 1ms")
    assert done.exit_code == 3
    assert last_line(done) == "FAIL: 1 of 3 limits is broken on this host, in two measurements."
    assert ", again 1.3" in next(line for line in done.stdout.splitlines() if line.startswith("FAIL  "))
    assert [limit.text for limit in measured[1].limits] == ["p50 < 1.05x"], "only what failed is measured again"
    assert measured[1].seed != measured[0].seed


def test_both_measurements_together_keep_the_time_limit(play: Play) -> None:
    measured = play({"linear-svm": 1.3})
    assert check(*RELATIVE, "--max-time", "30").exit_code == 3
    assert measured[0].max_seconds == pytest.approx(20)
    assert 10 <= measured[1].max_seconds <= 30


def test_a_check_keeps_its_first_measurement_with_the_verdict(play: Play, home: Path) -> None:
    play({"linear-svm": 1.3})
    assert check(*RELATIVE, "--name", "gate", "--tag", "ci").exit_code == 3
    with History.open(home / "history.sqlite3") as history:
        (row,) = history.list()
        kept = history.load(row.id)
    assert (row.state, row.name, row.tags, row.summary.verdict) == ("finished", "gate", ("ci",), "FAIL")
    assert kept.check is not None
    assert [line.verdict for line in kept.check.lines] == ["FAIL"]
    assert kept.check.lines[0].again is not None
    assert kept.candidate("linear-svm").samples is not None
    listed = CliRunner().invoke(cli, ["history", "list"])
    assert "  check  " in listed.stdout.splitlines()[0]
    assert "  FAIL  " in listed.stdout.splitlines()[1]
    shown = CliRunner().invoke(cli, ["history", "show", "gate"])
    assert "check   FAIL: the limit is broken on this host" in shown.stdout


@pytest.mark.parametrize("options", [("--no-history",), ("--self-test",), ("--history", "other.sqlite3")])
def test_a_check_keeps_nothing_where_it_was_not_asked_to(
    play: Play, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    play({})
    check("--limit", "p50 < 1.5x", "--baseline", "logistic-regression", *options)
    with History.open(home / "history.sqlite3") as history:
        assert history.list() == []
    with History.open(tmp_path / "other.sqlite3") as history:
        assert len(history.list()) == ("--history" in options)


@pytest.mark.slow
def test_launches_that_are_added_are_kept_in_the_same_result(play: Play, saved: Callable[..., str], home: Path) -> None:
    measured = play({"linear-svm": 1.002})
    check("--baseline", saved(), "--limit", "linear-svm: p50 < 1.0035x", "--max-time", "3")
    with History.open(home / "history.sqlite3") as history:
        (row,) = history.list()
        assert history.load(row.id).complete_launches == sum(plan.launches for plan in measured)


def test_only_what_failed_and_its_baseline_are_measured_again(play: Play) -> None:
    measured = play({"linear-svm": 1.3})
    assert check("-m", "random-forest", *RELATIVE).exit_code == 3
    assert [one.slug for one in measured[1].candidates] == ["logistic-regression", "linear-svm"]
    measured = play({"linear-svm": 30})
    assert check("--limit", "p50 < 1ms").exit_code == 3
    assert [one.slug for one in measured[1].candidates] == ["linear-svm"]


def test_a_failure_that_does_not_repeat_is_inconclusive(play: Play) -> None:
    play({"linear-svm": 1.3}, {})
    done = check(*RELATIVE)
    assert (done.exit_code, last_line(done)) == (0, "INCONCLUSIVE: the limit is undecided on this host.")
    assert "but not again" in done.stdout
    play({"linear-svm": 1.3}, {})
    assert check(*RELATIVE, "--strict").exit_code == 5


def test_an_improvement_passes_and_is_shown(play: Play) -> None:
    play({"linear-svm": 0.5})
    done = check(*RELATIVE)
    assert done.exit_code == 0
    assert "faster: Linear SVM is 2.0" in done.stdout


def test_a_model_that_fails_is_undecided_and_has_the_exit_code_of_run(play: Play) -> None:
    lost = CandidateFailed(job="m", candidate="linear-svm", stage="training", message="ValueError: no", cause="raised")
    play({}, extra=(lost,))
    done = check("--limit", "p50 < 1ms")
    assert done.exit_code == 4
    assert last_line(done) == "INCONCLUSIVE: 1 of 2 limits is undecided on this host."
    assert "failed: Linear SVM: ValueError: no" in done.stdout
    play({}, extra=(EngineError("The measuring process ended."),))
    done = check("--limit", "p50 < 1ms")
    assert (done.exit_code, last_line(done)) == (1, "INCONCLUSIVE: 2 of 2 limits are undecided on this host.")


def test_the_verdict_is_in_the_json_and_in_the_file(play: Play, tmp_path: Path) -> None:
    play({"linear-svm": 1.3})
    done = check(*RELATIVE, "--format", "json", "-o", str(tmp_path / "gate.md"))
    found = json.loads(done.stdout)
    assert (found["verdict"], found["exit_code"], done.exit_code) == ("FAIL", 3, 3)
    assert found["lines"][0]["again"]["verdict"] == "fail"
    assert found["environment"]["cpu"] == "A CPU"
    assert (tmp_path / "gate.md").read_text().startswith("**FAIL: the limit is broken on this host")


def test_acknowledged_slowdowns_pass_and_are_named(play: Play, tmp_path: Path) -> None:
    play({"linear-svm": 1.3})
    path = tmp_path / "ack.toml"
    path.write_text('[[acknowledged]]\nlimit = "p50 < 1.05x"\nbound = "p50 < 1.5x"\nmodel = "linear-svm"\n')
    done = check(*RELATIVE, "--ack", str(path))
    assert done.exit_code == 0
    assert "acknowledged up to p50 < 1.5x" in done.stdout


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., str]:
    """Write a saved result of five launches, and return its path."""

    def write(launches: int = 5, *, extra: tuple[Event, ...] = (), **environment: Any) -> str:
        from latency_tui.plan import BUILTIN_MODELS, Candidate

        plan = Plan(candidates=tuple(Candidate(model=BUILTIN_MODELS[k]) for k in (0, 2)), launches=launches)
        recording = Recorder(plan)
        for event in (*extra, *events_of(plan, {}, 99)):
            recording.add(event)
        result = recording.result(samples=False)
        result = msgspec.structs.replace(result, environment=msgspec.structs.replace(MACHINE, **environment))
        of(result).save(tmp_path / "saved.json")
        return str(tmp_path / "saved.json")

    return write


def test_a_saved_baseline_is_compared_over_launches(play: Play, saved: Callable[..., str]) -> None:
    measured = play({"linear-svm": 1.3})
    done = check("--baseline", saved(), "--limit", "p50 < 1.1x")
    assert done.exit_code == 3
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if "p50 <" in line] == ["PASS", "FAIL"]
    assert "baseline: " in done.stdout
    assert measured[0].launches == 5
    assert [one.slug for one in measured[-1].candidates] == ["linear-svm"]


def test_tails_and_throughput_are_compared_with_a_saved_baseline(play: Play, saved: Callable[..., str]) -> None:
    play({"linear-svm": 1.5})
    done = check("--baseline", saved(), "--limit", "p99:20%", "--limit", "throughput > 0.9x", "-n", "9")
    assert done.exit_code == 3
    verdicts = [line.split()[0] for line in done.stdout.splitlines() if " < 1.2x" in line or " > 0.9x" in line]
    assert verdicts == ["PASS", "FAIL", "PASS", "FAIL"]


def fresh_processes(memory: int = 100, load: float = 1.0, score: float = 0.9) -> tuple[Event, ...]:
    """The training and one cold start of both models."""
    slugs = ("logistic-regression", "linear-svm")
    trained = (TrainingFinished(job="m", candidate=slug, seconds=1.0, score=score) for slug in slugs)
    started = (
        ColdStartMeasured(
            job="m", candidate=slug, launch=0, import_seconds=1.0, load_seconds=load, memory_before=1, memory_after=2,
            memory_peak=memory, first_calls=(1_000_000,),
        )
        for slug in slugs
    )  # fmt: skip
    return *trained, *started


@pytest.mark.parametrize(
    ("limit", "now", "code"),
    [
        ("memory < 1.1x", {"memory": 109}, 0),
        ("memory < 1.1x", {"memory": 111}, 3),
        ("cold_start < 1.2x", {"load": 1.3}, 0),
        ("cold_start < 1.2x", {"load": 1.5}, 3),
        ("score > 0.99x", {"score": 0.895}, 0),
        ("score > 0.99x", {"score": 0.88}, 3),
    ],
)
def test_figures_without_an_interval_are_judged_by_their_value(
    play: Play, saved: Callable[..., str], limit: str, now: dict[str, Any], code: int
) -> None:
    measured = play({}, extra=fresh_processes(**now))
    done = check("--baseline", saved(extra=fresh_processes()), "--limit", limit, "-n", "9")
    assert done.exit_code == code
    assert done.stdout.count("judged by its value") == (2 if code == 0 else 4)
    assert [plan.cold_start for plan in measured] == [not limit.startswith("score")] * (1 if code == 0 else 2)


@pytest.mark.parametrize("limit", ["memory < 1.1x", "cold_start < 1.2x", "score > 0.99x"])
def test_a_figure_that_the_baseline_lacks_is_refused_before_measuring(
    play: Play, saved: Callable[..., str], limit: str
) -> None:
    measured = play({})
    done = check("--baseline", saved(), "--limit", limit)
    assert (done.exit_code, done.stdout, measured) == (2, "", [])
    assert f"'{limit}' cannot be judged, because " in done.stderr


def test_a_saved_baseline_without_the_model_is_refused_before_measuring(play: Play, saved: Callable[..., str]) -> None:
    measured = play({})
    done = check("-m", "random-forest", "--baseline", saved(), "--limit", "p50 < 1.1x")
    assert (done.exit_code, done.stdout, measured) == (2, "", [])
    assert "has no model random-forest to compare with" in done.stderr
    limit = "linear-svm: p50 < 1.1x"
    assert check("-m", "random-forest", "--baseline", saved(), "--limit", limit).exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-b", "64"), "batch size was 1 and is 64"),
        (("--mix", "0.5:1,0.5:8"), "batch size was 1"),
        (("--method", "predict_proba"), "method was predict and is predict_proba"),
        (("--data", "iris"), "data was synthetic"),
        (("--threads", "2"), "threads was 1 and is 2"),
    ],
)
def test_a_saved_baseline_of_another_workload_is_refused(
    play: Play, saved: Callable[..., str], options: tuple[str, ...], words: str
) -> None:
    measured = play({})
    done = check("--baseline", saved(), "--limit", "mean < 1.1x", *options)
    assert (done.exit_code, done.stdout, measured) == (2, "", [])
    assert "another workload" in done.stderr
    assert words in done.stderr


@pytest.mark.slow
def test_launches_are_added_until_a_limit_against_a_saved_baseline_is_decided(
    play: Play, saved: Callable[..., str]
) -> None:
    measured = play({"linear-svm": 1.002})
    check("--baseline", saved(), "--limit", "linear-svm: p50 < 1.0035x", "--max-time", "3")
    assert len(measured) > 1


@pytest.mark.parametrize("other", [{"cpu": "B CPU"}, {"cores": 4}, {"versions": {"numpy": "1.26"}}, {"python": "3.12"}])
def test_a_saved_baseline_of_another_environment_is_refused(
    play: Play, saved: Callable[..., str], other: dict[str, Any]
) -> None:
    play({})
    arguments = ("--baseline", saved(**other), "--limit", "p50 < 1.1x")
    done = check(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "another environment" in done.stderr
    assert "--allow-other-environment" in done.stderr
    done = check(*arguments, "--allow-other-environment")
    assert done.exit_code == 0
    assert "differs: " in done.stdout


def test_another_host_name_is_the_same_environment(play: Play, saved: Callable[..., str]) -> None:
    play({})
    assert check("--baseline", saved(host="runner-7"), "--limit", "p50 < 1.1x").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "needs a limit"),
        (("--limit", "p50 < 1.05x"), "needs a baseline"),
        (("--limit", "p50 < 1ms", "--baseline", "nothing.json"), "nothing.json"),
        (("--limit", "nobody: p50 < 1ms"), "nobody"),
        (("--limit", "p50 < 1ms", "--ack", "no-such-file.toml"), "no-such-file.toml"),
        (("--limit", "p50 < 1ms", "-o", "gate.xml"), "gate.xml"),
    ],
)
def test_a_check_that_makes_no_sense_is_refused_before_measuring(
    play: Play, arguments: tuple[str, ...], said: str
) -> None:
    measured = play({})
    done = check(*arguments)
    assert (done.exit_code, done.stdout, measured) == (2, "", [])
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_github_gets_annotations_and_a_step_summary(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    play({"linear-svm": 1.3})
    done = check(*RELATIVE, "--limit", "p50 < 1ms", "--github")
    (annotation,) = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert annotation.startswith("::error title=FAIL Linear SVM%3A p50 < 1.05x::1.")
    assert last_line(done).startswith("FAIL: ")
    text = summary.read_text()
    assert text.startswith("before\n## latency-tui check\n\n**FAIL: ")
    assert "on this host: A CPU" in text
    done = check(*RELATIVE, "--github", "--format", "json")
    assert json.loads(done.stdout)["verdict"] == "FAIL"
    assert "::error" in done.stderr


def test_github_warns_of_what_is_undecided_and_errs_if_strict(play: Play) -> None:
    for strict, command in (((), "::warning"), (("--strict",), "::error")):
        play({"linear-svm": 1.3}, {})
        assert command in check(*RELATIVE, "--github", *strict).stdout


def test_junit_has_a_case_per_line(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "gate.xml"
    play({"linear-svm": 1.3})
    assert check(*RELATIVE, "--limit", "p50 < 1ms", "--junit", str(path)).exit_code == 3
    (suite,) = ElementTree.parse(path).getroot()
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "0",
    }
    play({"linear-svm": 1.3}, {})
    check(*RELATIVE, "--junit", str(path))
    assert ElementTree.parse(path).getroot()[0].get("skipped") == "1"


def test_a_file_that_cannot_be_written_is_refused_before_measuring(play: Play, tmp_path: Path) -> None:
    measured = play({})
    for option in ("--junit", "-o"):
        done = check("--limit", "p50 < 1ms", option, str(tmp_path / "nowhere" / "gate.md"))
        assert (done.exit_code, measured) == (2, [])


def self_test(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", "-m", "linear-svm", "--self-test", *arguments], catch_exceptions=False)


def slowed_in_truth(by: float) -> dict[str, float]:
    """Factors of a machine on which a planted slowdown is seen to this share."""
    return {
        "linear-svm-slowed-by-the-limit-s-size[slowdown=0.2]": 1 + 0.2 * by,
        "linear-svm-slowed-beyond-the-limit[slowdown=0.44]": 1 + 0.44 * by,
    }


def test_a_self_test_passes_if_slowdowns_are_seen_and_the_copy_is_quiet(play: Play) -> None:
    measured = play(slowed_in_truth(1.0))
    done = self_test("--limit", "p50 < 1.2x")
    assert done.exit_code == 0
    assert last_line(done).startswith("PASS: this check sees a slowdown of the model on this host")
    first, *rest = done.stdout.splitlines()
    assert first.startswith(
        "PASS  Linear SVM: a check of p50 < 1.2x sees a slowdown of 20 % and stays quiet on an identical copy"
    )
    assert [line.strip().partition(":")[0].partition(",")[0] for line in rest[:3]] == [
        "identical copy",
        "slowed by the limit's size",
        "slowed beyond the limit",
    ]
    assert [one.settings["slowdown"] for one in measured[0].candidates] == [0.0, 0.0, 0.2, 0.44]


def test_a_self_test_fails_if_a_slowdown_is_not_seen_or_the_copy_fails(play: Play) -> None:
    play(slowed_in_truth(0.0))
    done = self_test("--limit", "p50 < 1.2x")
    assert done.exit_code == 3
    assert "does not see a slowdown of 20 % and stays quiet" in done.stdout
    assert last_line(done).startswith("FAIL: this check is not reliable on this host for Linear SVM")
    play({"linear-svm-identical-copy[slowdown=0.0]": 1.5, **slowed_in_truth(1.0)})
    done = self_test("--limit", "p50 < 1.2x", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["verdict"]) == (3, "FAIL")


def test_a_self_test_tests_each_model_within_the_time_limit(play: Play) -> None:
    measured = play(slowed_in_truth(1.0))
    done = check("--self-test", "--limit", "p50 < 1.2x", "--max-time", "40")
    assert done.exit_code == 3, "only the slowdowns of Linear SVM are seen"
    assert "FAIL  Logistic Regression: a check of p50 < 1.2x does not see a slowdown of 20 %" in done.stdout
    assert "PASS  Linear SVM: a check of p50 < 1.2x sees a slowdown of 20 %" in done.stdout
    assert "for Logistic Regression; it took" in last_line(done)
    assert measured[0].max_seconds == pytest.approx(2 / 3 * 40 / 2)


@pytest.mark.slow
def test_a_self_test_tests_only_models_that_a_limit_applies_to(play: Play) -> None:
    for options, tested in (
        (("--limit", "linear-svm: p50 < 1.2x", "--limit", "p99 < 5ms"), {"Linear SVM"}),
        (("--limit", "p50 < 1.2x", "--baseline", "linear-svm"), {"Logistic Regression"}),
        (("--limit", "p50 < 1.2x", "--baseline", "some.json"), {"Linear SVM", "Logistic Regression"}),
    ):
        measured = play(slowed_in_truth(1.0))
        check("--self-test", *options)
        assert {plan.candidates[0].model.name for plan in measured} == tested


@pytest.mark.parametrize(
    "arguments",
    [
        ("--limit", "p50 < 1ms"),
        ("--limit", "p50 < 1.005x"),
        ("--limit", "p50 < 1.2x", "--github"),
        ("--limit", "p50 < 1.2x", "--limit", "nobody: p50 < 1.2x"),
        ("-m", "rbf-svm", "--limit", "rbf-svm: p50 < 1.2x", "--baseline", "rbf-svm"),
    ],
)
def test_a_self_test_that_makes_no_sense_is_refused(play: Play, arguments: tuple[str, ...]) -> None:
    measured = play({})
    done = self_test(*arguments)
    assert (done.exit_code, done.stdout, measured) == (2, "", [])


def test_a_planted_slowdown_is_a_share_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]

    def clock() -> int:
        now[0] += 1
        return now[0]

    def call(value: int) -> int:
        now[0] += 1_000
        return value

    monkeypatch.setattr(slowdown, "perf_counter_ns", clock)
    for share, expected in ((0.0, 1_003), (0.5, 1_503), (2.0, 3_003)):
        slowed = slowdown.with_slowdown(call, {"slowdown": share})
        began = now[0]
        assert slowed(7) == 7
        assert now[0] - began == pytest.approx(expected, abs=3)
    assert slowdown.with_slowdown(call, {}) is call


@pytest.mark.parametrize("setting", ["-0.1", "101", "true", "fast"])
def test_a_slowdown_that_is_no_share_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match="slowdown must be a number from 0 to 100"):
        parse(f"linear-svm[slowdown={setting}]")


def test_each_model_is_checked_against_itself_at_a_revision(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_revision(plan: Plan, name: str, *_: object, **__: object) -> Plan:
        at = Revision(name=name, commit="c" * 40, python="/nowhere/bin/python", folder="/")
        both = (one for mine in plan.candidates for one in (mine, msgspec.structs.replace(mine, revision=at)))
        return msgspec.structs.replace(plan, candidates=make_slugs_unique(both))

    monkeypatch.setattr("latency_tui.catalog.revision_candidates.add_revision_candidates", with_revision)
    monkeypatch.setattr("latency_tui.cli.check.check_plan", lambda _plan: None)
    measured = play({"linear-svm": 1.3})
    done = check("--against", "main", "--limit", "p50 < 1.05x", "--limit", "p50 < 1ms")
    assert done.exit_code == 3, done.stderr
    verdicts = [line.split()[0] for line in done.stdout.splitlines() if " < 1" in line]
    assert sorted(verdicts) == ["FAIL", "PASS", "PASS", "PASS"]
    assert "baseline: Logistic Regression (main), Linear SVM (main)" in done.stdout
    assert [one.name for one in measured[1].candidates] == ["Linear SVM", "Linear SVM (main)"]
    assert check("--against", "main", "--baseline", "linear-svm", "--limit", "p50 < 1.05x").exit_code == 2


def test_a_name_of_the_history_is_a_baseline(play: Play, saved: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    with History.open(path, create=True) as history:
        history.save(load(saved()), name="release")
    play({"linear-svm": 1.5})
    done = check("--baseline", "release", "--history", str(path), "--limit", "p50 < 1.1x")
    assert done.exit_code == 3
    assert "baseline: release" in done.stdout
