"""How a plan is split into launches for several hosts, and that the result is the same as of one machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import resume
from latency_tui.engine.protocol import Event
from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.plan.limits import parse_limit
from latency_tui.plan.load import LoadTest
from latency_tui.plan.shared_launches import SharedLaunch, share_launches
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.result import Result
from tests.unit.test_sweeps import events_of, plan_of

LAWS = {"flat": lambda n: 40 + n, "steep": lambda n: 10 + 3 * n}


def swept(**fields: Any) -> Plan:  # Any: whatever a plan takes
    return plan_of("batch=1,2,4..256", *LAWS, **fields)


def rows_of(launch: SharedLaunch) -> list[int]:
    return [int(one.settings["batch"]) for one in launch.plan.candidates if one.model.name == "flat"]


def test_launches_are_distributed_whole_if_they_keep_the_hosts_busy() -> None:
    launches = share_launches(swept(launches=8), 4)
    assert [one.number for one in launches] == [*range(8)]
    assert all(one.plan.candidates == swept().candidates and one.plan.launches == 1 for one in launches)
    assert launches[0].label == "launch 1"


def test_values_of_a_sweep_are_shared_if_launches_are_too_few() -> None:
    launches = share_launches(swept(), 3)
    assert [rows_of(one) for one in launches] == [[1, 8, 64], [2, 16, 128], [4, 32, 256]]
    assert launches[1].label == "launch 2 (batch=2, batch=16, batch=128)"


@pytest.mark.parametrize(("launches", "hosts", "parts"), [(5, 4, 3), (1, 20, 9), (1, 1, 1), (2, 3, 3), (4, 2, 1)])
def test_values_are_split_no_further_than_busy_hosts_need(launches: int, hosts: int, parts: int) -> None:
    assert len(share_launches(swept(launches=launches), hosts)) == launches * parts


def test_each_launch_has_all_models_at_its_values_and_each_cell_once() -> None:
    plan = swept(launches=2)
    launches = share_launches(plan, 5)
    for one in launches:
        rows = {name: [c.settings["batch"] for c in one.plan.candidates if c.model.name == name] for name in LAWS}
        assert rows["flat"] == rows["steep"]
    slugs = sorted(candidate.slug for one in launches for candidate in one.plan.candidates)
    assert slugs == sorted(2 * [candidate.slug for candidate in plan.candidates])
    assert [one.number for one in launches] == [*range(len(launches))]


def test_several_sweeps_are_split_by_their_combinations() -> None:
    from latency_tui.plan import Candidate, ModelSpec, expand, parse_sweep

    sweeps = parse_sweep("batch=1,2"), parse_sweep("threads=1,2")
    models = [Candidate(model=ModelSpec(name=name, factory="a:b")) for name in LAWS]
    plan = Plan(candidates=expand(models, sweeps), sweeps=sweeps)
    launches = share_launches(plan, 4)
    assert [one.values for one in launches] == [
        ("batch=1,threads=1",),
        ("batch=1,threads=2",),
        ("batch=2,threads=1",),
        ("batch=2,threads=2",),
    ]
    assert all(len(one.plan.candidates) == 2 for one in launches)


def test_baseline_control_and_limits_go_with_their_candidates() -> None:
    plan = swept(control=True, baseline="steep[batch=2]", limits=(parse_limit("flat[batch=4]: p50 < 1ms"),))
    first, second, third = share_launches(plan, 3)
    assert [one.plan.control for one in (first, second, third)] == [True, False, False]
    assert first.plan.control_candidate == plan.control_candidate
    assert [one.plan.baseline for one in (first, second, third)] == [None, "steep[batch=2]", None]
    assert [len(one.plan.limits) for one in (first, second, third)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"until_known": True, "runs": None}, "instead of --until-known"),
        ({"load": LoadTest(find_rate=True), "limits": (parse_limit("p99 < 5ms"),)}, "cannot share --find-rate"),
    ],
)
def test_what_depends_on_an_earlier_launch_is_not_shared(fields: dict[str, Any], said: str) -> None:
    plan = msgspec.structs.replace(plan_of("batch=1,2", "m", "n"), sweeps=(), **fields)
    with pytest.raises(UsageError, match=said):
        share_launches(plan, 2)


def shared_events(plan: Plan, hosts: int, **options: int) -> Iterator[tuple[SharedLaunch, Event]]:
    """The events of each launch, as its host reports them: each machine has a clock of its own."""
    for launch in share_launches(plan, hosts):
        for event in events_of(launch.plan, LAWS, seed=launch.number, **options):
            yield launch, msgspec.structs.replace(event, launch=launch.number)


def recorded(plan: Plan, hosts: int, *, without: set[int] | None = None, **options: int) -> Recorder:
    recording = Recorder(plan)
    for launch, event in shared_events(plan, hosts, **options):
        if launch.number not in (without or ()):
            recording.add(event)
    return recording


def known(fit: dict[str, Any]) -> set[str]:
    """Return what is known about a line, except for where it is off: that depends on the drift between hosts."""
    return {key for key, value in fit.items() if value is not None} - {"misfit_value"}


@pytest.fixture(scope="module", params=[1, 5])
def results(request: pytest.FixtureRequest) -> tuple[Result, Result]:
    """The same plan on one machine and shared by three, with one launch or five."""
    plan = swept(launches=request.param)
    alone = Recorder(plan)
    for event in events_of(plan, LAWS, launches=request.param):
        alone.add(event)
    return alone.result(), recorded(plan, 3).result()


def test_a_shared_sweep_has_the_curves_of_one_machine(results: tuple[Result, Result]) -> None:
    alone, shared = (msgspec.to_builtins(result.sweeps) for result in results)
    for one, other in zip(alone, shared, strict=True):
        assert [cell["value"] for cell in other["cells"]] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
        assert [crossing["overtakes"] for crossing in other["crossings"]] == [
            crossing["overtakes"] for crossing in one["crossings"]
        ]
        assert known(other["fit"]) == known(one["fit"])
        assert other["leads_at"] == one["leads_at"]
        assert other["knee"] is not None
        assert all(cell["p50"]["low"] < cell["p50"]["value"] < cell["p50"]["high"] for cell in other["cells"])


def test_a_shared_sweep_finds_what_was_planted(results: tuple[Result, Result]) -> None:
    _, shared = results
    flat, steep = shared.sweeps
    assert flat.fit is not None
    assert flat.fit.per_row_low is not None
    assert flat.fit.per_row_high is not None
    assert flat.fit.fixed_seconds / flat.fit.per_row_seconds == pytest.approx(40, rel=0.5)
    (crossing,) = [*flat.crossings, *steep.crossings]
    assert 8 <= crossing.low <= 15 <= crossing.high <= 32
    assert shared.answer == results[0].answer


def test_only_cells_of_the_same_launch_are_compared(results: tuple[Result, Result]) -> None:
    _, shared = results
    together = [{one.slug for one in launch.plan.candidates} for launch in share_launches(shared.plan, 3)]
    assert shared.comparisons
    for one in shared.comparisons:
        assert any({one.baseline, one.candidate} <= slugs for slugs in together)
        assert one.launches == shared.plan.launches
    assert shared.complete_launches == shared.plan.launches
    assert shared.more is None or not shared.more.stopped


def test_a_drift_that_does_not_cancel_between_hosts_widens_the_line() -> None:
    alone = Recorder(swept())
    for event in events_of(swept(), LAWS):
        alone.add(event)
    widths = []
    for recording in (alone, recorded(swept(), 3)):
        fit = recording.result().sweeps[0].fit
        assert fit is not None
        assert fit.largest_to_predicted is not None
        assert fit.largest_to_predicted.low is not None
        assert fit.largest_to_predicted.high is not None
        assert fit.largest_to_predicted.low < 1 < fit.largest_to_predicted.high
        widths.append(fit.largest_to_predicted.high - fit.largest_to_predicted.low)
    assert widths[1] > 3 * widths[0]


def test_cells_that_are_lost_are_missing_and_the_rest_is_whole() -> None:
    result = recorded(swept(), 3, without={1}).result()
    missing = {one.slug for one in result.candidates if one.status == "cancelled"}
    assert missing == {f"{name}[batch={rows}]" for name in LAWS for rows in (2, 16, 128)}
    for curve in result.sweeps:
        assert [cell.value for cell in curve.cells] == [1, 4, 8, 32, 64, 256]
        assert curve.fit is not None
    assert result.more is not None
    assert result.more.stopped
    assert result.more.runs == 100


def test_a_shared_result_is_the_same_after_it_was_saved(results: tuple[Result, Result]) -> None:
    _, shared = results
    again = resume(shared).result()
    assert again.sweeps == shared.sweeps
    assert again.comparisons == shared.comparisons
    assert again.more == shared.more


def test_a_shared_result_continues_on_one_machine() -> None:
    plan = swept()
    recording = recorded(plan, 3, without={1})
    assert recording.result().more is not None
    first = recording.continue_with(MeasurementAmount(runs=100))
    assert first == 3
    for event in events_of(plan, LAWS, seed=9):
        recording.add(msgspec.structs.replace(event, launch=first))
    result = recording.result()
    assert {one.status for one in result.candidates} == {"measured"}
    flat, _ = result.sweeps
    assert [cell.value for cell in flat.cells] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert flat.fit is not None
    assert flat.fit.per_row_low is not None
    assert flat.fit.per_row_low < flat.fit.per_row_seconds
    assert result.more is None or not result.more.stopped
