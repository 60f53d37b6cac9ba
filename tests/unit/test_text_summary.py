from __future__ import annotations

import msgspec
import pytest

from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan, Workload
from latency_tui.result.result import CandidateResult, Result, Statistics
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.stats.percentiles import Percentile
from latency_tui.text.summary import summarize

NAMES = (
    "Logistic Regression",
    "Random Forest",
    "Linear SVM",
    "RBF SVM",
    "Small Neural Network",
    "Large Neural Network",
)


def candidate(
    place: int, median: float | None, group: str = "", *, calls: int = 100, launches: int = 1
) -> CandidateResult:
    spec = BUILTIN_MODELS[place]
    bare = CandidateResult(name=spec.name, slug=Candidate(model=spec).slug, status="cancelled")
    if median is None:
        return bare
    around = Percentile(value=median, low=median * 0.99, high=median * 1.01)
    statistics = Statistics(
        mean=median, std=0, min=median, max=median,
        p50=around, p90=around, p95=around, p97=around, p99=around, p99_9=around,
    )  # fmt: skip
    return msgspec.structs.replace(
        bare, status="measured", statistics=statistics, group=group, calls=calls, complete_launches=launches
    )


def failed(place: int, error: str) -> CandidateResult:
    return msgspec.structs.replace(candidate(place, None), status="failed", error=error)


def pair(
    baseline: int, other: int, ratio: float, low: float | None, high: float | None, verdict: Verdict, **more: float
) -> Comparison:
    slugs = [Candidate(model=spec).slug for spec in BUILTIN_MODELS]
    return Comparison(
        baseline=slugs[baseline], candidate=slugs[other], ratio=ratio, low=low, high=high, verdict=verdict,
        runs_to_decide=int(more["runs"]) if "runs" in more else None, seconds_to_decide=more.get("seconds"),
    )  # fmt: skip


def result(
    candidates: list[CandidateResult], *comparisons: Comparison, equivalence: float = 0.01, batch_size: int = 1
) -> Result:
    plan = Plan(
        candidates=tuple(Candidate(model=BUILTIN_MODELS[NAMES.index(c.name)]) for c in candidates),
        workload=Workload(batch_size=batch_size),
    )
    return Result(plan=plan, candidates=tuple(candidates), comparisons=comparisons, equivalence=equivalence)


def test_the_answer_names_the_fastest_and_its_lead_over_the_second() -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a", launches=5), candidate(1, 4.5e-3, "c"), candidate(2, 71.3e-6, "b")],
        pair(0, 1, 72, 70, 74, "slower"),
        pair(0, 2, 1.15, 1.13, 1.17, "slower"),
    )
    assert summarize(measured) == (
        "Logistic Regression is fastest: p50 62.1 µs, 1.15× faster than Linear SVM (95 % CI 1.13–1.17)."
    )


def test_the_answer_of_one_launch_says_that_it_holds_for_this_launch() -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a"), candidate(2, 71.3e-6, "b")], pair(0, 2, 1.15, 1.13, 1.17, "slower"), batch_size=32
    )
    assert summarize(measured) == (
        "Logistic Regression is fastest: p50 62.1 µs for 32 rows, 1.15× faster than Linear SVM "
        "(95 % CI 1.13–1.17 in this launch)."
    )


def test_the_fastest_is_compared_with_a_slower_baseline() -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a"), candidate(2, 71.3e-6, "b"), candidate(1, 4.5e-3, "c")],
        pair(1, 0, 0.0138, 0.0135, 0.0141, "faster"),
        pair(1, 2, 0.0158, 0.0155, 0.0161, "faster"),
    )
    assert summarize(measured) == (
        "Logistic Regression is fastest: p50 62.1 µs, 72.5× faster than the baseline Random Forest "
        "(95 % CI 70.9–74.1 in this launch)."
    )


@pytest.mark.parametrize(
    ("ratio", "low", "high", "again", "said"),
    [
        (1.15, 1.13, 1.17, (1.11, 1.19), "1.13–1.17; 1.11–1.19"),
        (72.5, 70.9, 74.1, (68.0, 77.25), "70.9–74.1; 68.0–77.2"),
    ],
)
def test_several_launches_give_a_prediction_interval(
    ratio: float, low: float, high: float, again: tuple[float, float], said: str
) -> None:
    slower = msgspec.structs.replace(
        pair(0, 2, ratio, low, high, "slower"), predicted_low=again[0], predicted_high=again[1]
    )
    measured = result([candidate(0, 62.1e-6, "a", launches=5), candidate(2, ratio * 62.1e-6, "b", launches=5)], slower)
    assert summarize(measured).endswith(f"× faster than Linear SVM (95 % CI {said} in another launch).")


def test_the_prediction_interval_is_inverted_for_a_slower_baseline() -> None:
    faster = msgspec.structs.replace(pair(2, 0, 0.8, 0.78, 0.82, "faster"), predicted_low=0.75, predicted_high=0.85)
    measured = result([candidate(2, 71.3e-6, "b", launches=5), candidate(0, 57.0e-6, "a", launches=5)], faster)
    assert summarize(measured).endswith("(95 % CI 1.22–1.28; 1.18–1.33 in another launch).")


def test_two_models_that_match_are_called_equally_fast() -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a"), candidate(2, 62.2e-6, "a"), candidate(1, 4.5e-3, "b")],
        pair(0, 2, 1.002, 0.998, 1.006, "same"),
        pair(0, 1, 72, 70, 74, "slower"),
    )
    both = "Logistic Regression and Linear SVM are equally fast"
    assert summarize(measured) == f"{both} (within 1 % in this launch): p50 62.1 µs."
    wider = msgspec.structs.replace(measured, equivalence=0.024)
    assert "(within 2.4 % in this launch)" in summarize(wider)


def test_an_open_answer_says_how_many_more_runs_should_decide_it() -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a"), candidate(2, 62.2e-6, "a")],
        pair(0, 2, 1.01, 0.99, 1.03, "inconclusive", runs=372, seconds=4.2),
    )
    assert summarize(measured) == (
        "No clear winner between Logistic Regression and Linear SVM after 100 runs: ratio 1.01× (95 % CI 0.99–1.03); "
        "about 400 more runs (4 s) should decide it."
    )


def test_an_open_answer_asks_for_launches_if_launches_differ() -> None:
    candidates = [candidate(k, (60 + k) * 1e-6, "a", launches=5) for k in range(3)]
    launches = msgspec.structs.replace(pair(0, 1, 1.01, 0.9, 1.1, "inconclusive", seconds=10.0), launches_to_decide=2)
    runs = pair(0, 2, 1.01, 0.9, 1.1, "inconclusive", runs=50_000, seconds=44.0)
    assert summarize(result(candidates[:2], launches)).endswith("; about 2 more launches should decide it.")
    assert summarize(result(candidates, launches, runs)).endswith("; about 9 more launches should decide it.")
    one = pair(0, 1, 1.01, 0.9, 1.1, "inconclusive", runs=1, seconds=0.1)
    assert "about 1 more run (under 1 s) should decide it" in summarize(result(candidates[:2], one))


def test_an_undecided_ratio_is_shown_as_at_least_one() -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a"), candidate(2, 62.2e-6, "a")], pair(0, 2, 0.98, 0.95, 1.02, "inconclusive")
    )
    assert "1.02× (95 % CI 0.98–1.05); measuring longer is unlikely to decide it." in summarize(measured)


def test_a_clear_lead_without_significance_is_not_called_a_draw() -> None:
    candidates = [candidate(0, 1.18e-6, "a"), candidate(1, 30e-6, "a"), candidate(2, 106e-6, "a")]
    far = [pair(0, k, 25.0 * k, 24.0 * k, 26.0 * k, "inconclusive", runs=90, seconds=0.1) for k in (1, 2)]
    assert summarize(result(candidates, *far)) == (
        "Logistic Regression looks fastest (p50 1.18 µs), but 100 runs are too few to be sure; "
        "about 90 more runs (under 1 s) should decide it."
    )
    near = pair(0, 2, 1.02, 1.005, 1.03, "inconclusive", runs=90, seconds=0.1)
    assert summarize(result(candidates, far[0], near)) == (
        "No clear winner between Logistic Regression and Linear SVM after 100 runs: ratio 1.02× (95 % CI 1.00–1.03); "
        "about 90 more runs (under 1 s) should decide it."
    )


def test_matching_models_are_named_while_another_pair_is_open() -> None:
    candidates = [candidate(0, 10e-6, "a"), candidate(1, 90e-6, "a"), candidate(2, 10.01e-6, "a")]
    clear = pair(0, 1, 9, 8, 10, "inconclusive", runs=90, seconds=0.1)
    measured = result(candidates, clear, pair(0, 2, 1.001, 0.999, 1.003, "same"))
    assert summarize(measured) == (
        "Logistic Regression and Linear SVM are equally fast (within 1 % in this launch): p50 10.0 µs; "
        "about 90 more runs (under 1 s) should decide the rest."
    )


def test_a_doubtful_lead_asks_for_launches_or_for_nothing() -> None:
    candidates = [candidate(k, (1 + 9 * k) * 1e-6, "a", launches=3) for k in range(3)]
    far = [pair(0, k, 9.0 * k, 8.0 * k, 10.0 * k, "inconclusive", seconds=10.0) for k in (1, 2)]
    launches = [msgspec.structs.replace(one, launches_to_decide=2, launches=3) for one in far]
    assert summarize(result(candidates, *launches)) == (
        "Logistic Regression looks fastest (p50 1.00 µs), but 3 launches are too few to be sure; "
        "about 2 more launches should decide it."
    )
    doubt = "looks fastest (p50 1.00 µs), but the difference is not significant"
    assert summarize(result(candidates, *far)) == f"Logistic Regression {doubt} for this many models."
    assert summarize(result(candidates[:2], far[0])) == f"Logistic Regression {doubt}."


def test_a_doubtful_lead_is_reported_with_a_slower_baseline_too() -> None:
    candidates = [candidate(0, 10e-6, "a"), candidate(1, 90e-6, "a"), candidate(2, 10.1e-6, "a")]
    clear = pair(1, 0, 0.11, 0.10, 0.12, "inconclusive", runs=90, seconds=0.1)
    assert summarize(result(candidates[:2], clear)) == (
        "Logistic Regression looks fastest (p50 10.0 µs), but 100 runs are too few to be sure; "
        "about 90 more runs (under 1 s) should decide it."
    )
    other = pair(1, 2, 0.112, 0.102, 0.122, "inconclusive", runs=90, seconds=0.1)
    assert summarize(result(candidates, clear, other)) == (
        "No clear winner between Logistic Regression and Linear SVM after 100 runs: p50 10.0–10.1 µs."
    )
    apart = pair(1, 2, 0.5, 0.45, 0.55, "inconclusive", runs=90, seconds=0.1)
    slower = [candidates[0], candidate(1, 90e-6, "b"), candidate(2, 45e-6, "a")]
    assert summarize(result(slower, clear, apart)) == (
        "Logistic Regression looks fastest (p50 10.0 µs), but the difference is not significant for this many models."
    )
    near = pair(1, 0, 0.98, 0.95, 0.995, "inconclusive", runs=90, seconds=0.1)
    assert summarize(result(candidates[:2], near)).startswith("No clear winner between")


def test_an_open_answer_among_several_models_names_up_to_three() -> None:
    candidates = [candidate(k, (60 + k) * 1e-6, "a") for k in range(5)]
    comparisons = [pair(0, k, 1.01, 0.9, 1.1, "inconclusive", runs=1234 * k, seconds=0.1) for k in range(1, 5)]
    assert summarize(result(candidates, *comparisons)) == (
        "No clear winner among all 5 models after 100 runs: p50 60.0–64.0 µs; "
        "about 5,000 more runs (under 1 s) should decide it."
    )
    three = [*candidates[:3], candidate(3, 5e-3, "b")]
    assert summarize(result(three, *comparisons[:2], pair(0, 3, 80, 79, 81, "slower"))).startswith(
        "No clear winner among Logistic Regression, Random Forest and Linear SVM after 100 runs: p50 60.0–62.0 µs;"
    )
    four = [*candidates[:4], candidate(4, 5e-3, "b")]
    assert summarize(result(four, *comparisons[:3], pair(0, 4, 80, 79, 81, "slower"))).startswith(
        "No clear winner among Logistic Regression and 3 others after 100 runs"
    )


def test_several_models_that_match_are_compared_with_the_baseline() -> None:
    candidates = [candidate(k, 60e-6, "a") for k in range(4)]
    comparisons = [pair(0, k, 1.0, 0.995, 1.005, "same") for k in range(1, 4)]
    within = "as fast as Logistic Regression (within 1 % in this launch): p50 60.0 µs."
    assert summarize(result(candidates, *comparisons)) == f"Random Forest, Linear SVM and RBF SVM are {within}"
    five = [*candidates, candidate(4, 60e-6, "a")]
    assert summarize(result(five, *comparisons, pair(0, 4, 1.0, 0.995, 1.005, "same"))) == f"All others are {within}"


def test_two_models_that_were_not_compared_have_no_ratio() -> None:
    """With a third as the baseline there is no interval between the two fastest, so none is claimed."""
    measured = result(
        [candidate(0, 62.1e-6, "a"), candidate(2, 62.2e-6, "a"), candidate(1, 4.5e-3, "b")],
        pair(1, 0, 0.0138, 0.0135, 0.0141, "faster"),
        pair(1, 2, 0.0139, 0.0136, 0.0142, "faster"),
    )
    assert summarize(measured) == (
        "No clear winner between Logistic Regression and Linear SVM after 100 runs: p50 62.1–62.2 µs."
    )


@pytest.mark.parametrize(("calls", "few"), [(1, "1 run is too few"), (5, "5 runs are too few")])
def test_with_too_few_rounds_nothing_is_claimed(calls: int, few: str) -> None:
    measured = result(
        [candidate(0, 62.1e-6, "a", calls=calls), candidate(2, 71e-6, "a")],
        pair(0, 2, 1.15, None, None, "inconclusive"),
    )
    assert summarize(measured) == f"Logistic Regression has the lowest p50 (62.1 µs), but {few} for a verdict."


def test_with_too_few_rounds_the_lowest_p50_is_that_of_the_table() -> None:
    """Whose ratio to the baseline is the lowest may have another."""
    measured = result(
        [candidate(0, 112e-6, "a", calls=5), candidate(2, 111e-6, "a", calls=5)],
        pair(2, 0, 0.99, None, None, "inconclusive"),
    )
    assert summarize(measured).startswith("Linear SVM has the lowest p50 (111 µs)")


def test_nothing_is_claimed_while_one_pair_has_too_few_rounds() -> None:
    early = result(
        [candidate(0, 205e-6, "a", calls=60), candidate(1, 8.9e-3, "a"), candidate(2, 228e-6, "a")],
        pair(0, 1, 43.1, None, None, "inconclusive"),
        pair(0, 2, 1.1, 0.98, 1.18, "inconclusive"),
    )
    assert summarize(early) == (
        "Logistic Regression has the lowest p50 (205 µs), but 60 runs are too few for a verdict."
    )


def test_a_single_model_is_reported_with_its_interval() -> None:
    alone = candidate(0, 62.1e-6)
    assert summarize(result([alone])) == ("Logistic Regression: p50 62.1 µs (95 % CI 61.5–62.7 µs in this launch).")
    assert alone.statistics is not None
    few = msgspec.structs.replace(
        alone, calls=5, statistics=msgspec.structs.replace(alone.statistics, p50=Percentile(value=62.1e-6))
    )
    assert summarize(result([few])) == ("Logistic Regression: p50 62.1 µs; 5 runs are too few for an interval.")


def test_failures_follow_the_answer() -> None:
    one = result([candidate(0, 62.1e-6), failed(1, "boom"), candidate(2, None)])
    assert summarize(one).endswith(" Random Forest failed.")
    two = result([candidate(0, 62.1e-6), failed(1, "boom"), failed(2, "boom")])
    assert summarize(two).endswith(" 2 models failed.")


def test_models_that_all_failed_late_say_after_how_many_runs() -> None:
    late = [msgspec.structs.replace(candidate(k, 62.1e-6), status="failed", error="boom") for k in range(2)]
    assert summarize(result(late[:1])) == "Logistic Regression failed after 100 runs: boom."
    assert summarize(result(late)) == "None of the 2 models could be measured to the end: boom."
    assert summarize(result([late[0], failed(1, "bang")])) == (
        "None of the 2 models could be measured to the end; Logistic Regression: boom."
    )


def test_without_any_measured_model_the_answer_gives_the_reason() -> None:
    assert summarize(result([failed(1, "ValueError: no such kernel.")])) == (
        "Random Forest could not be measured: ValueError: no such kernel."
    )
    assert summarize(result([failed(1, "boom"), failed(2, "boom")])) == "None of the 2 models could be measured: boom."
    assert summarize(result([failed(1, "boom"), failed(2, "bang")])) == (
        "None of the 2 models could be measured; Random Forest: boom."
    )
    assert summarize(result([candidate(0, None)])) == "Nothing was measured."
