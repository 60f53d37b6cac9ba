from __future__ import annotations

import numpy as np
import pytest

from latency_tui.stats.noise import NoiseFigures, autocorrelation, drift, level, lost_time, severities
from latency_tui.text.findings import describe_findings
from tests.unit.fake_latencies import independent, nanoseconds, starts, waves


def test_lost_time_is_wall_time_without_cpu_time() -> None:
    assert lost_time(1000, 900) == pytest.approx(0.1)
    assert lost_time(1000, 1001) == 0  # two clocks
    assert lost_time(0, 0) is None


def test_drift_is_the_slowest_over_the_fastest_tenth() -> None:
    steady = np.ones(100)
    ramp = np.linspace(1, 2, 100)
    assert drift(np.stack((steady * 5, steady * 7))) == pytest.approx(0)
    tenths = [np.median(part) for part in np.array_split(ramp, 10)]
    assert drift(np.stack((ramp * 5, ramp * 50))) == pytest.approx(tenths[-1] / tenths[0] - 1, rel=0.01)


def test_drift_ignores_single_slow_and_missing_rounds() -> None:
    random = np.random.default_rng(1)
    medians = np.exp(random.normal(0, 0.01, (6, 200)))
    medians[2, 50] *= 100
    medians[3, 100:] = np.nan
    medians[4] = np.nan
    medians[:, 150] = np.nan
    found = drift(medians)
    assert found is not None
    assert found < 0.02
    assert drift(medians[:, :29]) is None
    assert drift(np.empty((0, 100))) is None


def test_autocorrelation_is_within_blocks() -> None:
    random = np.random.default_rng(2)
    dependent = nanoseconds(waves(random, 500, 20).ravel())
    assert autocorrelation(dependent, starts(500, 20)) == pytest.approx(0.70, abs=0.03)  # sinh 0.75 / sinh 1
    assert autocorrelation(nanoseconds(independent(random, 500, 20).ravel()), starts(500, 20)) == pytest.approx(
        0, abs=0.03
    )
    assert autocorrelation(dependent, np.arange(dependent.size)) is None  # blocks of one call have no neighbours
    assert autocorrelation(np.full(100, 5), starts(10, 10)) is None
    assert autocorrelation(np.array([1, 2]), np.array([0])) is None


def test_a_quiet_machine_has_no_findings() -> None:
    figures = NoiseFigures(
        lost_time=0.001, disturbed_share=0.02, collected=("RBF SVM", 0.001), drift=0.03, autocorrelation=0.7,
        floor_share=0.001, governor="performance", pinned=True,
    )  # fmt: skip
    assert severities(figures) == {}
    assert level(()) == "quiet"
    assert severities(NoiseFigures()) == {}


def test_findings_are_sorted_by_severity_and_name_a_remedy() -> None:
    figures = NoiseFigures(
        lost_time=0.2, disturbed_share=0.3, collected=("RBF SVM", 0.05), drift=0.3, autocorrelation=0.95,
        floor_share=0.2, unsteady=("Random Forest",), governor="powersave", pinned=False, refused=2,
        steal=0.04, load=1.5, control=0.03, lost_cores=(3,), equivalence=0.01,
    )  # fmt: skip
    found = describe_findings(figures)
    assert [f.severity for f in found] == sorted((f.severity for f in found), key=["high", "medium", "low"].index)
    assert [f.severity for f in found] == list(severities(figures).values())
    remedies = {
        "clock": "measure larger batches", "lost time": "close other programs", "steal": "measure at another time",
        "control": "measure longer", "interruptions": "close other programs", "drift": "measure longer",
        "load": "wait until they are done", "warm-up": "measure again", "collector": "gc.freeze()",
        "slow waves": "more rounds help", "timer": "measure larger batches", "governor": "the performance governor",
        "not pinned": "--cpu", "lost cores": "measure again",
    }  # fmt: skip
    assert {f.cause for f in found} == remedies.keys()
    assert [f.cause for f in found if remedies[f.cause] not in f.sentence] == []
    (control,) = describe_findings(NoiseFigures(control_failed="no more memory."))
    assert control.sentence.endswith("measure again: no more memory.")
    assert level(f.severity for f in found) == "noisy"
    assert all(f.sentence.endswith(".") and len(f.cause.split()) <= 2 for f in found)
    assert "20 %" in next(f.sentence for f in found if f.cause == "lost time")
    assert "of the calls of RBF SVM" in next(f.sentence for f in found if f.cause == "collector")


def test_every_disturbance_has_a_sentence_of_its_own() -> None:
    figures = NoiseFigures(
        lost_time=0.2, disturbed_share=0.3, collected=("RBF SVM", 0.05), drift=0.3, autocorrelation=0.95,
        floor_share=0.2, step_share=0.02, unsteady=("Random Forest",), governor="powersave", pinned=False, refused=1,
        steal=0.04, load=1.5, control=0.03, control_failed="it crashed", lost_cores=(0, 1),
    )  # fmt: skip
    sentences = [finding.sentence for finding in describe_findings(figures)]
    assert len(set(sentences)) == len(sentences) == len(severities(figures)) == 16


def test_a_coarse_clock_is_reported_if_it_makes_a_difference() -> None:
    assert severities(NoiseFigures(step_share=0.0024)) == {}
    assert severities(NoiseFigures(step_share=0.003)) == {"step_share": "low"}
    assert severities(NoiseFigures(step_share=0.02)) == {"step_share": "medium"}


def test_the_level_follows_the_most_severe_disturbance() -> None:
    def level_of(figures: NoiseFigures) -> str:
        return level(severities(figures).values())

    assert level_of(NoiseFigures(drift=0.2)) == "disturbed"
    assert level_of(NoiseFigures(collected=("RBF SVM", 0.5))) == "quiet"
    assert level_of(NoiseFigures(lost_time=0.5)) == "noisy"
    assert level_of(NoiseFigures(steal=0.01, load=1.5)) == "quiet"
    assert level_of(NoiseFigures(steal=0.03)) == "disturbed"
    assert level_of(NoiseFigures(load=2.5)) == "disturbed"
    assert level_of(NoiseFigures(steal=0.2)) == "noisy"
    assert level_of(NoiseFigures(lost_cores=(0,))) == "noisy"
