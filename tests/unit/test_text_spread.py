"""The sentence on tails: it names the longest one only if the intervals allow it."""

from __future__ import annotations

import msgspec

from latency_tui.plan import BUILTIN_MODELS
from latency_tui.result.result import CandidateResult, Result
from latency_tui.stats.percentiles import Percentile
from latency_tui.text.spread import describe_spread
from tests.unit.fake_result import make_candidate, make_result
from tests.unit.test_sweeps import measured as sweep


def candidate(
    index: int, ratio: float, *, width: float = 0.01, of_p99: dict[str, float | None] | None = None
) -> CandidateResult:
    """A candidate whose p99 is `ratio` times its p50, with an interval so wide relative to itself."""
    median = 1e-4 * (index + 1)
    found = make_candidate(BUILTIN_MODELS[index], median)
    assert found.statistics is not None

    def known(factor: float) -> Percentile:
        value = median * factor
        return Percentile(value=value, low=value * (1 - width), high=value * (1 + width))

    p99 = msgspec.structs.replace(known(ratio), **(of_p99 or {}))
    lower = {key: known(ratio * 0.9) for key in ("p90", "p95", "p97")}
    statistics = msgspec.structs.replace(found.statistics, p50=known(1.0), p99=p99, **lower)
    return msgspec.structs.replace(found, statistics=statistics)


def said(*candidates: CandidateResult) -> str:
    return describe_spread(msgspec.structs.replace(make_result(), candidates=candidates))


def test_the_longest_tail_is_named_with_its_interval() -> None:
    assert said(candidate(0, 1.2), candidate(1, 3.1), candidate(2, 1.4)) == (
        "Random Forest has the longest tail: its p99 is 3.10× its p50 (3.04–3.16), compared with 1.20× for Logistic "
        "Regression."
    )


def test_tails_whose_intervals_overlap_are_not_ranked() -> None:
    assert said(candidate(0, 1.9, width=0.1), candidate(1, 1.8, width=0.1)) == (
        "The tails are not shown to differ: each p99 is 1.80–1.90× its p50."
    )
    assert said(candidate(0, 3.0), candidate(1, 3.02), candidate(2, 1.5)) == (
        "Random Forest and Logistic Regression have the longest tails: their p99 is 3.00–3.02× their p50, compared "
        "with 1.50× for Linear SVM."
    )


def test_without_intervals_the_sentence_is_about_these_calls() -> None:
    short: dict[str, float | None] = {"high": None, "seconds_needed": 30.0}
    assert said(candidate(0, 1.2, of_p99=short), candidate(1, 3.1, of_p99=short)) == (
        "Random Forest has the longest tail in these calls: its p99 is 3.10× its p50, compared with 1.20× for Logistic "
        "Regression. Tails drift: measure for 30 s or more for an interval."
    )


def test_a_lower_percentile_counts_if_one_model_has_too_few_calls_for_p99() -> None:
    few: dict[str, float | None] = {"high": None, "calls_needed": 3_600}
    text = said(candidate(0, 1.2, of_p99=few), candidate(1, 3.1))
    assert text.startswith("Random Forest has the longest tail: its p97 is 2.79× its p50")
    assert text.endswith("A p99 needs 3,600 calls per model.")


def test_too_few_calls_for_any_tail_are_said() -> None:
    few = candidate(0, 1.2)
    assert few.statistics is not None
    bounds = {
        key: msgspec.structs.replace(getattr(few.statistics, key), high=None, calls_needed=662)
        for key in ("p90", "p95", "p97", "p99")
    }
    few = msgspec.structs.replace(few, statistics=msgspec.structs.replace(few.statistics, **bounds))
    assert said(few) == "Too few calls to describe the tail: a p99 needs 662 calls per model."


def test_one_model_is_not_compared_and_none_says_nothing() -> None:
    assert said(candidate(0, 1.5)) == "The p99 of Logistic Regression is 1.50× its p50 (1.47–1.53)."
    assert said() == ""


def test_a_model_that_failed_is_left_out() -> None:
    failed = msgspec.structs.replace(candidate(1, 9.0), status="failed", error="ValueError: no")
    assert "Random Forest" not in said(candidate(0, 1.2), failed)


def test_the_sentence_has_no_line_breaks_of_a_name() -> None:
    evil = msgspec.structs.replace(candidate(0, 1.5), name="a\nb\x1b[31m")
    result: Result = msgspec.structs.replace(make_result(), candidates=(evil,))
    assert "\n" not in describe_spread(result)
    assert "\x1b" not in describe_spread(result)


def test_of_a_sweep_each_model_counts_at_its_first_value() -> None:
    result = sweep("batch=1,64", {"flat": lambda n: 40 + n, "steep": lambda n: 10 + 3 * n})
    tails = {"flat[batch=1]": 1.2, "flat[batch=64]": 9.0, "steep[batch=1]": 3.1, "steep[batch=64]": 8.0}
    cells = tuple(
        msgspec.structs.replace(one, statistics=candidate(0, tails[one.slug]).statistics) for one in result.candidates
    )
    assert describe_spread(msgspec.structs.replace(result, candidates=cells)) == (
        "steep [batch=1] has the longest tail: its p99 is 3.10× its p50 (3.04–3.16), compared with 1.20× for flat "
        "[batch=1]."
    )
