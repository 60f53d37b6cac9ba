"""Several models at two revisions: each is compared with itself, and relative limits apply to that."""

from __future__ import annotations

import msgspec
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.plan import Plan
from latency_tui.plan.candidates import Revision
from latency_tui.plan.limits import parse_limit
from latency_tui.report.table_cells import make_notes
from latency_tui.result.result import Result
from tests.unit.test_analysis_recorder import blocks, plan_of

REVISION = Revision(name="main", commit="a" * 40, python="/cache/env/bin/python", folder="/cache/tree")
FACTORS = (1.0, 1.0, 5.0, 4.0)
"""Latencies of the first model here and at the revision, and of the second, which has become slower."""


def two_revisions(**more: object) -> Plan:
    pairs = [(one, msgspec.structs.replace(one, revision=REVISION)) for one in plan_of(2).candidates]
    return Plan(candidates=tuple(one for pair in pairs for one in pair), **more)  # type: ignore[arg-type] # of a plan


def result_of(plan: Plan, rounds: int = 60) -> Result:
    recorder = Recorder(plan)
    for event in blocks(plan, FACTORS, rounds):
        recorder.add(event)
    return recorder.result()


@pytest.fixture(scope="module")
def result() -> Result:
    return result_of(two_revisions(limits=(parse_limit("p50 < 1.1x"),)))


def test_each_model_is_compared_with_itself_at_the_revision(result: Result) -> None:
    found = {(pair.candidate, pair.baseline): pair for pair in result.revision_comparisons}
    assert set(found) == {
        ("logistic-regression", "logistic-regression-main"),
        ("random-forest", "random-forest-main"),
    }
    slower = found["random-forest", "random-forest-main"]
    assert slower.verdict == "slower"
    assert slower.ratio == pytest.approx(1.25, rel=0.05)
    assert found["logistic-regression", "logistic-regression-main"].verdict != "slower"


def test_relative_limits_apply_to_the_ratio_to_the_revision(result: Result) -> None:
    verdicts = {verdict.candidate: verdict.verdict for verdict in result.limits}
    assert verdicts == {"logistic-regression": "pass", "random-forest": "fail"}


def test_the_report_names_each_change(result: Result) -> None:
    notes = [text for kind, text in make_notes(result) if kind == "note"]
    assert any(text.startswith("Random Forest is slower than Random Forest (main): 1.2") for text in notes)


def test_until_known_has_intervals_for_every_pair() -> None:
    found = result_of(two_revisions(runs=None, until_known=True)).revision_comparisons
    assert len(found) == 2
    assert all(pair.low is not None and pair.high is not None for pair in found)


def test_a_single_pair_needs_no_further_sentence() -> None:
    (one,) = plan_of(1).candidates
    plan = Plan(candidates=(one, msgspec.structs.replace(one, revision=REVISION)), baseline="logistic-regression-main")
    recorder = Recorder(plan)
    for event in blocks(plan, FACTORS[:2], 40):
        recorder.add(event)
    result = recorder.result()
    assert [pair.candidate for pair in result.revision_comparisons] == ["logistic-regression"]
    assert not [text for _, text in make_notes(result) if text.startswith("Logistic Regression is")]
