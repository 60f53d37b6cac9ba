"""Scores against latencies on made data: the front, the model to ship, the reasons, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import pytest

from latency_tui.analysis.restoring import resume
from latency_tui.analysis.scores import compare_scores
from latency_tui.analysis.trade_off import weigh
from latency_tui.engine.score_events import CandidateScored, MetricScore
from latency_tui.plan import BUILTIN_MODELS
from latency_tui.plan.limits import parse_limit
from latency_tui.report import Format, render
from latency_tui.report.table_cells import make_notes
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import CandidateResult, Result, decode
from latency_tui.result.trade_off import TradeOff
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.text.scores import format_score_interval
from latency_tui.text.trade_off import describe_trade_off, shorten_trade_off
from tests.unit.fake_result import make_candidate
from tests.unit.made_scores import accuracy, rows_right
from tests.unit.test_analysis_recorder import plan_of
from tests.unit.test_limits import measured

FAST, SLOW, GOOD = "logistic-regression", "random-forest", "linear-svm"
ROWS = 400


def candidates(medians: Sequence[float]) -> list[CandidateResult]:
    return [make_candidate(spec, median) for spec, median in zip(BUILTIN_MODELS, medians, strict=False)]


def comparisons(
    found: Sequence[CandidateResult], verdicts: Mapping[tuple[str, str], Verdict] | None = None
) -> list[Comparison]:
    """Every pair, shown to differ unless `verdicts` has another verdict."""
    pairs = []
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            assert one.statistics is not None
            assert other.statistics is not None
            ratio = (other.statistics.p50.value or 1.0) / (one.statistics.p50.value or 1.0)
            verdict: Verdict = "slower" if ratio > 1 else "faster"
            pairs.append(
                Comparison(
                    baseline=one.slug,
                    candidate=other.slug,
                    ratio=ratio,
                    low=ratio * 0.98,
                    high=ratio * 1.02,
                    verdict=(verdicts or {}).get((one.slug, other.slug), verdict),
                    rounds=20,
                )
            )
    return pairs


def result_of(
    medians: Sequence[float],
    scores: Sequence[MetricScore | None],
    verdicts: Mapping[tuple[str, str], Verdict] | None = None,
    limits: Sequence[LimitVerdict] = (),
) -> Result:
    found = candidates(medians)
    by_slug = {c.slug: score for c, score in zip(found, scores, strict=True) if score is not None}
    trade_off = weigh(found, by_slug, compare_scores(by_slug), comparisons(found, verdicts), limits)
    shown = tuple(
        msgspec.structs.replace(
            c,
            score=score.value if score else None,
            metric=score.metric if score else "",
            score_problem="" if score else "it has no labels",
        )
        for c, score in zip(found, scores, strict=True)
    )
    plan = plan_of(len(found))
    return Result(plan=plan, candidates=shown, trade_off=trade_off, limits=tuple(limits))


def weighed(result: Result) -> TradeOff:
    assert result.trade_off is not None
    return result.trade_off


def standings(result: Result) -> dict[str, str]:
    return {row.candidate: row.standing for row in weighed(result).candidates}


def test_a_model_that_is_slower_and_worse_is_dominated() -> None:
    result = result_of([1e-4, 1e-3], [accuracy(rows_right(ROWS, 20)), accuracy(rows_right(ROWS, 60))])
    assert standings(result) == {FAST: "front", SLOW: "dominated"}
    assert (weighed(result).front, weighed(result).choice) == ((FAST,), FAST)
    loser = weighed(result).candidates[1]
    assert (loser.reason, loser.dominated_by, loser.differs, loser.verdict) == ("both", FAST, True, "slower")
    assert loser.difference == pytest.approx(-0.1)


def test_intervals_that_overlap_leave_it_undecided() -> None:
    scores = [accuracy(rows_right(ROWS, 20)), accuracy(rows_right(ROWS, 22, first=100))]
    result = result_of([1e-4, 1e-3], scores)
    assert standings(result) == {FAST: "front", SLOW: "undecided"}
    assert weighed(result).front == (FAST, SLOW)
    scores = [accuracy(rows_right(ROWS, 20)), accuracy(rows_right(ROWS, 60))]
    result = result_of([1e-4, 1.01e-4], scores, {(FAST, SLOW): "inconclusive"})
    assert standings(result) == {FAST: "front", SLOW: "undecided"}, "slower, perhaps"


def test_the_fastest_within_one_standard_error_of_the_best_is_shipped() -> None:
    best, near, worse = rows_right(ROWS, 19, first=100), rows_right(ROWS, 20), rows_right(ROWS, 80)
    result = result_of([1e-5, 1e-3, 1e-4], [accuracy(worse), accuracy(best), accuracy(near)])
    assert weighed(result).choice == GOOD, "the fastest is worse, and the best is not shown to be better"
    assert standings(result) == {FAST: "front", SLOW: "undecided", GOOD: "front"}
    first, fast, slow, *_ = describe_trade_off(result)
    assert first == "Ship Linear SVM: p50 100 µs, accuracy 0.950."
    assert fast.startswith("Logistic Regression is 10.0× faster, but 0.150 worse (95 % CI 0.1")
    assert slow.startswith("Random Forest is 0.003 better (95 % CI −0.0")
    assert slow.endswith("not significant) and 10.0× slower.")
    assert shorten_trade_off(result) == f"{first.removesuffix('.')}; {slow}"


def test_a_score_that_is_clearly_better_wins_over_latency() -> None:
    result = result_of([1e-4, 1e-2], [accuracy(rows_right(ROWS, 80)), accuracy(rows_right(ROWS, 10, first=200))])
    assert weighed(result).choice == SLOW
    assert standings(result) == {FAST: "front", SLOW: "front"}


def test_of_equal_scores_and_equal_latencies_the_faster_figure_is_taken() -> None:
    same = accuracy(rows_right(ROWS, 20))
    result = result_of([1.01e-4, 1e-4], [same, same], {(FAST, SLOW): "same"})
    assert weighed(result).choice == SLOW
    assert describe_trade_off(result)[1] == "Logistic Regression is equal in score and as fast."
    assert standings(result) == {FAST: "undecided", SLOW: "undecided"}


def test_less_of_a_loss_is_better() -> None:
    losses = [msgspec.structs.replace(accuracy(rows_right(ROWS, wrong)), metric="log_loss") for wrong in (380, 340)]
    result = result_of([1e-4, 1e-3], losses)
    assert [c.score for c in result.candidates] == [0.05, pytest.approx(0.15)]
    assert weighed(result).greater_is_better is False
    assert standings(result) == {FAST: "front", SLOW: "dominated"}
    assert describe_trade_off(result)[1].startswith("Random Forest is 0.100 worse (95 % CI 0.0")


def limit_on(slug: str, text: str, verdict: Literal["pass", "fail", "inconclusive"]) -> LimitVerdict:
    limit = parse_limit(text)
    return LimitVerdict(
        limit=text,
        candidate=slug,
        metric=limit.metric,
        bound=limit.bound,
        verdict=verdict,
        value=1e-3,
    )


def test_limits_filter_and_the_reason_says_which() -> None:
    scores = [accuracy(rows_right(ROWS, 80)), accuracy(rows_right(ROWS, 10, first=200))]
    fails = [limit_on(FAST, "p99 < 5ms", "pass"), limit_on(SLOW, "p99 < 5ms", "fail")]
    result = result_of([1e-4, 1e-2], scores, limits=fails)
    assert weighed(result).choice == FAST
    assert (standings(result)[SLOW], weighed(result).candidates[1].reason) == ("excluded", "limit")
    assert describe_trade_off(result)[1] == "Random Forest fails p99 < 5ms: 1.00 ms."
    assert [text for _, text in make_notes(result) if "Random Forest fails" in text] == [
        "Random Forest fails p99 < 5ms: 1.00 ms."
    ], "reports list it once"
    both = result_of([1e-4, 1e-2], scores, limits=[limit_on(s, "p99 < 5ms", "fail") for s in (FAST, SLOW)])
    assert (weighed(both).choice, weighed(both).open_because, weighed(both).front) == (None, "limits", ())
    assert describe_trade_off(both)[0] == "No model meets all limits, so there is none to ship."
    open_ = result_of([1e-4, 1e-2], scores, limits=[limit_on(s, "p99 < 5ms", "inconclusive") for s in (FAST, SLOW)])
    assert weighed(open_).choice is None
    assert describe_trade_off(open_)[0] == (
        "No model is shown to meet all limits; Logistic Regression and Random Forest may."
    )


def test_models_without_a_score_that_can_be_compared_are_named() -> None:
    one, two = accuracy(rows_right(ROWS, 20)), accuracy(rows_right(ROWS, 60))
    result = result_of([1e-4, 1e-3, 1e-5], [one, two, None])
    assert weighed(result).choice == FAST
    assert "Linear SVM has no score: it has no labels." in describe_trade_off(result)
    result = result_of([1e-4, 1e-3, 1e-5], [one, two, accuracy(rows_right(200, 0), targets="other")])
    assert "Linear SVM was scored on other test rows, so its score is not compared." in describe_trade_off(result)
    result = result_of([1e-4, 1e-3, 1e-5], [one, two, accuracy(rows_right(ROWS, 0), metric="r2")])
    assert "Linear SVM is scored by R², not by accuracy." in describe_trade_off(result)
    result = result_of([1e-4, 1e-3], [one, None])
    assert weighed(result).choice is None
    assert describe_trade_off(result)[0] == "Only Logistic Regression has a score that can be weighed against latency."


def test_too_few_rounds_are_no_reason_to_ship_anything() -> None:
    found = candidates([1e-4, 1e-3])
    scores = {c.slug: accuracy(rows_right(ROWS, 20)) for c in found}
    pairs = [msgspec.structs.replace(pair, rounds=1, verdict="inconclusive") for pair in comparisons(found)]
    trade_off = weigh(found, scores, compare_scores(scores), pairs, [])
    assert (trade_off.choice, trade_off.open_because) == (None, "rounds")


def test_a_measurement_has_the_trade_off_and_keeps_it_in_its_file() -> None:
    plan = plan_of(2)
    recording = measured(plan)
    assert recording.result().trade_off is None, "there are no scores"
    slugs = [c.slug for c in plan.candidates]
    for slug, wrong in zip(slugs, (60, 20), strict=True):
        recording.add(CandidateScored(job="m", candidate=slug, scores=(accuracy(rows_right(ROWS, wrong)),)))
    result = recording.result()
    first = result.candidates[0]
    assert (first.score, first.metric) == (0.85, "accuracy")
    assert 0.8 < (first.score_low or 0) < 0.85 < (first.score_high or 0) < 0.9
    assert set(weighed(result).front) <= set(slugs)
    saved = decode(result.to_json().encode(), "r.json")
    assert saved.trade_off == result.trade_off
    assert resume(saved).result().trade_off == result.trade_off, "a continuation has the scores"
    forms: tuple[Format, ...] = ("table", "markdown", "html")
    for form in forms:
        assert "1,000 resamples" in render(result, form)
    assert "<circle" in render(result, "html")


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.921, 0.9724, "0.921–0.972"),
        (-51.48, -38.7, "−51.5 to −38.7"),
        (-1e-17, 0.0312, "0.000–0.031"),
        (None, 1.0, ""),
    ],
)
def test_an_interval_of_scores_is_readable(low: float | None, high: float, text: str) -> None:
    assert format_score_interval(low, high) == text
