"""A result that is saved, read and continued is the result of one longer measurement of the same blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import resume
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    EngineStarted,
    Environment,
    Event,
    RoundFinished,
    TrainingFinished,
    WarmUpFinished,
)
from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.plan.limits import parse_limit
from latency_tui.report import write
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.result import Result, load
from tests.unit.fake_latencies import with_block
from tests.unit.test_analysis_launches import launch_of, plan_of

MANY = 10**6


def everything(plan: Plan, launch: int, rounds: int, *, planned: int | None = None, ratio: float = 1.2) -> list[Event]:
    """One launch with all that an engine says of it."""
    machine = Environment(host="box", os="Linux", cpu="A CPU", cores=2, python="3.11.7", versions={"numpy": "2.4"})
    factors = [1 + (ratio - 1) * place for place in range(len(plan.candidates))] + [1.001] * plan.control
    events: list[Event] = [EngineStarted(environment=machine)]
    for place, one in enumerate(plan.all_candidates):
        trained = TrainingFinished(job="m", candidate=one.slug, seconds=0.1 * place, score=0.9, notes=("a note",))
        warm = WarmUpFinished(
            job="m",
            launch=launch,
            candidate=one.slug,
            calls=100,
            seconds=0.1,
            steady=place != 1,
            first_calls=(1_000_000 + launch).to_bytes(8, "little"),
            call_seconds=1e-4,
        )
        events += [trained, warm]
    for event in launch_of(plan, factors, rounds, launch, calls=(10, 12, 7, 9), planned=planned or rounds):
        if isinstance(event, BlockMeasured):
            event = with_block(
                event,
                cpu_ns=event.block.wall_ns * 99 // 100,
                waited_ns=event.block.wall_ns // 100,
                switches=int(event.round % 7 == 0),
                discarded=(70_000 + event.round).to_bytes(8, "little"),
                gc_calls=(1,) if event.round % 5 == 0 else (),
                gc_ns=(300,) if event.round % 5 == 0 else (),
            )
        if isinstance(event, RoundFinished):
            event = msgspec.structs.replace(event, steal=0.001 * (launch + 1), lost_cores=(launch + 2,))
        events.append(event)
    if plan.cold_start:
        for one in plan.candidates:
            fresh = ColdStartMeasured(
                job="m",
                launch=launch,
                candidate=one.slug,
                import_seconds=1.0 + launch,
                load_seconds=0.1,
                memory_before=10,
                memory_after=20,
                memory_peak=30,
                first_calls=(5_000, 4_000),
            )
            events.append(fresh)
    return events


def add(recording: Recorder, events: Sequence[Event]) -> None:
    for event in events:
        recording.add(event)
        if isinstance(event, RoundFinished) and recording.plan.until_known:
            recording.is_decided()


def reloaded(recording: Recorder, path: Path, max_samples: int = MANY) -> Recorder:
    write(recording.result(), path)
    return resume(load(path), max_samples=max_samples)


def text(result: Result) -> str:
    return result.to_json()


PLANS: dict[str, Callable[[], Plan]] = {
    "runs": lambda: plan_of(3, runs=800),
    "one model": lambda: plan_of(1, runs=800),
    "seconds, control and cold start": lambda: plan_of(
        2, runs=None, seconds=4.0, control=True, cold_start=True, seed=3, baseline="random-forest"
    ),
    "until known, with limits": lambda: plan_of(
        3,
        runs=None,
        until_known=True,
        limits=(parse_limit("p50 < 1ms"), parse_limit("p90 < 70us"), parse_limit("p50 < 1.3x")),
    ),
}


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest) -> Plan:
    return PLANS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("max_samples", [MANY, 1_500])
def test_a_continued_file_is_the_same_result_to_the_last_digit(plan: Plan, tmp_path: Path, max_samples: int) -> None:
    whole = Recorder(plan, max_samples=max_samples)
    add(whole, everything(plan, 0, 45, planned=80, ratio=1.01))
    other = reloaded(whole, tmp_path / "r.json", max_samples)
    assert text(other.result()) == text(whole.result())
    more = whole.result().more or MeasurementAmount(runs=100)
    for recording in (whole, other):
        first = recording.continue_with(more)
        assert first == 1
        add(recording, everything(plan, first, 50, ratio=1.01))
    assert text(other.result()) == text(whole.result())
    again = reloaded(other, tmp_path / "r.json", max_samples)
    for recording in (whole, again):
        add(recording, everything(plan, recording.continue_with(more), 50, ratio=1.01))
    assert text(again.result()) == text(whole.result())


def test_the_statistics_are_those_of_one_longer_measurement(tmp_path: Path) -> None:
    plan = plan_of(3, runs=800, launches=3)
    whole = Recorder(plan)
    for launch in range(3):
        add(whole, everything(plan, launch, 80))
    part = Recorder(msgspec.structs.replace(plan, launches=1))
    add(part, everything(plan, 0, 80))
    part = reloaded(part, tmp_path / "r.json")
    part.continue_with(MeasurementAmount(runs=800, launches=2))
    for launch in (1, 2):
        add(part, everything(plan, launch, 80))
    one, other = whole.result(), part.result()
    assert one.candidates[0].calls == 2_400
    assert [c.statistics for c in other.candidates] == [c.statistics for c in one.candidates]
    assert other.comparisons == one.comparisons
    assert other.noise == one.noise
    assert other.answer == one.answer


def test_who_has_failed_stays_out_of_a_continuation(tmp_path: Path) -> None:
    plan = plan_of(3, runs=800)
    recording = Recorder(plan)
    add(recording, everything(plan, 0, 30, planned=80))
    recording.add(CandidateFailed(job="m", candidate=plan.candidates[0].slug, stage="measuring", message="x"))
    other = reloaded(recording, tmp_path / "r.json")
    assert other.active == tuple(candidate.slug for candidate in plan.candidates[1:])
    assert text(other.result()) == text(recording.result())


def test_a_result_of_before_the_first_round_can_be_continued(tmp_path: Path) -> None:
    plan = plan_of(2, runs=800)
    other = reloaded(Recorder(plan), tmp_path / "r.json")
    assert other.continue_with(MeasurementAmount(runs=800)) == 0
    add(other, everything(plan, 0, 80))
    assert [candidate.calls for candidate in other.result().candidates] == [800, 960]


def test_without_samples_there_is_nothing_to_continue(tmp_path: Path) -> None:
    recording = Recorder(plan_of(2, runs=800))
    add(recording, everything(recording.plan, 0, 30))
    write(recording.result(), tmp_path / "r.json", samples=False)
    assert load(tmp_path / "r.json").checkpoint is None
    with pytest.raises(UsageError, match="lacks the samples"):
        resume(load(tmp_path / "r.json"))


def mutations() -> Iterator[tuple[str, Callable[[dict[str, Any]], object]]]:
    """Changes to a result file, each of which makes its parts contradict each other."""
    yield "no blocks of a candidate", lambda r: r["checkpoint"]["candidates"].pop()
    yield "a candidate of another name", lambda r: r["checkpoint"]["candidates"][0].update(slug="other")
    yield "fewer samples", lambda r: r["candidates"][0]["samples"].pop()
    yield "no samples", lambda r: r["candidates"][0].update(samples=None)
    yield "a round too many", lambda r: r["checkpoint"]["candidates"][0]["blocks"]["rounds"].append(10**9)
    yield "rounds beyond the last", lambda r: r["checkpoint"]["candidates"][0]["blocks"]["rounds"].__setitem__(-1, 99)
    yield "rounds twice", lambda r: r["checkpoint"]["candidates"][0]["blocks"]["rounds"].__setitem__(1, 0)
    yield "a launch that never was", lambda r: r["checkpoint"]["round_launches"].__setitem__(-1, 7)
    yield "launches out of order", lambda r: r["checkpoint"]["launches"].append(r["checkpoint"]["launches"][0])
    yield "a round finished beyond the last", lambda r: r["checkpoint"]["finished_rounds"].append(10**6)
    yield "a step that is none", lambda r: r["checkpoint"]["candidates"][0]["calls"].update(step=0)
    yield "no totals", lambda r: r["checkpoint"]["candidates"][0]["calls"].update(totals=None)
    yield "neighbours without starts", lambda r: r["checkpoint"]["candidates"][0]["calls"].update(neighbours=[1, 2])
    yield "negative counts", lambda r: r["checkpoint"]["candidates"][0]["calls"]["kept"].__setitem__(0, -1)
    yield "numbers beyond 64 bits", lambda r: r["checkpoint"]["candidates"][0]["calls"]["kept"].__setitem__(0, 2**70)
    yield "shares of a call", lambda r: r["checkpoint"]["candidates"][0]["calls"]["kept"].__setitem__(0, 0.5)
    yield "nothing asked", lambda r: r["checkpoint"].update(asked=[])
    yield "text for numbers", lambda r: r["checkpoint"].update(round_launches=["a"])


@pytest.mark.parametrize("mutation", [pytest.param(change, id=name) for name, change in mutations()])
def test_what_contradicts_itself_is_refused(mutation: Callable[[dict[str, Any]], object], tmp_path: Path) -> None:
    recording = Recorder(plan_of(2, runs=800))
    add(recording, everything(recording.plan, 0, 30))
    document = json.loads(recording.result().to_json())
    mutation(document)
    (tmp_path / "r.json").write_text(json.dumps(document))
    with pytest.raises(UsageError):
        resume(load(tmp_path / "r.json"))
