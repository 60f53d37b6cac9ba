"""What a sweep concludes from planted latencies: lines, crossings, knees, best values; given events, no clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import restore
from latency_tui.engine.protocol import CandidateFailed, Event, MeasurementStarted, RoundFinished
from latency_tui.plan import Candidate, ModelSpec, Plan, expand, parse_sweep
from latency_tui.report import render
from latency_tui.result.result import Result, decode
from latency_tui.stats.sweeps import draw_cells, find_knee, fit_line
from latency_tui.text.sweeps import describe_cells, describe_sweeps
from tests.parameters import one_quick
from tests.unit.fake_latencies import block, waves

Law = Callable[[float], float]
"""From a value of the setting to microseconds per call."""


def plan_of(text: str, *names: str, **fields: Any) -> Plan:  # Any: whatever a plan takes
    sweeps = (parse_sweep(text),)
    models = [Candidate(model=ModelSpec(name=name, factory="a:b")) for name in names]
    return Plan(candidates=expand(models, sweeps), sweeps=sweeps, **fields)


def events_of(
    plan: Plan, laws: dict[str, Law], *, rounds: int = 36, copies: int = 12, seed: int = 0, launches: int = 1
) -> Iterator[Event]:
    """Rounds of a machine that drifts by a factor of two, in processes that differ by half a percent."""
    (sweep,) = plan.sweeps
    random = np.random.default_rng(seed)
    now = 0
    for launch in range(launches):
        own = random.normal(0, 0.005, (len(plan.candidates), copies))
        drift = np.cumsum(random.normal(0, 0.05, rounds))
        yield MeasurementStarted(
            job="measurement", launch=launch, rounds=rounds, calls={}, seconds=1.0, timer_floor_ns=70.0, pinned=(1,)
        )
        for number in range(rounds):
            for place, cell in enumerate(plan.candidates):
                value = cell.settings[sweep.parameter]
                base = 1000 * laws[cell.model.name](float(value) if not isinstance(value, str) else 0.0)
                logs = waves(random, 1, 6)[0] * 0.3 + own[place, number % copies] + drift[number]
                samples = np.maximum(base * np.exp(logs), 1).astype(np.int64)
                replica = number % copies
                yield block(cell.slug, samples, round_=number, launch=launch, replica=replica, started_ns=now)
                now += int(samples.sum())
            yield RoundFinished(job="measurement", launch=launch, round=number, rounds=rounds, seconds_left=0.0)


def measured(text: str, laws: dict[str, Law], more: Sequence[Event] = (), **options: int) -> Result:
    plan = plan_of(text, *laws, launches=options.get("launches", 1))
    recording = Recorder(plan)
    for event in [*events_of(plan, laws, **options), *more]:
        recording.add(event)
    return recording.result()


@pytest.fixture(scope="module")
def planted() -> Result:
    """40 µs + 1 µs per row, and 10 µs + 3 µs per row: they cross at 15 rows."""
    return measured("batch=1,2,4..256", {"flat": lambda n: 40 + n, "steep": lambda n: 10 + 3 * n})


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_line_is_within_its_interval(seed: int) -> None:
    result = measured("batch=1,2,4..256", {"flat": lambda n: 40 + n}, seed=seed)
    (curve,) = result.sweeps
    fit = curve.fit
    assert fit is not None
    assert fit.is_straight
    assert fit.fixed_low is not None
    assert fit.fixed_high is not None
    assert fit.per_row_low is not None
    assert fit.per_row_high is not None
    # The drift of this machine is common to all cells, so the sum of both parts wanders with it, and so do the ends.
    assert fit.fixed_low <= fit.fixed_seconds <= fit.fixed_high
    ratio = fit.fixed_seconds / fit.per_row_seconds
    assert ratio == pytest.approx(40, rel=0.1)


def test_the_crossing_of_planted_lines_is_found(planted: Result) -> None:
    (crossing,) = [crossing for curve in planted.sweeps for crossing in curve.crossings]
    assert crossing.overtakes == "steep"
    assert 12 < crossing.low <= 15.2
    assert 14.8 <= crossing.high < 18
    (said,) = [sentence for sentence in describe_sweeps(planted) if "overtakes" in sentence]
    assert said.startswith("flat overtakes steep ")
    assert said.endswith(" rows.")
    assert planted.answer == "Fastest: steep up to 8 rows, flat from 16 rows on."


def test_the_knee_of_planted_lines_is_found(planted: Result) -> None:
    flat, steep = planted.sweeps
    # A row of the flat one costs 1 + 40/n: 1.31 µs at 128 rows and 1.16 µs at 256.
    assert flat.knee is not None
    assert flat.knee.value is None
    # One of the steep one costs 3 + 10/n: 3.16 µs at 64 rows, 3.04 µs at 256, so 4 % less.
    assert steep.knee is not None
    assert steep.knee.value in (64, 32)
    assert steep.knee.low is not None
    assert steep.knee.low <= 64
    assert any("beyond" in sentence and "steep" in sentence for sentence in describe_sweeps(planted))


def test_the_json_has_the_names_of_the_guide(planted: Result) -> None:
    found = json.loads(planted.to_json(samples=False))["sweeps"]
    assert [(one["parameter"], one["candidate"]) for one in found] == [("batch", "flat"), ("batch", "steep")]
    (first, *_) = found[0]["cells"]
    assert first["value"] == 1
    assert set(first["p50"]) == {"value", "low", "high"}
    assert {"fixed_seconds", "per_row_seconds"} <= set(found[0]["fit"])
    assert decode(planted.to_json(samples=False).encode(), "it").sweeps == planted.sweeps


def test_the_table_has_a_row_per_value_and_a_column_per_model(planted: Result) -> None:
    text = "".join(render(planted, "table"))
    lines = text.splitlines()
    assert lines[2] == "p50 per call (95 % CI)"
    assert lines[3].split() == ["batch", "flat", "steep"]
    assert [line.split()[0] for line in lines[5:14]] == ["1", "2", "4", "8", "16", "32", "64", "128", "256"]
    assert "1–256 rows" in lines[0]


def test_a_restored_recording_comes_to_the_same_sweep(planted: Result) -> None:
    assert restore(planted, ()).result().sweeps == planted.sweeps


def test_the_markdown_has_the_table_and_the_sentences(planted: Result) -> None:
    text = "".join(render(planted, "markdown"))
    assert "| batch | flat | steep |" in text
    assert text.count("\n| ") == 2 + 9
    assert "- sweep: flat overtakes steep" in text


def test_the_page_has_a_chart_a_table_and_the_sentences(planted: Result) -> None:
    page = "".join(render(planted, "html"))
    assert "Sweep of batch" in page
    assert page.count("<polygon") == 2
    assert "flat, 16 rows: p50" in page
    assert "<li>flat overtakes steep" in page
    assert page.count('class="card"') == 2


def test_the_picture_is_that_of_the_sweep(planted: Result) -> None:
    picture = "".join(render(planted, "svg"))
    assert picture.count("<polygon") == 2
    assert ">steep</text>" in picture


def test_every_format_takes_a_sweep(planted: Result) -> None:
    for form in ("csv", "json", "pyperf", "hyperfine", "junit", "github-action-benchmark"):
        assert "flat" in "".join(render(planted, form))


def test_curves_that_do_not_cross_have_one_leader() -> None:
    result = measured("batch=1,4,16", {"quick": lambda n: 10 + n, "slow": lambda n: 20 + 2 * n})
    assert not any(curve.crossings for curve in result.sweeps)
    assert result.answer == "quick is fastest from 1 to 16 rows."


@pytest.mark.slow
def test_identical_curves_have_no_leader_and_no_crossing() -> None:
    found = [
        measured("batch=1,4,16,64", {"one": lambda n: 40 + n, "two": lambda n: 40 + n}, seed=seed, rounds=24)
        for seed in range(20)
    ]
    assert sum(any(curve.crossings for curve in result.sweeps) for result in found) == 0
    assert sum(any(curve.leads_at for curve in result.sweeps) for result in found) <= 3


def test_a_curve_that_is_not_straight_says_so() -> None:
    result = measured("batch=1,2,4..64", {"steps": lambda n: 40.0 if n <= 8 else 400.0})
    (curve,) = result.sweeps
    assert curve.fit is not None
    assert not curve.fit.is_straight
    assert "no straight line fits" in result.answer


def test_a_large_batch_that_the_small_ones_do_not_predict_is_named() -> None:
    result = measured("batch=1,2,4..64,4096", {"spills": lambda n: 40 + n if n < 1000 else 3 * (40 + n)})
    (curve,) = result.sweeps
    assert curve.fit is not None
    ratio = curve.fit.largest_to_predicted
    assert ratio is not None
    assert ratio.value == pytest.approx(3, rel=0.1)
    assert "predicts" in result.answer
    assert "4,096 rows" in result.answer


def test_threads_have_a_best_value_and_a_speed_up() -> None:
    result = measured("threads=1,2,4", {"parallel": lambda n: {1: 100, 2: 55, 4: 80}[int(n)]})
    (curve,) = result.sweeps
    assert curve.fit is None
    assert curve.best is not None
    assert curve.best.value == 2
    assert curve.best.speed_up is not None
    assert curve.best.speed_up.value == pytest.approx(100 / 55, rel=0.05)
    assert "fastest with 2 threads" in result.answer


def test_threads_that_do_not_help_are_not_called_faster() -> None:
    result = measured("threads=1,2,4", {"serial": lambda _: 100.0})
    assert "no value is" in result.answer


def test_words_have_no_line_but_a_best_value() -> None:
    result = measured("kernel=rbf,linear", {"svm": lambda _: 100.0})
    (curve,) = result.sweeps
    assert (curve.fit, curve.knee, curve.crossings) == (None, None, ())
    assert [cell.value for cell in curve.cells] == ["rbf", "linear"]


def test_a_cell_that_failed_is_left_out_of_its_curve() -> None:
    failed = CandidateFailed(
        job="measurement", candidate="flat[batch=64]", stage="measuring", cause="raised", message="too large"
    )
    result = measured("batch=1,4,16,64", {"flat": lambda n: 40 + n}, [failed])
    (curve,) = result.sweeps
    assert [cell.value for cell in curve.cells] == [1, 4, 16]
    assert curve.fit is not None


def test_too_few_rounds_make_no_claim() -> None:
    result = measured("batch=1,4,16", {"flat": lambda n: 40 + n, "steep": lambda n: 10 + 3 * n}, rounds=4)
    assert not any(curve.fit or curve.knee or curve.crossings or curve.leads_at for curve in result.sweeps)


def test_launches_are_the_clusters_if_there_are_three() -> None:
    result = measured("batch=1,4,16,64", {"flat": lambda n: 40 + n}, launches=4, rounds=20)
    (curve,) = result.sweeps
    assert curve.fit is not None
    assert curve.fit.is_straight


def test_the_number_of_cells_and_their_duration_are_told() -> None:
    plan = plan_of("batch=1,2,4..256", "one", "two", launches=3)
    assert describe_cells(plan, 42.0) == "18 cells (2 models × 9 values of batch), about 42 s of calls per launch."
    assert describe_cells(plan_of("batch=1,2", "one"), 0.2).endswith("2 values of batch), under 1 s of calls.")


def test_cells_of_a_model_share_its_colour() -> None:
    result = measured("batch=1,4", {"one": lambda n: 40 + n, "two": lambda n: 40 + n})
    colours = {candidate.slug.partition("[")[0]: set[str]() for candidate in result.candidates}
    for candidate in result.candidates:
        colours[candidate.slug.partition("[")[0]].add(candidate.colour)
    assert all(len(found) == 1 for found in colours.values())
    assert colours["one"] != colours["two"]


@pytest.mark.parametrize("clusters", one_quick([3, 6, 12, 24]))
def test_the_interval_of_a_line_covers_it(clusters: int) -> None:
    """Over many trials without drift, both parts are within their intervals about as often as promised."""
    x, covered = np.array([1.0, 2, 4, 8, 16, 32, 64]), [0, 0]
    trials = 120
    for trial in range(trials):
        random = np.random.default_rng((clusters, trial))
        processes = np.arange(4 * clusters) % clusters
        logs = np.log(40_000 + 1000 * x)[:, None] + random.normal(0, 0.01, (x.size, clusters))[:, processes]
        logs += random.normal(0, 0.02, (x.size, 4 * clusters))
        medians = np.exp(logs)
        drawn = draw_cells(medians, np.median(medians, axis=1), np.zeros(processes.size, int), processes, 400, trial)
        line = fit_line(x, drawn, range(x.size))
        assert line is not None
        covered[0] += line.fixed.low <= 40_000 <= line.fixed.high
        covered[1] += line.slope.low <= 1000 <= line.slope.high
        assert find_knee(x, drawn, range(x.size)) is not None
    assert min(covered) >= 0.85 * trials
