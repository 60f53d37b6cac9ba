from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.message_codec import decode_event, encode
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    DatasetPrepared,
    EngineFailed,
    EngineStarted,
    Environment,
    Event,
    JobFinished,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.engine.server.schedule import calls_per_long_block
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, Workload
from latency_tui.plan.colors import PALETTE
from latency_tui.report import write
from latency_tui.result.result import Result, load
from latency_tui.stats.percentiles import ROUND_CORRELATION, calls_for_interval
from tests.unit.fake_latencies import block, nanoseconds, waves, with_block

LOGISTIC, FOREST, LINEAR = "logistic-regression", "random-forest", "linear-svm"
ENVIRONMENT = Environment(
    host="h", os="o", cpu="c", cores=2, python="3.11", versions={"numpy": "2"}, governor="powersave"
)


def plan_of(count: int, **more: Any) -> Plan:  # Any: whatever a plan takes
    return Plan(candidates=tuple(Candidate(model=m) for m in BUILTIN_MODELS[:count]), **more)


def blocks(
    plan: Plan, factors: Sequence[float], rounds: int, calls: int = 10, *, launch: int = 0, seed: int = 0
) -> Iterator[BlockMeasured | RoundFinished]:
    random = np.random.default_rng(seed + launch)
    now = launch * 10**12
    for r in range(rounds):
        for candidate, factor in zip(plan.candidates, factors, strict=True):
            samples = nanoseconds(waves(random, 1, calls)[0], base=62_000 * factor)
            yield block(candidate.slug, samples, round_=r, launch=launch, started_ns=now)
            now += int(samples.sum())
        yield RoundFinished(job="measurement", launch=launch, round=r, rounds=rounds, seconds_left=0.0)


def recorded(plan: Plan, events: Iterator[Event] | Sequence[Event]) -> Recorder:
    recording = Recorder(plan)
    for event in events:
        recording.add(event)
    return recording


def all_samples(events: Sequence[Event], slug: str) -> NDArray[np.int64]:
    return np.concatenate(
        [np.frombuffer(e.block.samples, "<i8") for e in events if isinstance(e, BlockMeasured) and e.candidate == slug]
    )


def test_statistics_are_those_of_all_samples_in_seconds() -> None:
    plan = plan_of(3)
    events = list(blocks(plan, (1, 40, 1.15), 40))
    result = recorded(plan, events).result()
    for candidate in result.candidates:
        samples = all_samples(events, candidate.slug) * 1e-9
        statistics = candidate.statistics
        assert statistics is not None
        assert candidate.status == "measured"
        assert candidate.calls == 400
        assert candidate.samples == pytest.approx(samples)
        assert candidate.rounds == tuple(range(0, 400, 10))
        assert candidate.launches == (0,)
        assert statistics.mean == pytest.approx(samples.mean())
        assert statistics.std == pytest.approx(samples.std(ddof=1))
        assert (statistics.min, statistics.max) == pytest.approx((samples.min(), samples.max()))
        assert statistics.p50.value == pytest.approx(np.median(samples))
        assert statistics.p99.value == pytest.approx(np.quantile(samples, 0.99))
        assert candidate.throughput == pytest.approx(1 / samples.mean())
    assert result.candidates[0].statistics is not None
    p50 = result.candidates[0].statistics.p50
    assert p50.low is not None
    assert p50.high is not None
    assert 55e-6 < p50.low < 62e-6 < p50.high < 70e-6


def test_all_candidates_are_compared_with_the_fastest() -> None:
    plan = plan_of(3)
    result = recorded(plan, blocks(plan, (1, 40, 1.15), 60)).result()
    assert [(c.baseline, c.candidate, c.verdict) for c in result.comparisons] == [
        (LOGISTIC, FOREST, "slower"),
        (LOGISTIC, LINEAR, "slower"),
    ]
    linear = result.comparisons[1]
    assert linear.low is not None
    assert linear.high is not None
    assert linear.low < 1.15 < linear.high
    assert linear.rounds == 60
    assert [c.group for c in result.candidates] == ["a", "c", "b"]
    assert result.answer.startswith("Logistic Regression is fastest: p50 ")


def test_the_baseline_of_the_plan_is_used_and_faster_is_below_one() -> None:
    plan = plan_of(3, baseline=FOREST)
    result = recorded(plan, blocks(plan, (1, 4, 1.15), 60)).result()
    assert [(c.baseline, c.candidate, c.verdict) for c in result.comparisons] == [
        (FOREST, LOGISTIC, "faster"),
        (FOREST, LINEAR, "faster"),
    ]
    assert result.comparisons[0].ratio == pytest.approx(1 / 4, rel=0.05)
    assert result.comparisons[0].high is not None
    assert result.comparisons[0].low is not None
    assert result.comparisons[0].low < 1 / 4 < result.comparisons[0].high


def test_another_baseline_is_compared_without_measuring_again() -> None:
    plan = plan_of(3)
    recording = recorded(plan, blocks(plan, (1, 40, 1.15), 60))
    recording.rebase(LINEAR)
    result = recording.result()
    assert result.plan.baseline == LINEAR
    assert [(c.baseline, c.candidate, c.verdict) for c in result.comparisons] == [
        (LINEAR, LOGISTIC, "faster"),
        (LINEAR, FOREST, "slower"),
    ]


@pytest.mark.parametrize("until_known", [False, True], ids=["runs", "until known"])
@pytest.mark.parametrize(
    ("factors", "rounds"),
    [((1, 40, 1.15), 60), ((1, 1, 4), 40), ((1.02, 1, 3), 12), ((1, 1.001, 1.002), 60)],
)
def test_the_answer_is_the_same_whichever_baseline_is_chosen(
    factors: tuple[float, ...], rounds: int, until_known: bool
) -> None:
    plan = plan_of(3, until_known=True, runs=None) if until_known else plan_of(3)
    recording = recorded(plan, blocks(plan, factors, rounds))
    answers = {recording.result().answer}
    for slug in (LOGISTIC, FOREST, LINEAR):
        recording.rebase(slug)
        text = recording.result().answer
        answers.add(re.sub(r" and [\d.,]+× faster than the baseline [\w ]+", "", text).replace("the baseline ", ""))
        live = recording.result(max_samples=1000).answer
        assert live.partition(":")[0] == text.partition(":")[0]
    assert len(answers) == 1


def test_the_answer_adds_the_ratio_to_a_baseline_that_was_chosen() -> None:
    plan = plan_of(3)
    recording = recorded(plan, blocks(plan, (1, 40, 1.15), 60))
    recording.rebase(FOREST)
    text = recording.result().answer
    assert re.search(r"is fastest: p50 .+ 1\.1\d× faster than Linear SVM \(", text)
    assert re.search(r"\) and [34]\d\.\d× faster than the baseline Random Forest\.", text)
    recording.rebase(LINEAR)
    assert "faster than the baseline Linear SVM (" in recording.result().answer


def test_a_baseline_that_failed_gives_way_to_the_fastest() -> None:
    plan = plan_of(3, baseline=FOREST)
    events: list[Event]
    events = [e for e in blocks(plan, (1, 4, 1.15), 20) if not (isinstance(e, BlockMeasured) and e.candidate == FOREST)]
    events.append(CandidateFailed(job="j", candidate=FOREST, stage="training", message="ValueError: no"))
    result = recorded(plan, events).result()
    assert [(c.baseline, c.candidate) for c in result.comparisons] == [(LOGISTIC, LINEAR)]
    failed = result.candidate(FOREST)
    assert (failed.status, failed.error, failed.statistics, failed.samples) == ("failed", "ValueError: no", None, None)
    assert result.answer.endswith("Random Forest failed.")


def test_a_baseline_that_fails_midway_gives_way_to_the_fastest_too() -> None:
    plan = plan_of(3, baseline=FOREST)
    events: list[Event] = [
        e
        for e in blocks(plan, (1, 4, 1.15), 20)
        if not (isinstance(e, BlockMeasured) and e.candidate == FOREST and e.round >= 12)
    ]
    failed = CandidateFailed(job="j", candidate=FOREST, stage="measuring", message="It crashed.")
    result = recorded(plan, [*events, failed]).result()
    assert result.baseline == LOGISTIC
    assert [(c.baseline, c.candidate) for c in result.comparisons] == [(LOGISTIC, FOREST), (LOGISTIC, LINEAR)]


def test_a_candidate_that_fails_midway_keeps_its_figures() -> None:
    plan = plan_of(2)
    events: list[Event] = list(blocks(plan, (1, 2), 20))
    events = [e for e in events if not (isinstance(e, BlockMeasured) and e.candidate == FOREST and e.round >= 12)]
    failed = CandidateFailed(job="j", candidate=FOREST, stage="measuring", message="It crashed.", traceback="Trace")
    result = recorded(plan, [*events, failed]).result()
    forest = result.candidate(FOREST)
    assert (forest.status, forest.error, forest.traceback, forest.calls) == ("failed", "It crashed.", "Trace", 120)
    assert forest.statistics is not None
    assert result.comparisons[0].rounds == 12
    assert result.comparisons[0].verdict == "slower"


def test_an_early_failure_does_not_affect_other_candidates() -> None:
    """The fastest of three, after two rounds: too few to be compared with, and no longer a rival."""
    plan = plan_of(3)
    events: list[Event] = [
        e
        for e in blocks(plan, (1.3, 0.5, 1), 20)
        if not (isinstance(e, BlockMeasured) and e.candidate == FOREST and e.round >= 2)
    ]
    failed = CandidateFailed(job="j", candidate=FOREST, stage="measuring", message="It crashed.")
    result = recorded(plan, [*events, failed]).result()
    assert {c.baseline for c in result.comparisons} == {LINEAR}
    assert {c.candidate: c.verdict for c in result.comparisons} == {LOGISTIC: "slower", FOREST: "inconclusive"}
    assert result.answer.startswith("Linear SVM is fastest: p50 ")
    assert result.answer.endswith("Random Forest failed.")


def test_a_candidate_without_calls_is_cancelled() -> None:
    result = Recorder(plan_of(2)).result()
    assert [c.status for c in result.candidates] == ["cancelled", "cancelled"]
    assert result.comparisons == ()
    assert result.answer == "Nothing was measured."
    assert result.noise.level == "quiet"


def test_a_single_candidate_has_no_comparison() -> None:
    plan = plan_of(1)
    result = recorded(plan, blocks(plan, (1,), 10)).result()
    assert result.comparisons == ()
    assert result.candidates[0].group == ""


def test_few_rounds_give_a_ratio_without_an_interval() -> None:
    plan = plan_of(2)
    found = recorded(plan, blocks(plan, (1, 2), 5)).result().comparisons[0]
    assert found.ratio == pytest.approx(2, rel=0.1)
    assert (found.low, found.high, found.verdict) == (None, None, "inconclusive")


def test_an_incomplete_round_counts_for_the_measured_candidates() -> None:
    plan = plan_of(2)
    events = list(blocks(plan, (1, 2), 11))[:-2]  # the last round ends after its first turn
    result = recorded(plan, events).result()
    assert [c.calls for c in result.candidates] == [110, 100]
    assert result.comparisons[0].rounds == 10


def test_launches_follow_one_another() -> None:
    plan = plan_of(2, launches=3)
    events = [e for launch in range(3) for e in blocks(plan, (1, 1.3), 10, calls=7, launch=launch)]
    result = recorded(plan, events).result()
    assert result.candidates[0].launches == (0, 70, 140)
    assert len(result.candidates[0].rounds) == 30
    assert result.comparisons[0].rounds == 30
    assert "in this launch" not in result.answer
    found = result.comparisons[0]
    assert found.predicted_low is not None
    assert found.predicted_high is not None
    assert found.low is not None
    assert found.predicted_low < found.low < 1.3 < found.predicted_high
    single = recorded(plan_of(2), events[:30]).result()
    assert "in this launch" in single.answer
    assert single.comparisons[0].predicted_low is None


def test_a_repeated_block_is_a_round_of_its_own() -> None:
    plan = plan_of(2)
    events = list(blocks(plan, (1, 2), 10))
    result = recorded(plan, [*events, *events]).result()
    assert result.candidates[0].calls == 200
    assert result.comparisons[0].rounds == 20


def test_training_cold_start_and_environment_are_kept() -> None:
    plan = plan_of(2)
    recording = Recorder(plan)
    cold = np.array([2_000_000, 90_000], "<i8").tobytes()
    for event in (
        EngineStarted(environment=ENVIRONMENT),
        DatasetPrepared(job="j", training_rows=750, test_rows=250, features=20),
        TrainingStarted(job="j", candidate=LOGISTIC),
        TrainingFinished(job="j", candidate=LOGISTIC, seconds=0.003, score=0.9, notes=("slow",)),
        TrainingFinished(job="j", candidate=LOGISTIC, seconds=0.009, score=0.9),
        WarmUpFinished(
            job="j", launch=0, candidate=LOGISTIC, calls=100, seconds=0.1, steady=False, first_calls=cold,
            call_seconds=6e-5,
        ),
        MeasurementStarted(
            job="j", launch=0, rounds=10, calls={}, seconds=1.0, timer_floor_ns=70.0, pinned=(1,)
        ),
        *blocks(plan, (1, 2), 10),
        EngineFailed(job="j", message="m"),
        JobFinished(job="j", reason="completed"),
    ):  # fmt: skip
        recording.add(event)
    result = recording.result()
    logistic, forest = result.candidates
    assert (logistic.training_seconds, logistic.score, logistic.notes) == (0.003, 0.9, ("slow",))
    assert logistic.cold_start_seconds == pytest.approx(0.002)
    assert forest.cold_start_seconds is None
    assert result.environment == msgspec.structs.replace(ENVIRONMENT, pinned=(1,), threads=1)
    assert result.noise.timer_floor == pytest.approx(70e-9)
    assert {f.cause for f in result.noise.findings} == {"warm-up", "governor"}
    assert result.noise.level == "disturbed"


def test_events_of_unknown_candidates_change_nothing() -> None:
    plan = plan_of(1)
    recording = Recorder(plan)
    recording.add(block("nobody", [1, 2, 3]))
    recording.add(CandidateFailed(job="j", candidate="nobody", stage="training", message="m"))
    recording.add(TrainingFinished(job="j", candidate="nobody", seconds=1.0, score=None))
    assert recording.result().candidates[0].status == "cancelled"
    assert recording.calls == {LOGISTIC: 0}


@pytest.mark.parametrize("bad", [np.array([5, 0], "<i8").tobytes(), np.array([-5], "<i8").tobytes(), b"12345"])
def test_a_block_with_an_invalid_latency_is_left_out_and_reported(bad: bytes) -> None:
    plan = plan_of(1)
    recording = recorded(plan, blocks(plan, (1,), 10))
    recording.add(with_block(block(LOGISTIC, [1], round_=10), samples=bad))
    result = recording.result()
    assert result.candidates[0].calls == 100
    assert result.noise.findings[0].cause == "clock"
    assert result.noise.level == "noisy"


def test_steal_is_the_mean_of_the_launches_and_load_that_before_the_first() -> None:
    plan = plan_of(2)
    recording = Recorder(plan)
    recording.add(EngineStarted(environment=ENVIRONMENT))
    for launch, (loaded, steal) in enumerate([(1.5, 0.02), (9.0, 0.08)]):
        recording.add(
            MeasurementStarted(
                job="j", launch=launch, rounds=2, calls={}, seconds=1.0, timer_floor_ns=70.0, pinned=(1,), load=loaded
            )
        )
        for number, told in enumerate([0.5, steal, None]):
            recording.add(RoundFinished(job="j", launch=launch, round=number, rounds=3, seconds_left=0.0, steal=told))
    noise = recording.result().noise
    assert noise.steal == pytest.approx(0.05)
    assert noise.load == 1.5
    assert {"steal", "load"} <= {finding.cause for finding in noise.findings}


def test_cores_that_were_taken_away_are_listed_in_a_finding() -> None:
    plan = plan_of(2)
    recording = recorded(plan, blocks(plan, (1, 2), 10))
    for launch, number, lost in [(0, 0, ()), (0, 1, (3,)), (0, 2, ()), (1, 0, (1, 2))]:
        recording.add(RoundFinished(job="j", launch=launch, round=number, rounds=3, seconds_left=0.0, lost_cores=lost))
    finding = recording.result().noise.findings[0]
    assert (finding.cause, finding.severity) == ("lost cores", "high")
    assert finding.sentence.startswith("Cores 1, 2 and 3 were taken away from the models")


def test_lost_time_disturbed_and_collected_calls_are_counted() -> None:
    plan = plan_of(2)
    recording = Recorder(plan)
    for r in range(10):
        samples = np.full(10, 1_000_000)
        quiet = block(LOGISTIC, samples, round_=r)
        hit = block(FOREST, samples, round_=r, cpu_ns=5_000_000, switches=3)
        recording.add(with_block(quiet, gc_calls=(2, 2, 5), gc_ns=(9, 9, 9)))
        recording.add(hit)
    result = recording.result()
    noise = result.noise
    assert noise.lost_time == pytest.approx(0.25)
    assert noise.disturbed_calls == 100
    assert noise.gc_calls == 20
    assert [c.gc_calls for c in result.candidates] == [20, 0]
    assert result.candidates[0].gc_seconds == pytest.approx(270e-9)
    (collector,) = (finding.sentence for finding in noise.findings if finding.cause == "collector")
    assert "20 % of the calls of Logistic Regression" in collector
    assert noise.findings[0].cause == "lost time"


def test_models_without_a_colour_get_one_by_position() -> None:
    models = (ModelSpec(name="a", factory="m:f"), ModelSpec(name="b", factory="m:f", colour="#123456"))
    result = Recorder(Plan(candidates=tuple(Candidate(model=m) for m in models))).result()
    assert [c.colour for c in result.candidates] == [PALETTE[0], "#123456"]


def test_throughput_counts_rows() -> None:
    plan = plan_of(1, workload=Workload(batch_size=32))
    result = recorded(plan, [block(LOGISTIC, [1_000_000] * 10, round_=r) for r in range(6)]).result()
    assert result.candidates[0].throughput == pytest.approx(32_000)


def test_a_saved_result_loads_unchanged(tmp_path: object) -> None:
    plan = plan_of(3)
    result = recorded(plan, blocks(plan, (1, 2, 1.0), 12)).result()
    path = f"{tmp_path}/result.json"
    write(result, path)
    again = load(path)
    assert again.comparisons == result.comparisons
    assert again.candidates[0].samples == pytest.approx(result.candidates[0].samples)
    assert again.answer == result.answer


def test_encoded_events_give_the_same_result() -> None:
    plan = plan_of(2)
    events = list(blocks(plan, (1, 2), 12))
    direct = recorded(plan, events).result()
    piped = recorded(plan, [decode_event(encode(event)) for event in events]).result()
    assert piped.comparisons == direct.comparisons


def with_turns(plan: Plan, factors: Sequence[float], rounds: int, seed: int = 0) -> list[Event]:
    """Blocks of everyone who takes turns, the control too."""
    random = np.random.default_rng(seed)
    events: list[Event] = []
    for r in range(rounds):
        for candidate, factor in zip(plan.all_candidates, factors, strict=True):
            events.append(block(candidate.slug, nanoseconds(waves(random, 1, 10)[0], base=62_000 * factor), round_=r))
        events.append(RoundFinished(job="j", launch=0, round=r, rounds=rounds, seconds_left=0))
    return events


@pytest.mark.slow
@pytest.mark.parametrize("until_known", [False, True])
def test_a_differing_control_widens_the_equivalence_region(until_known: bool) -> None:
    plan = plan_of(2, control=True, until_known=until_known, runs=None if until_known else 100)
    apart = recorded(plan, with_turns(plan, (1, 1.03, 1.06), 900)).result()
    assert [c.slug for c in apart.candidates] == [LOGISTIC, FOREST]  # the control is hidden
    assert apart.noise.control is not None
    assert apart.noise.control.ratio == pytest.approx(1.06, rel=0.01)
    assert apart.noise.control.ratio is not None
    assert apart.equivalence == pytest.approx(apart.noise.control.ratio - 1)
    assert apart.comparisons[0].verdict == "same"
    assert "control" in {f.cause for f in apart.noise.findings}
    assert "(within 6 %)" in apart.answer or "(within 6." in apart.answer or "(within 5." in apart.answer
    alike = recorded(plan, with_turns(plan, (1, 1.03, 1.0), 900)).result()
    assert alike.equivalence == 0.01
    assert alike.comparisons[0].verdict == "slower"
    assert "control" not in {f.cause for f in alike.noise.findings}


def test_a_failed_control_is_reported_but_not_listed() -> None:
    plan = plan_of(2, control=True)
    assert plan.control_candidate is not None
    failed = CandidateFailed(job="j", candidate=plan.control_candidate.slug, stage="loading", message="no more memory")
    result = recorded(plan, [failed, *blocks(plan, (1, 2), 12)]).result()
    assert [c.status for c in result.candidates] == ["measured", "measured"]
    (finding,) = (f for f in result.noise.findings if f.cause == "control")
    assert "no more memory" in finding.sentence


def test_start_up_memory_and_first_calls_are_separate_figures() -> None:
    plan = plan_of(2, cold_start=True, launches=2)
    recording = Recorder(plan)
    for launch in range(2):
        for event in blocks(plan, (1, 2), 10, launch=launch):
            if isinstance(event, BlockMeasured):
                discarded = np.array([150_000 + launch * 20_000, 70_000], "<i8").tobytes()
                event = with_block(event, discarded=discarded)
            recording.add(event)
        cold = np.array([2_000_000, 90_000], "<i8").tobytes()
        recording.add(
            WarmUpFinished(
                job="j", launch=launch, candidate=LOGISTIC, calls=100, seconds=0.1, steady=True, first_calls=cold,
                call_seconds=6e-5,
            )
        )  # fmt: skip
        recording.add(
            ColdStartMeasured(
                job="j", launch=launch, candidate=LOGISTIC, import_seconds=0.9 + 0.2 * launch, load_seconds=0.01,
                memory_before=10, memory_after=20, memory_peak=30, first_calls=(3_000_000 + launch * 2_000_000, 90_000),
            )
        )  # fmt: skip
    logistic, forest = recording.result().candidates
    assert logistic.cold_start is not None
    assert logistic.cold_start.import_seconds == pytest.approx(1.0)
    assert logistic.cold_start.memory_peak == 30
    assert logistic.cold_start.first_calls == pytest.approx((0.004, 90e-6))
    assert logistic.cold_start_seconds == logistic.cold_start.first_calls[0]  # not that of the process that trained
    assert forest.cold_start is None
    assert forest.after_switch_seconds == pytest.approx(160e-6)


def test_a_candidate_in_a_single_process_has_a_note() -> None:
    plan = plan_of(2)
    recording = Recorder(plan)
    for event in blocks(plan, (1, 2), 12):
        copied = isinstance(event, BlockMeasured) and event.candidate == LOGISTIC
        recording.add(msgspec.structs.replace(event, replica=event.round % 3) if copied else event)
    logistic, forest = recording.result().candidates
    assert logistic.notes == ()
    assert "in one process" in forest.notes[0]


def test_a_failed_cold_start_keeps_the_other_figures() -> None:
    plan = plan_of(2, cold_start=True)
    failed = CandidateFailed(job="j", candidate=FOREST, stage="cold start", message="It cannot be pickled.")
    forest = recorded(plan, [*blocks(plan, (1, 2), 10), failed]).result().candidates[1]
    assert (forest.status, forest.error) == ("measured", "It cannot be pickled.")


def test_time_spent_waiting_for_a_core_is_lost_and_sleep_is_not() -> None:
    plan = plan_of(1)
    recording = Recorder(plan)
    for r in range(10):
        asleep = block(LOGISTIC, np.full(10, 1_000_000), round_=r, cpu_ns=100_000)
        recording.add(with_block(asleep, waited_ns=500_000))
    assert recording.result().noise.lost_time == pytest.approx(0.05)


# --- while it is growing --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_one() -> Recorder:
    plan = plan_of(6)
    recording = Recorder(plan)
    random = np.random.default_rng(0)
    for r in range(3000):
        for k, candidate in enumerate(plan.candidates):
            samples = (62_000 * (1 + k / 10) * np.exp(0.05 * random.standard_t(3, 40))).astype(np.int64)
            recording.add(block(candidate.slug, samples, round_=r))
    return recording


@pytest.mark.slow
def test_a_live_result_is_close_and_its_totals_are_exact(long_one: Recorder) -> None:
    exact, live = long_one.result(), long_one.result(max_samples=20_000)
    for whole, part in zip(exact.candidates, live.candidates, strict=True):
        assert whole.statistics is not None
        assert part.statistics is not None
        assert part.calls == whole.calls == 120_000
        assert part.samples is not None
        assert 15_000 <= part.samples.size <= 25_000
        for name in ("mean", "std", "min", "max"):
            assert getattr(part.statistics, name) == getattr(whole.statistics, name)
        assert part.statistics.p50.value == pytest.approx(whole.statistics.p50.value, rel=0.005)
        assert part.statistics.p99.value == pytest.approx(whole.statistics.p99.value, rel=0.05)
        starts = np.array(part.rounds)
        assert np.diff(starts).tolist() == [40] * (starts.size - 1)  # whole rounds
        assert whole.samples is not None
        every = whole.samples.reshape(-1, 40)
        assert part.samples.reshape(-1, 40) == pytest.approx(every[:: every.shape[0] // starts.size])
    for whole_pair, part_pair in zip(exact.comparisons, live.comparisons, strict=True):
        assert part_pair.ratio == pytest.approx(whole_pair.ratio, rel=0.01)
        assert part_pair.verdict == whole_pair.verdict == "slower"


@pytest.mark.slow
def test_a_live_result_costs_the_same_however_much_was_measured(long_one: Recorder) -> None:
    plan = plan_of(6)
    short = recorded(plan, blocks(plan, (1,) * 6, 500, 40))

    def cost(recording: Recorder) -> float:
        took = []
        for _ in range(7):
            began = time.process_time()
            recording.result(max_samples=20_000)
            took.append(time.process_time() - began)
        return min(took)

    assert cost(long_one) < 2.5 * cost(short) + 0.005
    assert cost(long_one) < 0.06  # 10 ms on a quiet machine


@pytest.mark.slow
def test_adding_a_block_takes_as_long_late_as_early() -> None:
    plan = plan_of(1)
    recording = Recorder(plan)
    samples = np.full(20, 60_000)
    took = []
    for part in range(6):
        began = time.process_time()
        for r in range(2000):
            recording.add(block(LOGISTIC, samples, round_=part * 2000 + r))
        took.append(time.process_time() - began)
    assert took[-1] < 3 * took[0] + 0.05


def test_few_large_blocks_keep_enough_rounds_for_intervals() -> None:
    plan = plan_of(2)
    result = recorded(plan, blocks(plan, (1, 2), 60, 2000)).result(max_samples=5000)
    assert all(c.statistics is not None and c.statistics.p50.high is not None for c in result.candidates)


# --- until it is known ----------------------------------------------------------------------------------------------


def until_known(factors: Sequence[float], rounds: int, seed: int = 0) -> tuple[int, Recorder]:
    """Feed rounds until it is decided, as a driver does; returns after how many that was."""
    plan = plan_of(len(factors), runs=None, until_known=True)
    recording = Recorder(plan)
    for event in blocks(plan, factors, rounds, seed=seed):
        recording.add(event)
        if isinstance(event, RoundFinished) and recording.is_decided():
            return event.round + 1, recording
    return rounds, recording


def test_clear_differences_are_settled_soon_and_stay_so() -> None:
    rounds, recording = until_known((1, 2, 1.5), 400)
    assert rounds < 60
    for result in (recording.result(), recording.result(max_samples=20_000)):
        assert [c.verdict for c in result.comparisons] == ["slower", "slower"]
        for comparison, truth in zip(result.comparisons, (2, 1.5), strict=True):
            assert comparison.low is not None
            assert comparison.high is not None
            assert comparison.low < truth < comparison.high
        assert "is fastest" in result.answer


def test_pairs_without_the_baseline_need_not_settle() -> None:
    """Two slow ones on the border of the region never would."""
    for factors in ((1, 2, 2.02), (2, 1, 2.02), (2.02, 2, 1)):
        rounds, recording = until_known(factors, 400)
        assert rounds < 60
        assert recording.is_decided()


def test_without_until_known_nothing_is_ever_settled() -> None:
    plan = plan_of(2)
    assert not recorded(plan, blocks(plan, (1, 3), 100)).is_decided()


def test_a_failed_candidate_does_not_delay_the_others() -> None:
    plan = plan_of(3, runs=None, until_known=True)
    recording = Recorder(plan)
    for event in blocks(plan, (1, 2, 1.01), 80):
        recording.add(event)
    assert not recording.is_decided()
    recording.add(CandidateFailed(job="j", candidate=LINEAR, stage="measuring", message="m"))
    assert recording.is_decided()
    assert isinstance(recording.result(), Result)


def test_checking_after_each_round_takes_little_time() -> None:
    plan = plan_of(6, runs=None, until_known=True)
    recording = Recorder(plan)
    rounds = [e for e in blocks(plan, (1,) * 6, 300) if isinstance(e, BlockMeasured)]
    for event in rounds:
        recording.add(event)
    began = time.process_time()
    for r in range(300):
        recording.add(RoundFinished(job="j", launch=0, round=r, rounds=300, seconds_left=0))
        recording.is_decided()
    assert (time.process_time() - began) / 300 < 0.003


def processes_apart(factor: float, rounds: int, seed: int) -> Iterator[BlockMeasured | RoundFinished]:
    """Rounds of two candidates with twelve processes each, every process fast or slow in its own way by 0.8 %."""
    plan, random = plan_of(2), np.random.default_rng(seed)
    own = random.normal(0, 0.008, (2, 12))
    for r in range(rounds):
        for position, candidate in enumerate(plan.candidates):
            base = 62_000 * (1, factor)[position] * np.exp(own[position, r % 12])
            yield block(candidate.slug, nanoseconds(waves(random, 1, 30)[0], base=base), round_=r, replica=r % 12)
        yield RoundFinished(job="measurement", launch=0, round=r, rounds=rounds, seconds_left=0.0)


@pytest.mark.slow
def test_a_settled_plan_has_no_inconclusive_verdict() -> None:
    """Where processes lie apart, rounds alone would be sure before the comparison is."""
    decided = 0
    for seed in range(20):
        recording = Recorder(plan_of(2, runs=None, until_known=True))
        for event in processes_apart(1.03, 300, seed):
            recording.add(event)
            if isinstance(event, RoundFinished) and recording.is_decided():
                decided += 1
                assert [c.verdict for c in recording.result().comparisons] == ["slower"]
                break
    assert decided >= 15


def test_a_failure_among_six_keeps_the_other_verdicts() -> None:
    recording = Recorder(plan_of(6, runs=None, until_known=True))
    slugs = [candidate.slug for candidate in recording.plan.candidates]
    for event in blocks(recording.plan, (1, 1.04, 1.06, 1.08, 1.1, 1.3), 400):
        if isinstance(event, BlockMeasured) and event.candidate == slugs[5] and event.round >= 8:
            continue
        recording.add(event)
        if isinstance(event, RoundFinished) and event.round == 8:
            recording.add(CandidateFailed(job="j", candidate=slugs[5], stage="measuring", message="m"))
        if isinstance(event, RoundFinished) and event.round > 8 and recording.is_decided():
            break
    assert recording.is_decided()
    verdicts = {c.candidate: c.verdict for c in recording.result().comparisons if c.candidate != slugs[5]}
    assert set(verdicts.values()) == {"slower"}


def test_an_until_known_plan_ends_with_one_candidate_left() -> None:
    recording = Recorder(plan_of(2, runs=None, until_known=True))
    for event in blocks(recording.plan, (1, 1), 3):
        recording.add(event)
    assert not recording.is_decided()
    recording.add(CandidateFailed(job="j", candidate=FOREST, stage="measuring", message="m"))
    assert recording.is_decided()


def test_a_tail_needs_the_calls_of_half_a_minute() -> None:
    """Fewer would be enough for its rank, but made in a second they are of that second."""
    plan = plan_of(2)
    result = recorded(plan, list(blocks(plan, (1.0, 1.0), 20))).result()
    statistics = result.candidates[0].statistics
    assert statistics is not None
    of_half_a_minute = 200 * 30 / (2 * 200 * 62e-6)
    assert statistics.p99.calls_needed == pytest.approx(of_half_a_minute, rel=0.15)
    assert statistics.p50.calls_needed is None


def test_the_calls_that_a_tail_needs_do_not_change_with_longer_blocks() -> None:
    plan = plan_of(2, runs=None, seconds=0.5)
    begun = MeasurementStarted(
        job="measurement", launch=0, rounds=20, calls={}, seconds=0.5, timer_floor_ns=70.0,
        calls_per_long_block=calls_per_long_block({candidate.slug: 62e-6 for candidate in plan.candidates}),
    )  # fmt: skip
    result = recorded(plan, [begun, *blocks(plan, (1.0, 1.0), 20, 73)]).result()
    statistics = result.candidates[0].statistics
    assert statistics is not None
    calls = 2 * 0.0045 / statistics.mean
    assert statistics.p99_9.calls_needed is not None
    assert statistics.p99_9.calls_needed >= 0.99 * calls_for_interval(0.999) * (1 + (calls - 1) * ROUND_CORRELATION)
