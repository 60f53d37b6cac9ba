"""What the engine reports of models that behave."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine import machine
from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    Event,
    JobFinished,
    Measure,
    MeasurementStarted,
    RoundFinished,
    Train,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan, Workload
from latency_tui.plan.mix import parse_mix
from tests.engine.conftest import faulty, plan_of


def blocks(events: list[Event]) -> list[BlockMeasured]:
    return [event for event in events if isinstance(event, BlockMeasured)]


def samples(events: list[Event], slug: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    mine = [np.frombuffer(block.block.samples, "<i8") for block in blocks(events) if block.candidate == slug]
    return np.concatenate(mine)


async def test_every_candidate_is_called_exactly_as_often_as_asked(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), faulty("Planted"), runs=107)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert len(samples(events, "sleeper")) == 107
    assert len(samples(events, "planted")) == 107
    assert events[-1] == JobFinished(job="a", reason="completed")


@pytest.mark.slow
async def test_a_sleep_of_known_length_is_what_is_measured(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper", seconds=0.005), runs=30)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    measured = samples(events, "sleeper")
    assert measured.min() >= 5_000_000
    assert np.median(measured) < 50_000_000


@pytest.mark.slow
async def test_the_calls_of_a_mix_have_its_batch_sizes_in_the_same_order(engine: Engine) -> None:
    mixed = Workload(mix=parse_mix("0.8:1,0.2:20"))
    plan = plan_of(faulty("SleepsPerRow", seconds=0.0005), faulty("Planted"), runs=100, workload=mixed)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    sizes = {
        slug: [np.frombuffer(one.block.batch_sizes, "<i4") for one in blocks(events) if one.candidate == slug]
        for slug in ("sleepsperrow", "planted")
    }
    assert all(Counter(block.tolist())[20] * 4 == Counter(block.tolist())[1] for block in sizes["planted"])
    called, other = (np.concatenate(sizes[slug]) for slug in ("sleepsperrow", "planted"))
    assert np.array_equal(called, other)
    assert samples(events, "sleepsperrow")[called == 20].min() >= 10_000_000
    assert samples(events, "sleepsperrow")[called == 1].min() < 10_000_000
    assert len({one.replica for one in blocks(events)}) > 1


@pytest.mark.slow
async def test_each_round_has_every_candidate_once_in_a_balanced_random_order(engine: Engine) -> None:
    plan = plan_of(*(faulty("Sleeper", name, seconds=0.0005) for name in "abcde"), runs=20)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    turns = {(block.round, block.position): block.candidate for block in blocks(events)}
    rounds = {round_ for round_, _ in turns}
    assert len(rounds) == 10
    for number in rounds:
        assert {turns[number, position] for position in range(5)} == set("abcde")
    firsts = Counter(turns[number, 0] for number in rounds)
    assert set(firsts.values()) == {2}, "ten rounds of five are two Latin squares"
    assert len({tuple(turns[number, position] for position in range(5)) for number in rounds}) > 2


@pytest.mark.slow
async def test_the_same_seed_gives_the_same_turns_and_another_seed_others(engine: Engine) -> None:
    async def turns(seed: int) -> list[str]:
        plan = plan_of(*(faulty("Planted", name) for name in "abcd"), runs=12, seed=seed)
        return [block.candidate for block in blocks([e async for e in engine.run(Measure(job=f"{seed}", plan=plan))])]

    first = await turns(1)
    assert first == await turns(1)
    assert first != await turns(2)


@pytest.mark.slow
async def test_one_candidate_runs_at_a_time(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper", "a"), faulty("Sleeper", "b"), faulty("Sleeper", "c"), runs=30)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    spans = sorted((block.block.started_ns, block.block.started_ns + block.block.wall_ns) for block in blocks(events))
    for (_, ended), (began, _) in itertools.pairwise(spans):
        assert began >= ended


@pytest.mark.slow
async def test_the_machine_says_how_loaded_it_was_and_what_the_host_took(engine: Engine) -> None:
    events = [e async for e in engine.run(Measure(job="a", plan=plan_of(faulty("Sleeper"), runs=50)))]
    (begun,) = (e for e in events if isinstance(e, MeasurementStarted))
    assert begun.load is not None
    assert begun.load >= 0
    told = [e.steal for e in events if isinstance(e, RoundFinished)]
    assert all(share is None or 0 <= share <= 1 for share in told)
    assert (told[-1] is not None) == (sys.platform == "linux")


@pytest.mark.slow
@pytest.mark.skipif(len(machine.allowed_cores()) < 2, reason="there is no second core, or no pinning")
async def test_a_core_taken_away_meanwhile_is_told_and_fails_no_model(new_engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper", "a"), faulty("Sleeper", "b"), runs=100)
    recording, moved = Recorder(plan), False
    async for event in new_engine.run(Measure(job="a", plan=plan)):
        recording.add(event)
        assert not isinstance(event, CandidateFailed)
        if isinstance(event, BlockMeasured) and not moved:
            moved, (core,) = True, recording.noise_recorder.cores or ()
            assert new_engine._process is not None
            for process in psutil.Process(new_engine._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):  # a fork server that ended
                    process.cpu_affinity([other for other in machine.allowed_cores() if other != core])
    result = recording.result()
    assert [one.calls for one in result.candidates] == [100, 100]
    finding = result.noise.findings[0]
    assert (finding.cause, finding.severity) == ("lost cores", "high")
    assert finding.sentence.startswith(f"Core {core} was taken away from the models")


@pytest.mark.slow
async def test_models_that_keep_their_cores_lose_none(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper", "a"), faulty("Sleeper", "b"), runs=20)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert {event.lost_cores for event in events if isinstance(event, RoundFinished)} == {()}


@pytest.mark.slow
async def test_a_measuring_time_instead_of_runs_gives_each_about_that_time(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper", "a"), faulty("Sleeper", "b", seconds=0.0005), runs=None, seconds=0.3)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    for slug in "ab":
        seconds = sum(block.block.wall_ns for block in blocks(events) if block.candidate == slug) / 1e9
        assert 0.2 < seconds < 0.9
    assert len(samples(events, "b")) > 2 * len(samples(events, "a"))


async def test_train_then_measure_trains_once(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "processes"
    plan = plan_of(faulty("NotesItsProcess", note=str(note)), runs=5)
    trained = [event async for event in engine.run(Train(job="a", plan=plan))]
    measured = [event async for event in engine.run(Measure(job="b", plan=plan))]
    assert any(isinstance(event, TrainingFinished) for event in trained)
    assert not any(isinstance(event, TrainingStarted) for event in measured)
    assert len(note.read_text().split()) == 1


async def test_the_six_are_trained_scored_and_measured(engine: Engine) -> None:
    plan = Plan(candidates=tuple(Candidate(model=spec) for spec in BUILTIN_MODELS), runs=12)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    scores = {event.candidate: event.score for event in events if isinstance(event, TrainingFinished)}
    assert len(scores) == 6
    assert all(score is not None and 0.7 < score <= 1 for score in scores.values())
    for candidate in plan.candidates:
        assert len(samples(events, candidate.slug)) == 12
    rounds = [event for event in events if isinstance(event, RoundFinished)]
    assert rounds[-1].round + 1 == rounds[-1].rounds


async def test_first_calls_are_kept_and_are_no_samples(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), runs=10)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (warm,) = (event for event in events if isinstance(event, WarmUpFinished))
    first = np.frombuffer(warm.first_calls, "<i8")
    assert 2 <= len(first) <= 100
    assert first.min() >= 2_000_000
    assert warm.calls >= len(first) - 1, "one was made when it had been trained"


async def test_the_first_call_is_the_first_that_the_process_ever_made(engine: Engine) -> None:
    events = [e async for e in engine.run(Measure(job="a", plan=plan_of(faulty("SlowAtFirst"), runs=10)))]
    (warm,) = (event for event in events if isinstance(event, WarmUpFinished))
    first = np.frombuffer(warm.first_calls, "<i8")
    assert first[0] > 60_000_000 > first[1]


@pytest.mark.slow
async def test_another_workload_in_a_warm_process_has_no_first_calls(engine: Engine) -> None:
    one, many = (Workload(batch_size=size) for size in (1, 250))
    model = faulty("SlowByRow", seconds=0.002)
    warmed: list[WarmUpFinished] = []
    for number, workload in enumerate((one, many, one)):
        plan = plan_of(model, runs=2, workload=workload)
        job = Measure(job=str(number), plan=plan)
        warmed += [event async for event in engine.run(job) if isinstance(event, WarmUpFinished)]
    assert len(warmed[0].first_calls) > 8
    assert warmed[1].first_calls == b""
    assert warmed[1].calls <= 6, "a second, and not as many calls as of one row would fit in there"
    assert warmed[2].first_calls[:8] == warmed[0].first_calls[:8]


async def test_collections_before_the_timed_calls_are_not_theirs(engine: Engine) -> None:
    job = Measure(job="a", plan=plan_of(faulty("Collects"), runs=6))
    found = [event.block.gc_calls for event in [e async for e in engine.run(job)] if isinstance(event, BlockMeasured)]
    assert found == [(0,)] * 6


@pytest.mark.slow
async def test_the_collector_leaves_alone_what_a_candidate_inherited(engine: Engine) -> None:
    """Or the first full collection copied all of it: a tenth of a second, in whichever call it came."""
    plan = plan_of(faulty("TellsWhatIsFrozen"), runs=10)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert int(failure.message.split()[1]) > 50_000


@pytest.mark.parametrize("batch_size", [1, 7, 400])
async def test_a_call_receives_a_batch_of_that_size(engine: Engine, batch_size: int) -> None:
    plan = Plan(candidates=(faulty("Planted"),), workload=Workload(batch_size=batch_size), runs=6)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert len(samples(events, "planted")) == 6


async def test_what_a_model_prints_does_not_end_up_between_the_events(engine: Engine) -> None:
    plan = plan_of(faulty("Prints"), runs=10)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert len(samples(events, "prints")) == 10


async def test_a_warning_while_fitting_is_a_note(engine: Engine) -> None:
    events = [event async for event in engine.run(Train(job="a", plan=plan_of(faulty("Warns"))))]
    (done,) = (event for event in events if isinstance(event, TrainingFinished))
    assert done.notes == ("UserWarning: did not converge",)


@pytest.mark.slow
async def test_fresh_interpreters_measure_as_forked_ones_do() -> None:
    async with Engine(fork=False) as engine:
        plan = plan_of(faulty("Sleeper", "a"), faulty("Prints", "b"), faulty("Segfaults", "c"), runs=10)
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert len(samples(events, "a")) == len(samples(events, "b")) == 10


async def test_every_job_begins_with_the_environment_that_its_result_is_of(engine: Engine) -> None:
    for job in "ab":
        recording = Recorder(plan_of(faulty("Planted"), runs=6, pinning=(0,), threads=1))
        async for event in engine.run(Measure(job=job, plan=recording.plan)):
            recording.add(event)
        environment = recording.result().environment
        assert environment is not None
        assert environment.pinned == (0,)
        assert environment.threads == 1
        assert environment.versions["scikit-learn"]
