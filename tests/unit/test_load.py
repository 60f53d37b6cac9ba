"""A load test as a value, as a result of given events, and in words."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from latency_tui.analysis.continuation import plan_to_continue
from latency_tui.analysis.journal import Entry
from latency_tui.analysis.load import LoadRecorder
from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import restore, resume
from latency_tui.catalog.arrivals import read_gaps
from latency_tui.cli import cli
from latency_tui.cli.check_run import plan_to_confirm
from latency_tui.cli.load_options import make_load_test
from latency_tui.cli.options import sweep_texts
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished
from latency_tui.errors import UsageError
from latency_tui.history.journal_batches import pack, unpack
from latency_tui.plan import BUILTIN_MODELS, Candidate, LoadTest, Plan, Workload, parse_sweep
from latency_tui.plan.limits import parse_limit
from latency_tui.report import render
from latency_tui.report.command import format_command
from latency_tui.report.load import load_rows, offline_rows
from latency_tui.report.progress import Progress
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.load import (
    HighestRate,
    LoadResult,
    LoadVerdict,
    TimeStatistics,
    all_limit_verdicts,
    verdict_of_search,
)
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.offline import OfflineResult
from latency_tui.result.result import Result
from latency_tui.stats.arrivals import draw_arrivals
from latency_tui.stats.load_windows import RequestTimes, percentile
from latency_tui.text.limits import describe_verdict
from latency_tui.text.load import describe_highest_rate, summarize_load
from latency_tui.text.offline import best_batches, summarize_offline
from tests.queue_simulation import simulate
from tests.unit.fake_result import make_result

MS = 1_000_000
NOTHING = {
    "rates": None,
    "find_rate": False,
    "workers": None,
    "worker_kind": None,
    "arrivals": None,
    "duration": None,
    "scenario": None,
}
CANDIDATES = tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2])
SLUG, OTHER = (candidate.slug for candidate in CANDIDATES)


def make_plan(limit: str | None = None, **load: object) -> Plan:
    limits = (parse_limit(limit),) if limit else ()
    test = LoadTest(**({"rates": (200.0,)} | load))  # type: ignore[arg-type]
    return Plan(candidates=CANDIDATES, limits=limits, load=test)


def window_event(times: RequestTimes, slug: str = SLUG, rate: float = 200.0, **fields: object) -> LoadWindowMeasured:
    """The event of a window as the engine sends it."""
    columns = [column.astype("<i8").tobytes() for column in (times.arrivals, times.starts, times.ends)]
    event = LoadWindowMeasured(
        job="j",
        launch=0,
        candidate=slug,
        rate=rate,
        window=0,
        arrivals=columns[0],
        starts=columns[1],
        ends=columns[2],
        workers=times.workers.tobytes(),
        seconds=times.seconds,
        requests=times.requests,
    )
    return msgspec.structs.replace(event, **fields)


def measure_windows(
    plan: Plan, service: int | Callable[[float], int], count: int = 5, *, slug: str = SLUG, launch: int = 0
) -> tuple[LoadRecorder, list[RequestTimes]]:
    """Record windows of every rate of a plan, as an exact simulation answers them."""
    assert plan.load is not None
    recorder, found = LoadRecorder(plan), []
    recorder.add(started(plan))
    for rate in plan.load.rates:
        for number in range(count):
            arrivals = draw_arrivals(rate, 5.0, seed=(number,))
            spans = [service if isinstance(service, int) else service(rate)] * arrivals.size
            times = simulate(arrivals, spans, plan.load.workers)._replace(seconds=5.0, launch=launch)
            found.append(times)
            recorder.add(window_event(times, slug, rate, launch=launch, window=number))
    return recorder, found


def started(plan: Plan) -> LoadStarted:
    assert plan.load is not None
    kind, workers = plan.load.worker_kind, plan.load.workers
    return LoadStarted(job="j", launch=0, workers=workers, worker_kind=kind, cores=(0, 1), is_exclusive=True)


# --- the analysis -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_the_analysis_of_simulated_requests_is_that_of_the_simulation(workers: int) -> None:
    recorder, windows = measure_windows(make_plan(workers=workers), 3 * MS)
    (found,) = recorder.results()
    response = [one.response[one.arrivals >= 0.5e9] for one in windows]
    assert found.response.mean == pytest.approx(np.concatenate(response).mean() * 1e-9)
    assert found.response.p99 == pytest.approx(percentile(response, 0.99) * 1e-9)
    assert found.service.mean == pytest.approx(0.003)
    assert found.utilisation == pytest.approx(200 * 0.003 / workers)
    assert found.requests == sum(one.size for one in response)
    assert found.valid
    assert found.capacity_per_core == pytest.approx(workers / 0.003 / 2)


def test_waits_and_service_times_add_up_to_response_times() -> None:
    (found,) = measure_windows(make_plan(), 4 * MS)[0].results()
    assert found.wait.mean is not None
    assert found.service.mean is not None
    assert found.response.mean == pytest.approx(found.wait.mean + found.service.mean)
    assert (found.response.p50 or 0) >= (found.service.p50 or 1)


def test_an_overloaded_candidate_has_no_percentile_of_waits_and_responses() -> None:
    (found,) = measure_windows(make_plan("p99 < 5ms"), 6 * MS)[0].results()
    assert found.utilisation == pytest.approx(1.2)
    assert found.overloaded
    assert found.response == found.wait == TimeStatistics()
    assert found.service.p99 == pytest.approx(0.006)
    assert found.verdict == "fail"


def test_a_window_that_ended_with_a_backlog_is_overloaded() -> None:
    recorder, windows = measure_windows(make_plan(), 1 * MS)
    recorder.add(window_event(windows[0], end="backlog"))
    assert recorder.results()[0].overloaded


def test_a_backlog_that_grows_at_once_is_overloaded_too() -> None:
    recorder = LoadRecorder(make_plan("p99 < 5ms", rates=(150_000.0,)))
    arrivals = draw_arrivals(150_000, 1.0)[:2000]
    times = simulate(arrivals, [MS // 4] * arrivals.size, 1)._replace(seconds=1.0)
    for _ in range(4):
        recorder.add(window_event(times, rate=150_000.0, end="backlog"))
    (found,) = recorder.results()
    assert (found.overloaded, found.verdict) == (True, "fail")
    assert found.utilisation == pytest.approx(37.5)


def test_late_windows_are_left_out_and_too_many_make_the_result_invalid() -> None:
    recorder, windows = measure_windows(make_plan("p99 < 50ms"), 2 * MS, count=4)
    late = windows[0]._replace(starts=windows[0].starts + 5 * MS, ends=windows[0].ends + 5 * MS)
    recorder.add(window_event(late))
    (found,) = recorder.results()
    assert (found.valid, found.windows, found.invalid_windows) == (True, 4, 1)
    assert found.service.p99 == pytest.approx(0.002)
    for _ in range(5):
        recorder.add(window_event(late))
    (found,) = recorder.results()
    assert (found.valid, found.verdict) == (False, "inconclusive")


def test_limits_are_on_the_response_time_and_need_enough_requests() -> None:
    plan = make_plan("p99 < 20ms")
    (found,) = measure_windows(plan, 2 * MS)[0].results()
    assert found.verdict == "pass"
    (few,) = measure_windows(plan, 2 * MS, count=2)[0].results()
    assert few.verdict == "inconclusive"
    assert few.limits[0].requests_to_decide
    (slow,) = measure_windows(plan, int(4.6 * MS))[0].results()
    assert slow.verdict == "fail"


def test_limits_on_responses_are_not_judged_from_calls_alone() -> None:
    plan = make_plan("p99 < 5ms")
    assert [str(limit) for limit in plan.load_limits] == ["p99 < 5ms"]
    assert plan.call_limits == ()
    throughput = msgspec.structs.replace(plan, limits=(parse_limit("throughput > 5/s"),))
    assert throughput.load_limits == ()


@pytest.mark.parametrize(("service", "confirmed"), [(lambda rate: int(2 * MS), True), (lambda rate: 3 * MS, False)])
def test_both_ends_of_a_search_are_confirmed_by_a_fresh_launch(
    service: Callable[[float], int], confirmed: bool
) -> None:
    plan = make_plan("p99 < 150ms", rates=(), find_rate=True)
    recorder = LoadRecorder(plan)
    recorder.add(started(plan))
    rates = (200.0, 450.0, 470.0)
    for launch, spans in ((0, lambda rate: 2 * MS if rate < 460 else 3 * MS), (1, service)):
        for rate in rates[launch:]:
            simulated = msgspec.structs.replace(plan, load=LoadTest(rates=(rate,)))
            span = spans(rate) if rate < 460 or launch == 0 else 3 * MS
            for times in measure_windows(simulated, span, launch=launch)[1]:
                recorder.add(window_event(times, SLUG, rate, launch=launch))
    recorder.add(RateSearchFinished(job="j", launch=0, candidate=SLUG, passes=450.0, fails=470.0))
    (found,) = recorder.highest_rates()
    assert found.confirmed is confirmed
    assert (found.passes, found.fails) == ((450.0, 470.0) if confirmed else (200.0, 450.0))
    assert found.monotone


def test_a_recorder_puts_the_load_test_into_its_result() -> None:
    plan = make_plan()
    recording = Recorder(plan)
    for times in measure_windows(plan, 2 * MS)[1]:
        recording.add(window_event(times))
    assert [one.rate for one in recording.result().load] == [200.0]


# --- words ------------------------------------------------------------------------------------------------------------


def load_result(slug: str, p99: float | None, rate: float = 200.0, verdict: str | None = None) -> LoadResult:
    limits = () if verdict is None else (LoadVerdict(limit="p99 < 5ms", verdict=verdict, value=p99),)  # type: ignore[arg-type]
    overloaded = p99 is None
    times = TimeStatistics() if p99 is None else TimeStatistics(mean=p99, p50=p99, p99=p99, p99_low=p99, p99_high=p99)
    return LoadResult(
        candidate=slug,
        rate=rate,
        utilisation=1.2 if overloaded else 0.4,
        overloaded=overloaded,
        workers=1,
        worker_kind="process",
        service=TimeStatistics(mean=0.001, p50=0.001, p99=0.001),
        wait=times,
        response=times,
        limits=limits,
    )


def result_with(plan: Plan, *load: LoadResult, highest: tuple[HighestRate, ...] = ()) -> Result:
    fake = make_result()
    whole = msgspec.structs.replace(plan, candidates=fake.plan.candidates)
    return msgspec.structs.replace(fake, plan=whole, load=load, highest_rates=highest)


def test_the_table_has_a_verdict_without_limits_only_if_a_rate_is_invalid() -> None:
    valid = load_result("logistic-regression", 0.004)
    spoiled = msgspec.structs.replace(load_result("random-forest", 0.005), valid=False)
    for load, verdicts in (((valid, spoiled), ["–", "invalid"]), ((spoiled, valid), ["invalid", "–"])):
        assert [row.cells["verdict"] for row in load_rows(result_with(make_plan(), *load))] == verdicts
    assert "verdict" not in load_rows(result_with(make_plan(), valid))[0].cells


def test_the_answer_says_who_passes_at_the_rate() -> None:
    result = result_with(
        make_plan("p99 < 5ms"),
        load_result("logistic-regression", 0.0012, verdict="pass"),
        load_result("random-forest", None, verdict="fail"),
    )
    assert summarize_load(result).startswith(
        "At 200/s within p99 < 5ms: Logistic Regression (p99 1.20 ms) passes; Random Forest (overloaded) fails."
    )


def test_the_answer_of_a_search_names_both_rates_and_the_reason() -> None:
    highest = (
        HighestRate(candidate="logistic-regression", passes=410, fails=430, confirmed=True),
        HighestRate(candidate="random-forest", passes=None, fails=50),
    )
    result = result_with(
        make_plan("p99 < 5ms", rates=(), find_rate=True),
        load_result("logistic-regression", 0.0062, rate=430, verdict="fail"),
        load_result("random-forest", 0.009, rate=50, verdict="fail"),
        highest=highest,
    )
    assert summarize_load(result).startswith(
        "Within p99 < 5ms: Logistic Regression passes at 410/s and fails at 430/s (p99 6.20 ms); "
        "Random Forest fails even at 50/s (p99 9.00 ms)."
    )
    assert "430/s" in render(result, "table")


def test_a_rate_that_is_not_shown_to_fail_is_called_undecided() -> None:
    result = result_with(
        make_plan("p99 < 5ms", rates=(), find_rate=True),
        load_result("logistic-regression", 0.0062, rate=430, verdict="inconclusive"),
        load_result("random-forest", 0.009, rate=50, verdict="inconclusive"),
    )
    both = HighestRate(candidate="logistic-regression", passes=410, fails=430, confirmed=True)
    assert describe_highest_rate(result, both).endswith("passes at 410/s and is undecided at 430/s (p99 6.20 ms)")
    none = HighestRate(candidate="random-forest", passes=None, fails=50)
    assert describe_highest_rate(result, none) == "Random Forest is undecided even at 50/s (p99 9.00 ms)"


def test_a_rate_without_a_failing_one_is_called_the_highest_tried() -> None:
    result = result_with(make_plan("p99 < 5ms", rates=(), find_rate=True))
    one = HighestRate(candidate="random-forest", passes=3200)
    words = "Random Forest passes up to 3,200/s, the highest rate that was tried"
    assert describe_highest_rate(result, one) == f"{words}, not confirmed by a fresh launch"
    assert describe_highest_rate(result, msgspec.structs.replace(one, confirmed=True)) == words


def test_a_highest_rate_whose_measurement_is_invalid_says_so() -> None:
    spoiled = msgspec.structs.replace(load_result("random-forest", 0.004, rate=410.0), valid=False)
    result = result_with(make_plan("p99 < 5ms", rates=(), find_rate=True), spoiled)
    found = describe_highest_rate(result, HighestRate(candidate="random-forest", passes=410, fails=440, confirmed=True))
    assert found == "Random Forest passes at 410/s (invalid) and fails at 440/s"


def test_an_invalid_measurement_does_not_fail_even_if_its_backlog_grew() -> None:
    spoiled = msgspec.structs.replace(load_result("random-forest", None, rate=440.0), valid=False)
    result = result_with(make_plan("p99 < 5ms", rates=(), find_rate=True), spoiled)
    alone = HighestRate(candidate="random-forest", passes=None, fails=440)
    assert describe_highest_rate(result, alone) == "Random Forest is undecided even at 440/s (invalid)"
    assert verdict_of_search(result.load, alone) == "inconclusive"
    with_pass = HighestRate(candidate="random-forest", passes=410, fails=440, confirmed=True)
    assert describe_highest_rate(result, with_pass) == (
        "Random Forest passes at 410/s and is undecided at 440/s (invalid)"
    )


def test_a_ranking_that_differs_under_load_is_said() -> None:
    result = result_with(make_plan(), load_result("logistic-regression", 0.009), load_result("random-forest", 0.007))
    assert "Alone, Logistic Regression is faster than Random Forest" in summarize_load(result)
    same = result_with(make_plan(), load_result("logistic-regression", 0.006), load_result("random-forest", 0.007))
    assert "Alone" not in summarize_load(same)


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "html", "json"])
def test_every_report_has_the_load_test(form: str) -> None:
    result = result_with(make_plan(), load_result("logistic-regression", 0.00912), load_result("random-forest", None))
    shown = render(result, form)  # type: ignore[arg-type]
    assert "overloaded" in shown
    assert "9.12 ms" in shown or "0.00912" in shown


# --- options ----------------------------------------------------------------------------------------------------------


def test_rates_are_parsed_and_options_fill_the_load_test() -> None:
    found = make_load_test({**NOTHING, "rates": "50, 100,200/s", "workers": 2, "worker_kind": "thread"})
    assert found == LoadTest(rates=(50, 100, 200), workers=2, worker_kind="thread")
    assert make_load_test(NOTHING) is None


def test_recorded_gaps_have_a_rate_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "gaps.txt"
    file.write_text("# seconds\n0.01\n\n0.03\n")
    assert read_gaps(file) == (0.01, 0.03)
    found = make_load_test({**NOTHING, "arrivals": str(file)})
    assert found is not None
    assert found.rates == (50.0,)
    assert found.arrivals == "recorded"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rates": "fast"}, "numbers per second"),
        ({"rates": "0"}, "more than 0"),
        ({"rates": "nan"}, "more than 0"),
        ({"rates": "5,5"}, "given twice"),
        ({"rates": ""}, "numbers per second"),
        ({"rates": "100", "find_rate": True}, "exclude each other"),
        ({"scenario": "server"}, "needs a request rate"),
        ({"scenario": "offline", "rates": "100"}, "omit --scenario offline"),
        ({"scenario": "single-stream", "find_rate": True}, "omit --scenario single-stream"),
        ({"scenario": "offline", "arrivals": "constant"}, "all requests are there at once"),
        ({"workers": 2}, "--workers is for a load test"),
        ({"arrivals": "constant"}, "--arrivals is for a load test"),
        ({"rates": "100", "workers": 0}, "from 1 to 64"),
        ({"rates": "100", "duration": float("inf")}, "86,400 seconds"),
        ({"rates": "0.01,5", "duration": 1.0}, "less than one request"),
        ({"rates": "1000000", "duration": 100.0}, "lower rate or a shorter duration"),
        ({"rates": "100", "arrivals": "no-such-file.txt"}, "There is no file no-such-file.txt"),
    ],
)
def test_invalid_options_get_one_sentence(values: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_load_test({**NOTHING, **values})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.1\nfast\n", "Line 2 of .*fast"),
        ("-1\n", "Line 1"),
        ("", "has no gaps"),
        ("0\n0\n", "are all 0"),
        ("inf", "Line 1"),
    ],
)
def test_a_file_of_gaps_that_is_invalid_names_the_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "gaps.txt").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_gaps(tmp_path / "gaps.txt")


def test_finding_the_highest_rate_needs_a_limit_for_each_model() -> None:
    with pytest.raises(UsageError, match="needs a limit on its response time"):
        make_plan(rates=(), find_rate=True)
    with pytest.raises(UsageError, match=OTHER):
        make_plan(f"{SLUG}: p99 < 5ms", rates=(), find_rate=True)


def test_the_command_measures_the_same_load_again() -> None:
    command = format_command(make_plan(rates=(50.0, 100.0), workers=2, worker_kind="thread", arrivals="constant"))
    assert "--rate 50,100 --workers 2 --worker-kind thread --arrivals constant --duration 10" in (command or "")


# --- offline ----------------------------------------------------------------------------------------------------------


def offline_result(batch_size: int, rows: float) -> OfflineResult:
    slug = f"{SLUG}[batch={batch_size}]"
    return OfflineResult(
        candidate=slug,
        batch_size=batch_size,
        workers=2,
        worker_kind="process",
        rows_per_second=rows,
        low=rows,
        high=rows,
    )


def test_throughput_is_that_of_all_workers_after_the_discarded_begin() -> None:
    plan = msgspec.structs.replace(make_plan(rates=(), offline=True, workers=2), workload=Workload(batch_size=16))
    recorder = LoadRecorder(plan)
    recorder.add(started(plan))
    for _ in range(5):
        times = simulate([0] * 800, [4 * MS] * 800, workers=2)._replace(seconds=1.6)
        recorder.add(window_event(times, rate=0.0, end="backlog"))
    (found,) = recorder.offline()
    assert found.rows_per_second == pytest.approx(2 * 250 * 16)
    assert found.rows_per_second_per_core == pytest.approx(250 * 16)
    assert found.low == pytest.approx(found.high)
    assert recorder.results() == ()
    assert msgspec.json.decode(msgspec.json.encode(found))["rows_per_second"] == found.rows_per_second


def test_the_best_batch_size_is_the_answer() -> None:
    cells = tuple(Candidate(model=BUILTIN_MODELS[0], settings={"batch": size}) for size in (1, 16, 64))
    plan = Plan(candidates=cells, load=LoadTest(offline=True), sweeps=(parse_sweep("batch=1,16,64"),))
    found = (offline_result(1, 900.0), offline_result(16, 41_234.0), offline_result(64, 40_000.0))
    result = msgspec.structs.replace(make_result(), plan=plan, offline=found)
    assert [one.batch_size for _, one in best_batches(result)] == [16]
    assert summarize_offline(result).startswith(
        "Offline, at the best batch size: Logistic Regression 41,200 rows/s (41,200–41,200) at 16 rows per call"
    )
    measured = tuple(msgspec.structs.replace(result.candidates[0], slug=one.candidate) for one in found)
    result = msgspec.structs.replace(result, candidates=measured)
    rows = [(row.cells["model"], row.cells["rows per call"]) for row in offline_rows(result)]
    assert rows == [("Logistic Regression", size) for size in ("1", "16", "64")]


def test_the_scenario_offline_sweeps_batch_sizes_unless_one_is_given() -> None:
    offline = LoadTest(offline=True)
    values = {"sweeps": (), "mix": None, "batch_size": 1}
    assert sweep_texts(values, offline, CANDIDATES) == ("batch=1,4,16,64,256",)
    assert sweep_texts({**values, "batch_size": 8}, offline, CANDIDATES) == ()
    assert sweep_texts({**values, "sweeps": ("threads=1,2",)}, offline, CANDIDATES) == ("threads=1,2",)
    assert sweep_texts(values, None, CANDIDATES) == ()


# --- saved results and checks -----------------------------------------------------------------------------------------


def test_a_continued_result_keeps_its_load_test_and_measures_only_calls() -> None:
    plan = make_plan("p99 < 20ms")
    recording = Recorder(plan)
    for times in measure_windows(plan, 2 * MS)[1]:
        recording.add(window_event(times))
    saved = recording.result()
    resumed = resume(saved)
    assert resumed.result().load == saved.load
    following = plan_to_continue(resumed.plan, MeasurementAmount(runs=10), [SLUG, OTHER])
    assert following.load is None
    assert following.limits == (), "a limit on responses is not one on calls"


def test_a_recording_is_restored_with_its_load_test_from_the_journal() -> None:
    plan = make_plan()
    entries: list[Entry] = []

    class Notes:
        def write(self, entry: Entry) -> None:
            entries.append(entry)

    recording = Recorder(plan)
    recording.write_to(Notes())
    recording.add(started(plan))
    for times in measure_windows(plan, 2 * MS)[1]:
        recording.add(window_event(times))
    assert restore(None, unpack([pack(entries)])).result().load == recording.result().load


def test_a_check_judges_the_worst_rate() -> None:
    result = result_with(
        make_plan("p99 < 5ms"),
        load_result("logistic-regression", 0.001, rate=100, verdict="pass"),
        load_result("logistic-regression", 0.006, rate=200, verdict="fail"),
        load_result("random-forest", 0.004, rate=100, verdict="pass"),
        load_result("random-forest", 0.0049, rate=200, verdict="inconclusive"),
    )
    found = {one.candidate: one for one in all_limit_verdicts(msgspec.structs.replace(result, limits=()))}
    assert found["logistic-regression"].verdict == "fail"
    assert found["logistic-regression"].value == 0.006
    assert found["random-forest"].verdict == "inconclusive"


def test_a_failed_limit_of_an_overloaded_model_says_so() -> None:
    result = result_with(make_plan("p99 < 5ms"), load_result("random-forest", None, verdict="fail"))
    (found,) = all_limit_verdicts(msgspec.structs.replace(result, limits=()))
    assert describe_verdict("Random Forest", found) == "Random Forest fails p99 < 5ms: overloaded."


@pytest.mark.parametrize(("options", "words"), [(["--find-rate"], "use --rate"), (["--scenario", "offline"], "run")])
def test_a_check_refuses_what_it_cannot_judge(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", *options, "--limit", "p99 < 5ms"])
    assert ended.value.code == UsageError.exit_code
    assert words in capsys.readouterr().err


def test_what_failed_under_load_is_measured_again_under_load() -> None:
    plan = make_plan("p99 < 5ms")
    verdict = LimitVerdict(limit="p99 < 5ms", candidate=SLUG, metric="p99", bound=0.005, verdict="fail")
    assert plan_to_confirm(plan, [verdict], ()).load == plan.load
    memory = msgspec.structs.replace(plan, cold_start=True, limits=(*plan.limits, parse_limit("memory < 1MB")))
    verdict = msgspec.structs.replace(verdict, limit="memory < 1MB", metric="memory")
    assert plan_to_confirm(memory, [verdict], ()).load is None


def test_the_progress_line_counts_windows() -> None:
    plan, stream = make_plan(), io.StringIO()
    event = msgspec.structs.replace(started(plan), windows=20, seconds=12.0)
    with Progress(plan, stream, clock=itertools.count().__next__, shown=True) as progress:
        progress.update(event)
        window = measure_windows(plan, 2 * MS, count=1)[1][0]
        progress.update(window_event(window, windows_left=15, seconds_left=9.0))
    assert "window 5 of 20  9 s left" in stream.getvalue()
