"""Limits: what can be written, and when a candidate meets or fails one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from latency_tui.analysis.limit_verdicts import InterimAnalyses
from latency_tui.analysis.recorder import Recorder
from latency_tui.api import measure
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.protocol import RoundFinished
from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.plan.limits import Limit, parse_limit
from latency_tui.report import render
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import Result
from latency_tui.stats.mean_ci import mean_interval
from tests.unit.fake_latencies import block, nanoseconds, starts, waves
from tests.unit.made_scores import scored
from tests.unit.test_analysis_recorder import plan_of


@pytest.mark.parametrize(
    ("text", "metric", "bound"),
    [
        ("p99 < 5ms", "p99", 0.005),
        ("p99<5 ms", "p99", 0.005),
        ("  P99.9 <= 250 us ", "p99_9", 250e-6),
        ("p50 ≤ 1,500ns", "p50", 1.5e-6),
        ("median < 2\N{MICRO SIGN}s", "p50", 2e-6),
        ("median < 2\N{GREEK SMALL LETTER MU}s", "p50", 2e-6),
        ("mean < .5s", "mean", 0.5),
        ("cold start < 3s", "cold_start", 3.0),
        ("cold-start < 1min", "cold_start", 60.0),
        ("memory < 500MB", "memory", 5e8),
        ("memory < 1 GiB", "memory", 2**30),
        ("throughput > 500/s", "throughput", 500.0),
        ("accuracy >= 0.9", "accuracy", 0.9),
        ("balanced accuracy > 90%", "balanced_accuracy", 0.9),
        ("neg_mean_absolute_error > -3", "neg_mean_absolute_error", -3.0),
        ("mean_absolute_error < 3", "mean_absolute_error", 3.0),
        ("log_loss < .5", "log_loss", 0.5),
        ("r2 > -0.5", "r2", -0.5),
        ("score > 90%", "score", 0.9),
        ("p90 < 1e3ms", "p90", 1.0),
    ],
)
def test_a_limit_is_a_metric_a_sign_and_a_bound(text: str, metric: str, bound: float) -> None:
    limit = parse_limit(text)
    assert (limit.metric, limit.candidate, limit.relative) == (metric, None, False)
    assert limit.bound == pytest.approx(bound)
    assert msgspec.structs.replace(parse_limit(str(limit)), text="") == msgspec.structs.replace(limit, text="")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("p99:5%", "p99 < 1.05x"),
        ("mean: 12.5 %", "mean < 1.125x"),
        ("median:5%", "median < 1.05x"),
        ("throughput:5%", "throughput > 0.95x"),
        ("memory:10%", "memory < 1.1x"),
        ("cold_start:20%", "cold_start < 1.2x"),
        ("score:1%", "score > 0.99x"),
        ("linear-svm: p99:5%", "linear-svm: p99 < 1.05x"),
    ],
)
def test_a_relative_limit_may_be_a_share_as_in_pytest_benchmark(text: str, written: str) -> None:
    assert parse_limit(text) == parse_limit(written)


@pytest.mark.parametrize("text", ["p99 < 1.05x", "memory < 1.1x", "score > 0.99x"])
def test_a_plan_compares_only_the_p50_in_turns(text: str) -> None:
    with pytest.raises(UsageError, match="compare with a saved result"):
        plan_of(2, limits=(parse_limit(text),))


def test_a_limit_may_name_a_model_and_may_be_relative() -> None:
    assert parse_limit("linear-svm: p99 < 5ms").candidate == "linear-svm"
    assert parse_limit("package.module:name[n_jobs=1]: p50 < 1ms").candidate == "package.module:name[n_jobs=1]"
    limit = parse_limit("p50 < 1.05x")
    assert (limit.relative, limit.bound, str(limit)) == (True, 1.05, "p50 < 1.05x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p99",
        "p99 < ",
        "p99 < 5",
        "p99 < 5 apples",
        "p98 < 5ms",
        "p99 > 5ms",
        "p99 < -5ms",
        "p99 < 0ms",
        "p99 < 1e999ms",
        "p99 < nan ms",
        "p99:5",
        "p98:5%",
        "throughput:200%",
        "throughput < 5/s",
        "throughput > 5ms",
        "memory < 5",
        "memory < 5ms",
        "score < 0.9",
        "accuracy < 0.9",
        "log_loss > 0.5",
        "neg_log_loss < -0.5",
        "neg_log_loss > 1.1x",
        "p50 < -1ms",
        "score > 0.9s",
        "p99 = 5ms",
        "p99 < 5ms < 6ms",
        "<" * 500,
        "9" * 5_000,
        "p99 < " + "9" * 5_000 + "ms",
        "\x00 < \udc80",
    ],
)
def test_what_is_no_limit_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_limit(text)
    assert len(str(refused.value)) < 300
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("memory < 5MB", {}, "cold start"),
        ("cold_start < 5s", {}, "cold start"),
        ("linear-svm: p50 < 5s", {}, "not among the candidates"),
    ],
)
def test_a_plan_refuses_limits_that_it_cannot_judge(text: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan_of(1, limits=(parse_limit(text),), **more)


def measured(plan: Plan, factors: tuple[float, ...] = (1, 2), rounds: int = 60, calls: int = 10) -> Recorder:
    """A measurement of 31 s whose medians are 62 µs times the factor."""
    recording, random = Recorder(plan), np.random.default_rng(3)
    for launch in range(plan.launches):
        for r in range(rounds):
            for candidate, factor in zip(plan.candidates, factors, strict=True):
                samples = nanoseconds(waves(random, 1, calls)[0], base=62_000 * factor)
                now = launch * 10**12 + r * 31 * 10**9 // rounds
                recording.add(block(candidate.slug, samples, round_=r, launch=launch, replica=r % 12, started_ns=now))
            recording.add(RoundFinished(job="m", launch=launch, round=r, rounds=rounds, seconds_left=0.0))
    return recording


def limits(*texts: str) -> tuple[Limit, ...]:
    return tuple(map(parse_limit, texts))


def verdicts(result: Result, slug: str = "logistic-regression") -> dict[str, str]:
    return {v.limit: v.verdict for v in result.limits if v.candidate == slug}


def test_a_candidate_passes_or_fails_by_its_whole_interval() -> None:
    texts = ("p50 < 70us", "p50 < 50us", "p50 < 62us", "mean < 70us", "mean < 50us", "throughput > 20/s")
    result = measured(plan_of(2, limits=limits(*texts))).result()
    assert verdicts(result) == {
        "p50 < 70us": "pass",
        "p50 < 50us": "fail",
        "p50 < 62us": "inconclusive",
        "mean < 70us": "pass",
        "mean < 50us": "fail",
        "throughput > 20/s": "pass",
    }
    undecided = next(v for v in result.limits if v.verdict == "inconclusive" and v.candidate == "logistic-regression")
    assert undecided.low is not None
    assert undecided.high is not None
    assert undecided.low < 62e-6 < undecided.high
    assert undecided.runs_to_decide is None or undecided.runs_to_decide > 0


def test_a_lower_bound_may_fail_but_never_passes() -> None:
    result = measured(plan_of(2, limits=limits("p99 < 1s", "p99 < 10us"))).result()
    assert verdicts(result) == {"p99 < 1s": "inconclusive", "p99 < 10us": "fail"}
    open_one = next(v for v in result.limits if v.verdict == "inconclusive")
    assert open_one.high is None
    assert (open_one.runs_to_decide or 0) > 600


def test_a_relative_limit_is_on_the_others_and_not_on_the_baseline() -> None:
    plan = plan_of(2, baseline="logistic-regression", limits=limits("p50 < 1.5x", "p50 < 3x"))
    result = measured(plan).result()
    assert verdicts(result) == {}
    assert verdicts(result, "random-forest") == {"p50 < 1.5x": "fail", "p50 < 3x": "pass"}


def test_a_limit_for_one_model_is_on_that_one() -> None:
    result = measured(plan_of(2, limits=limits("random-forest: p50 < 70us"))).result()
    assert [(v.candidate, v.verdict) for v in result.limits] == [("random-forest", "fail")]


def test_cold_start_takes_three_launches_memory_its_value_score_its_interval() -> None:
    texts = ("cold_start < 3s", "memory < 200MB", "score > 0.9")
    for launches, expected in ((1, "inconclusive"), (3, "pass")):
        plan = plan_of(1, launches=launches, cold_start=True, limits=limits(*texts))
        recording = measured(plan, (1,))
        slug = plan.candidates[0].slug
        recording.add(scored(slug, 0.8))
        for launch in range(launches):
            recording.add(
                ColdStartMeasured(
                    job="m",
                    launch=launch,
                    candidate=slug,
                    import_seconds=1.0 + launch / 100,
                    load_seconds=0.1,
                    memory_before=10,
                    memory_after=10**8,
                    memory_peak=10**8 + launch,
                    first_calls=(10**6,),
                )
            )
        result = recording.result()
        found = verdicts(result)
        assert found == {"cold_start < 3s": expected, "memory < 200MB": "pass", "score > 0.9": "fail"}
        if launches == 1:
            assert result.limits[0].launches_to_decide == 2


def test_an_undecided_limit_of_a_single_model_is_called_undecided() -> None:
    recording = measured(plan_of(1, limits=limits("p50 < 62us")), factors=(1,))
    assert "Whether Logistic Regression meets p50 < 62us is undecided." in recording.result().answer


def test_the_answer_and_every_report_say_who_meets_the_limits() -> None:
    result = measured(plan_of(2, limits=limits("p50 < 70us"))).result()
    assert "1 of 2 models meets p50 < 70us: Logistic Regression." in result.answer
    table = render(result)
    assert "meets" in table
    assert "limit   Random Forest fails p50 < 70us" in table
    assert "| limits |" in render(result, "markdown")
    rows = list(csv.DictReader(io.StringIO(render(result, "csv"))))
    assert [row["limits"] for row in rows] == ["p50 < 70us: pass", "p50 < 70us: fail"]
    told = msgspec.json.decode(render(result, "json"))["limits"]
    assert [(one["candidate"], one["verdict"]) for one in told] == [
        ("logistic-regression", "pass"),
        ("random-forest", "fail"),
    ]


def test_the_answer_does_not_count_limits_that_are_on_other_models() -> None:
    result = measured(plan_of(2, limits=limits("p50 < 1ms", "random-forest: p50 < 1us"))).result()
    assert "1 of 2 models meets all its limits: Logistic Regression." in result.answer


def test_the_answer_says_that_no_model_meets_the_limits() -> None:
    result = measured(plan_of(2, limits=limits("p50 < 1us", "mean < 1us"))).result()
    assert "None of the 2 models meets both limits." in result.answer


def test_a_report_without_limits_says_nothing_of_them() -> None:
    result = measured(plan_of(2)).result()
    assert result.limits == ()
    assert "limit" not in render(result)


def test_until_known_waits_for_limits_and_keeps_a_verdict_once_reached() -> None:
    plan = plan_of(1, runs=None, until_known=True, limits=limits("p50 < 70us"))
    recording, random = Recorder(plan), np.random.default_rng(3)
    settled_at = None
    for r in range(200):
        samples = nanoseconds(waves(random, 1, 10)[0])
        recording.add(block("logistic-regression", samples, round_=r, replica=r % 12, started_ns=r * 10**8))
        recording.add(RoundFinished(job="m", launch=0, round=r, rounds=200, seconds_left=0.0))
        if recording.is_decided():
            settled_at = r + 1
            break
    assert settled_at is not None
    assert 10 <= settled_at < 200
    assert verdicts(recording.result()) == {"p50 < 70us": "pass"}
    assert recording.result().limits[0].confidence > 0.95


def test_until_known_does_not_stop_while_a_limit_is_open() -> None:
    plan = plan_of(2, runs=None, until_known=True, limits=limits("p50 < 62us"))
    recording = measured(plan, rounds=40)
    assert not recording.is_decided()


def looked(truth: float, looks: Callable[[], InterimAnalyses], trials: int = 300, rounds: int = 1_000) -> float:
    """How often independent rounds whose mean is on the limit are called to pass or fail, over all looks."""
    random, wrong = np.random.default_rng(5), 0
    for _ in range(trials):
        values, watch = random.normal(truth, 1, rounds).cumsum(), looks()
        for r in range(1, rounds + 1):
            if not watch.due(r):
                continue
            z = {0.95: 1.96}.get(watch.confidence) or _normal(watch.confidence)
            decided = abs(values[r - 1] / r) > z / np.sqrt(r)
            verdict = LimitVerdict(
                limit="l", candidate="c", metric="p50", bound=1.0, verdict="fail" if decided else "inconclusive"
            )
            if watch.add(r, [verdict]):
                wrong += 1
                break
    return wrong / trials


def _normal(confidence: float) -> float:
    from latency_tui.stats.distributions import normal_quantile

    return normal_quantile((1 + confidence) / 2)


def test_looking_often_errs_no_more_often_than_one_look_may() -> None:
    assert looked(0.0, InterimAnalyses) < 0.08  # 5 % and three standard errors


def test_the_interval_of_a_mean_covers_it_although_calls_depend() -> None:
    held, trials = 0, 400
    for seed in range(trials):
        random = np.random.default_rng(seed)
        moods = np.repeat(random.normal(0, 0.1, 40), 25)
        latencies = np.exp(11 + moods + random.normal(0, 0.1, 1_000))
        ends = mean_interval(latencies, starts(40, 25))
        assert ends is not None
        held += ends[0] <= np.exp(11 + 0.01) <= ends[1]
    assert held / trials > 0.92


@pytest.mark.parametrize("given", ["p99 < 5ms", 5, ["p99"], ["nobody: p99 < 5ms"], [3]])
def test_the_python_api_refuses_what_is_no_list_of_limits(given: Any) -> None:
    with pytest.raises(UsageError):
        measure({"one": lambda X: X}, np.zeros((5, 2)), limits=given)
