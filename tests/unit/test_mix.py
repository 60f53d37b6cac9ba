"""Request mixes: how they are written, in which order they are called, and what a result says about their classes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latency_tui.analysis.journal import Begun, Entry
from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import restore, resume
from latency_tui.catalog.mix_files import read_mix
from latency_tui.engine.data.request_sequence import request_sequence
from latency_tui.engine.protocol import Event, MeasurementStarted, RoundFinished
from latency_tui.engine.server.schedule import schedule
from latency_tui.errors import UsageError
from latency_tui.history import result_codec
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan, Workload
from latency_tui.plan.limits import parse_limit
from latency_tui.plan.mix import Mix, cycle_length, default_runs, format_mix, mix_of, parse_mix, request_classes
from latency_tui.plan.sweep import expand, parse_sweep
from latency_tui.report.command import format_command
from latency_tui.report.formats import Format, render
from latency_tui.report.parquet import call_columns
from latency_tui.report.table import render_table
from latency_tui.result.result import Result, decode
from latency_tui.tui.widgets.compare_columns import columns_of
from tests.unit.fake_latencies import block

ONE, OTHER = (Candidate(model=model) for model in BUILTIN_MODELS[:2])
MIX = parse_mix("0.8:1,0.2:64")
NANO = 1e-9


def plan_of(mix: Mix = MIX, **fields: object) -> Plan:
    return Plan(candidates=(ONE, OTHER), workload=Workload(mix=mix), **({"runs": 1000} | fields))  # type: ignore[arg-type] # as the fields are


Costs = Sequence[tuple[float, float]]
"""Microseconds per call and per row of each candidate."""
COSTS: Costs = ((100, 1), (100, 5), (100, 1))


def launch_of(
    plan: Plan, costs: Costs = COSTS, *, rounds: int = 40, calls: int = 25, launch: int = 0
) -> Iterator[Event]:
    """One launch of candidates that take a fixed time and some time per row, for the calls of the plan's mix."""
    random = np.random.default_rng(launch)
    sizes = np.array([part.batch_size for part in plan.workload.mix])
    sequence = sizes[request_sequence(plan.workload.mix, plan.seed)]
    slugs = [one.slug for one in plan.all_candidates]
    yield MeasurementStarted(
        job="m",
        launch=launch,
        rounds=rounds,
        calls=dict.fromkeys(slugs, rounds * calls),
        seconds=1.0,
        timer_floor_ns=50.0,
    )
    for number in range(rounds):
        called = sequence[np.arange(number * calls, (number + 1) * calls) % sequence.size]
        for slug, (fixed, per_row) in zip(slugs, costs, strict=False):
            took = 1e3 * (fixed + per_row * called) * np.exp(random.normal(0, 0.01, calls))
            event = block(slug, took.astype(np.int64), round_=number, launch=launch)
            mixed = msgspec.structs.replace(event.block, batch_sizes=called.astype("<i4").tobytes())
            yield msgspec.structs.replace(event, block=mixed)
        yield RoundFinished(job="m", launch=launch, round=number, rounds=rounds, seconds_left=0.0)


def recorded(events: Iterable[Event], plan: Plan | None = None) -> Recorder:
    recorder = Recorder(plan or plan_of())
    for event in events:
        recorder.add(event)
    return recorder


@pytest.fixture(scope="module")
def result() -> Result:
    return recorded(launch_of(plan_of())).result()


# --- how it is written


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("0.8:1,0.2:64", {1: 0.8, 64: 0.2}),
        (" 20% : 64 , 80 %:1 ", {1: 0.8, 64: 0.2}),
        ("4:1,1:64", {1: 0.8, 64: 0.2}),
        (".5:1,.5:1_000", {1: 0.5, 1000: 0.5}),
    ],
)
def test_a_mix_is_written_as_shares_of_batch_sizes(text: str, shares: dict[int, float]) -> None:
    assert {part.batch_size: part.share for part in parse_mix(text)} == pytest.approx(shares)
    assert parse_mix(format_mix(parse_mix(text))) == parse_mix(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "1", "1:", ":1", "a:b", "0.5:1", "1:64", "0.5:1,0.5:1", "0:1,1:2", "-1:1,2:2", "nan:1,1:2"),
        *("1:0,1:2", "1:1.5,1:2", "1:-1,1:2", "1:1000001,1:2", "1e9:1,1:2", "0.000000001:1,1:2", "1:1;1:2", "1:１,1:2"),
        *("1:1,1:2," * 5, "inf:1,1:2", "." + ":1,1:2", "1" * 400 + ":1,1:2", "1:" + "9" * 400, "\0", "x" * 5000),
        ",".join(f"1:{size}" for size in range(1, 1003)),
        "1:1000000,1:999999,1:999998",
    ],
)
def test_an_invalid_mix_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_mix(text)
    assert len(str(refused.value)) < 300
    assert str(refused.value).endswith(".")


def test_a_batch_size_and_a_mix_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        Workload(batch_size=8, mix=MIX)


def test_a_sweep_and_a_mix_exclude_each_other() -> None:
    sweep = parse_sweep("batch=1,2")
    with pytest.raises(UsageError, match="A mix does not combine with a sweep; remove --sweep"):
        Plan(candidates=expand((ONE,), (sweep,)), sweeps=(sweep,), workload=Workload(mix=MIX))
    with pytest.raises(UsageError, match="which --mix sets as well; remove one of the two"):
        Plan(candidates=(msgspec.structs.replace(ONE, settings={"batch": 4}),), workload=Workload(mix=MIX))


@pytest.mark.parametrize(("limit", "fits"), [("mean < 1.05x", True), ("p50 < 1.05x", False), ("p50 < 5ms", True)])
def test_a_relative_limit_on_a_mix_is_on_its_mean(limit: str, fits: bool) -> None:
    if fits:
        assert plan_of(limits=(parse_limit(limit),)).limits
    else:
        with pytest.raises(UsageError, match="only the mean of a mix is compared"):
            plan_of(limits=(parse_limit(limit),))


def test_a_file_of_recorded_batch_sizes_is_a_mix(tmp_path: Path) -> None:
    path = tmp_path / "sizes.txt"
    path.write_text("# of last Friday\n" + "1\n" * 6 + "\n  64 \r\n" + "16\n")
    assert {part.batch_size: part.share for part in read_mix(str(path))} == {1: 0.75, 16: 0.125, 64: 0.125}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no batch size"),
        (b"1\n2\nthree\n", ":3: a batch size must be"),
        (b"1\n0\n", ":2: a batch size must be"),
        (b"1\n-4\n", ":2: a batch size must be"),
        (b"1\n1.5\n", ":2: a batch size must be"),
        (b"1\n" + b"9" * 5000, ":2: a batch size must be"),
        (b"7\n7\n", "use a batch size of 7"),
        (b"\xff\xfe1\x00", "not a text file"),
        (b"1\n2\n" * 60_000, "more than 100,000"),
    ],
)
def test_an_invalid_file_of_batch_sizes_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "sizes.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_mix(str(path))


def test_a_missing_file_of_batch_sizes_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        read_mix(str(tmp_path / "absent.txt"))


def test_many_batch_sizes_become_ranges() -> None:
    classes = request_classes(mix_of([*range(1, 101), 1]))
    assert [(one.smallest, one.largest) for one in classes][:3] == [(1, 1), (2, 3), (4, 7)]
    assert classes[-1].largest == 100
    assert sum(one.share for one in classes) == pytest.approx(1)


# --- in which order it is called


@settings(deadline=None)
@given(weights=st.lists(st.integers(1, 50), min_size=2, max_size=6), seed=st.integers(0, 100))
def test_every_part_of_the_sequence_has_the_shares_of_the_mix(weights: list[int], seed: int) -> None:
    mix = parse_mix(",".join(f"{weight}:{size}" for size, weight in enumerate(weights, 1)))
    called = request_sequence(mix, seed)
    for number, part in enumerate(mix):
        assert np.mean(called == number) == pytest.approx(part.share)
        made = np.cumsum(called == number) - part.share * np.arange(1, called.size + 1)
        assert np.abs(made).max() <= len(mix)


def test_the_order_is_random_and_repeats_with_the_seed() -> None:
    first, again, other = (request_sequence(MIX, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert len({tuple(cycle) for cycle in first.reshape(-1, 5)}) == 5


@pytest.mark.parametrize("fields", [{"runs": 500}, {"runs": None, "seconds": 2.0}, {"runs": None, "until_known": True}])
def test_blocks_of_a_mix_are_whole_cycles(fields: dict[str, Any]) -> None:
    cut = schedule(plan_of(**fields), {ONE.slug: 1e-4, OTHER.slug: 9e-3})
    assert {size % 5 for sizes in cut.calls.values() for size in sizes} == {0}


@settings(deadline=None)
@given(runs=st.integers(1, 3000), cost=st.floats(1e-6, 1.0))
def test_a_mix_gets_exactly_its_runs(runs: int, cost: float) -> None:
    cut = schedule(plan_of(runs=runs), {ONE.slug: cost, OTHER.slug: 1e-4})
    assert sum(cut.calls[ONE.slug]) == runs
    assert min(cut.calls[ONE.slug]) >= 1


@settings(deadline=None)
@given(weights=st.lists(st.integers(1, 1000), min_size=2, max_size=20))
def test_the_default_number_of_runs_suffices_for_a_verdict(weights: list[int]) -> None:
    mix = parse_mix(",".join(f"{weight}:{size}" for size, weight in enumerate(weights, 1)))
    cut = schedule(plan_of(mix, runs=default_runs(mix)), {ONE.slug: 1e-4, OTHER.slug: 1e-3})
    assert cut.rounds >= 10
    assert min(cut.calls[ONE.slug]) >= cycle_length(mix)


# --- what a result says


def test_each_class_of_calls_has_its_own_statistics(result: Result) -> None:
    fast, _ = result.candidates
    one, many = fast.classes
    assert [(one.batch_size, one.share, one.calls), (many.batch_size, many.share, many.calls)] == [
        (1, 0.8, 800),
        (64, 0.2, 200),
    ]
    assert one.p50.value == pytest.approx(101e-6, rel=0.01)
    assert many.p50.value == pytest.approx(164e-6, rel=0.01)
    assert many.p50.low is not None
    assert many.p50.low < 164e-6 < (many.p50.high or 0) < 170e-6
    assert many.throughput == pytest.approx(64 / 164e-6, rel=0.01)


def test_the_figures_of_all_calls_are_those_of_the_mix(result: Result) -> None:
    fast, _ = result.candidates
    assert fast.statistics is not None
    assert fast.statistics.p50.value == pytest.approx(101e-6, rel=0.02)
    assert fast.statistics.p95.value == pytest.approx(164e-6, rel=0.02)
    mean = 0.8 * 101e-6 + 0.2 * 164e-6
    assert fast.mix_average == pytest.approx(mean, rel=0.01)
    assert fast.throughput == pytest.approx((0.8 + 0.2 * 64) / mean, rel=0.01)


def test_models_are_compared_by_the_average_call_and_per_class(result: Result) -> None:
    (comparison,) = result.comparisons
    assert comparison.ratio == pytest.approx((0.8 * 105 + 0.2 * 420) / (0.8 * 101 + 0.2 * 164), rel=0.01)
    assert comparison.verdict == "slower"
    ratios = {one.batch_size: one.comparisons[0].ratio for one in result.class_comparisons}
    assert ratios == pytest.approx({1: 105 / 101, 64: 420 / 164}, rel=0.01)
    assert {one.comparisons[0].verdict for one in result.class_comparisons} == {"slower"}


def test_the_fastest_has_the_shortest_average_call() -> None:
    """The first is slower for one row and faster for 64, so that the p50 of all calls would name the other."""
    found = recorded(launch_of(plan_of(), ((80, 5), (100, 0)))).result()
    assert found.measured[0].name == OTHER.name
    assert found.answer.startswith(f"{OTHER.name} is fastest: average call")


def test_too_few_calls_of_a_class_give_no_verdict() -> None:
    plan = plan_of(parse_mix("0.99:1,0.01:64"), runs=100)
    found = recorded(launch_of(plan, rounds=10, calls=10), plan).result()
    assert found.comparisons[0].verdict == "inconclusive"
    assert "too few for a verdict" in found.answer


def test_a_result_of_a_mix_survives_saving_and_continuing() -> None:
    plan = plan_of(control=True)
    saved = recorded(launch_of(plan), plan).result()
    whole = recorded([*launch_of(plan), *launch_of(plan, launch=1)], plan).result()
    for stored in (decode(saved.to_json().encode(), "it"), through_history(saved)):
        again = resume(stored)
        assert again.result().to_json() == saved.to_json()
        for event in launch_of(plan, launch=1):
            again.add(event)
        continued = again.result()
        assert [one.classes for one in continued.candidates] == [one.classes for one in whole.candidates]
        assert continued.class_comparisons == whole.class_comparisons
        assert continued.comparisons == whole.comparisons
        assert continued.noise.control == whole.noise.control


def through_history(result: Result) -> Result:
    content, chunks = result_codec.encode(result)
    parts: dict[int, list[bytes]] = {}
    for index, _, chunk in chunks:
        parts.setdefault(index, []).append(chunk)
    return result_codec.decode(content, lambda index: parts[index])


class Kept:
    """A journal in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, entry: Entry) -> None:
        self.lines.append(msgspec.json.encode(entry))

    @property
    def entries(self) -> list[Entry]:
        return [msgspec.json.decode(line, type=Entry) for line in self.lines]


@pytest.mark.parametrize("max_samples", [10**7, 1000])
def test_a_journal_restores_the_classes_of_calls(max_samples: int) -> None:
    plan, journal = plan_of(), Kept()
    recorder = Recorder(plan, max_samples=max_samples)
    recorder.write_to(journal)
    for event in launch_of(plan):
        recorder.add(event)
    found, again = recorder.result(), restore(None, journal.entries, max_samples=max_samples).result()
    assert isinstance(journal.entries[0], Begun)
    assert again.candidates[0].classes == found.candidates[0].classes
    assert again.class_comparisons == found.class_comparisons
    assert [one.calls for one in again.candidates[0].classes] == [800, 200]
    assert found.candidates[0].classes[1].p50.value == pytest.approx(164e-6, rel=0.02)


def test_blocks_without_batch_sizes_are_not_counted() -> None:
    recorder = recorded(launch_of(plan_of(), rounds=12))
    recorder.add(block(ONE.slug, [100_000] * 25, round_=99))
    assert recorder.result().candidates[0].calls == 300


@pytest.mark.parametrize("change", ["shorter", "foreign"])
def test_batch_sizes_that_do_not_fit_are_refused(result: Result, change: str) -> None:
    first, second = result.candidates
    assert first.batch_sizes is not None
    sizes = first.batch_sizes[:-1] if change == "shorter" else first.batch_sizes + 1
    broken = msgspec.structs.replace(result, candidates=(msgspec.structs.replace(first, batch_sizes=sizes), second))
    with pytest.raises(UsageError, match="batch sizes do not match"):
        resume(broken)


def test_a_class_without_calls_is_left_out_of_the_answer() -> None:
    plan = Plan(candidates=(ONE,), workload=Workload(mix=parse_mix("0.999:1,0.001:64")), runs=100)
    answer = recorded(launch_of(plan, rounds=10, calls=10), plan).result().answer
    assert answer.startswith(f"{ONE.name}: average call 101 µs; p50 101 µs for 1 row.")


def test_an_average_that_lacks_a_class_is_unknown() -> None:
    plan = Plan(candidates=(ONE,), workload=Workload(mix=parse_mix("0.8:1,0.2:64")), runs=1)
    start = block(ONE.slug, [100_000])
    only = msgspec.structs.replace(start.block, batch_sizes=np.array([1], dtype="<i4").tobytes())
    found = recorded([msgspec.structs.replace(start, block=only)], plan).result()
    assert found.candidates[0].mix_average is None
    assert "average call unknown" in found.answer


# --- how it is shown


@pytest.mark.parametrize("width", [None, 140, 80, 40])
def test_the_table_shows_each_class(result: Result, width: int | None) -> None:
    shown = render_table(result, width=width)
    assert "mix of 80 % 1 row, 20 % 64 rows" in " ".join(shown.split())
    assert shown.count("64 rows") >= 3
    assert "average call" in shown


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_documents_show_each_class(result: Result, form: Format) -> None:
    assert render(result, form).count("64 rows") >= 3


def test_csv_has_the_average_call_and_the_classes(result: Result) -> None:
    rows = list(csv.DictReader(io.StringIO(render(result, "csv"))))
    assert float(rows[0]["mix_average"]) == result.candidates[0].mix_average
    mine = [row for row in rows if row["kind"] == "class" and row["slug"] == result.candidates[0].slug]
    assert [row["batch_size"] for row in mine] == ["1", "64"]
    assert [float(row["p50"]) for row in mine] == [one.p50.value for one in result.candidates[0].classes]


def test_the_calls_of_a_result_have_their_batch_sizes(result: Result) -> None:
    columns = call_columns(result, "parquet")
    assert np.bincount(columns["batch_size"])[[1, 64]].tolist() == [1600, 400]


def test_the_command_measures_the_same_mix_again(result: Result) -> None:
    assert "--mix 0.8:1,0.2:64" in (format_command(result.plan) or "")


def test_the_app_shows_each_class_in_columns_of_compare(result: Result) -> None:
    columns = {column.heading: column for column in columns_of(result, [*result.candidates])}
    assert [*columns][:6] == ["p50", "average call", "1 row", "1 row vs baseline", "64 rows", "64 rows vs baseline"]
    assert columns["64 rows vs baseline"].texts[OTHER.slug].startswith("2.5")
    assert columns["64 rows"].texts[ONE.slug].startswith("164")
