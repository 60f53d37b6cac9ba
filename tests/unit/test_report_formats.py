"""Reports are read back by what will read them: a JSON and a CSV parser, a Markdown table, a pair of eyes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from latency_tui.errors import UsageError
from latency_tui.history.result_codec import decode, encode
from latency_tui.report import FORMATS, format_of, pieces, render, write
from latency_tui.report.table_cells import comparison_with, make_notes, make_rows
from latency_tui.result.atomic_files import check_writable, write_content
from latency_tui.result.result import ColdStart, Result, load
from latency_tui.text.sanitize import cell_width, clean, shorten
from tests.unit.fake_result import EVIL_ERROR, EVIL_NAME, make_evil_result, make_result, make_statistics

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


def read_markdown(text: str) -> list[dict[str, str]]:
    """Read the one table in a Markdown text as GitHub does: cells end at bars that no backslash stands before."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    header, rule, *body = rows
    assert all(re.fullmatch(r":?-+:?", cell) for cell in rule)
    assert {len(row) for row in rows} == {len(header)}
    return [dict(zip(header, (re.sub(r"\\(.)", r"\1", cell) for cell in row), strict=True)) for row in body]


# --- table ----------------------------------------------------------------------------------------------------------


def test_table_puts_the_fastest_first_and_failures_last() -> None:
    lines = render(make_result()).splitlines()
    names = ["Logistic Regression", "Linear SVM", "Random Forest", "RBF SVM", "Small Neural Network"]
    rows = [next(i for i, line in enumerate(lines) if line.startswith(f"{name} ")) for name in names]
    assert rows == sorted(rows)


def test_one_that_failed_on_the_way_wins_nothing() -> None:
    made = make_result()
    first = made.measured[0]
    candidates = tuple(
        replace(c, status="failed", error="it crashed") if c.slug == first.slug else c for c in made.candidates
    )
    result = replace(made, candidates=candidates)
    rows = make_rows(result)
    place = next(index for index, row in enumerate(rows) if row.candidate.slug == first.slug)
    assert place == len(result.measured) - 1, "after those that were measured, before those without a figure"
    assert rows[place].verdict == rows[place].cells["verdict"] == "failed"
    assert rows[place].cells["p50"] == make_rows(made)[0].cells["p50"]
    assert "baseline" not in rows[place].cells.values()


def test_table_says_interval_ratio_verdict_and_bound() -> None:
    (line,) = (line for line in render(make_result()).splitlines() if line.startswith("Linear SVM"))
    assert re.split(r" {2,}", line) == [
        *("Linear SVM", "71.3 µs", "70.6–72.7 µs", "1.15× (1.13–1.17)", "slower"),
        *("73.4 µs", "14.3 µs", "64.2 µs", "214 µs", "≥ 103 µs", "100", "12.3 ms", "0.876"),
    ]


def test_a_narrow_table_keeps_long_names_apart() -> None:
    result = make_result()
    name = "card fraud detector with calibration and isotonic regression"
    renamed = tuple(replace(one, name=f"{name} {number}") for number, one in enumerate(result.candidates))
    lines = render(replace(result, candidates=renamed), width=80).splitlines()
    shown = {line[:26].rstrip() for line in lines if line.startswith("card fraud")}
    assert shown == {f"card fraud de…regression {number}" for number in range(len(renamed))}


def test_table_ends_with_answer_failures_and_noise() -> None:
    text = render(make_result())
    answer, below = text.split("Logistic Regression is fastest")[1].split("\n\n")
    assert "1.15× faster than Linear SVM (95 % CI 1.13–1.17)." in answer
    assert below.splitlines() == [
        "tails   The tails are not shown to differ: each p90 is 1.20× its p50. A p99 needs 662 calls per model.",
        "failed  RBF SVM: ValueError: no such kernel",
        "note    Small Neural Network was not measured.",
        "noise   Other work took 8 % of the time; measure again.",
        "note    ≥ marks a lower bound: a p99 interval needs 662 calls.",
    ]


def test_reports_compare_p99_and_show_the_measured_cold_start() -> None:
    result = make_result()
    assert not {"p99 vs baseline", "import", "memory"} & set(read_markdown(render(result, "markdown"))[0])
    start = ColdStart(
        import_seconds=0.7, load_seconds=0.012, first_calls=(3e-4,), memory_before=20 << 20, memory_after=90 << 20,
        memory_peak=95 << 20,
    )  # fmt: skip
    started = replace(result.candidates[2], cold_start=start, after_switch_seconds=1e-4)
    with_tails = tuple(
        replace(c, p99_ratio=1.31, p99_p_value=0.0234) if c.candidate == "linear-svm" else c for c in result.comparisons
    )
    result = replace(
        result, candidates=(*result.candidates[:2], started, *result.candidates[3:]), comparisons=with_tails
    )
    bounded = {row["model"]: row for row in read_markdown(render(result, "markdown"))}
    assert "p99 vs baseline" not in bounded["Linear SVM"]  # beside two lower bounds it would seem to contradict them
    many = tuple(
        replace(c, statistics=make_statistics(c.statistics.p50.value or 0, calls=1000)) if c.statistics else c
        for c in result.candidates
    )
    result = replace(result, candidates=many)
    rows = {row["model"]: row for row in read_markdown(render(result, "markdown"))}
    assert rows["Linear SVM"]["p99 vs baseline"] == "1.31× (p 0.023)"
    assert rows["Logistic Regression"]["p99 vs baseline"] == "baseline"
    said = [rows["Linear SVM"][name] for name in ("first call", "import", "load", "memory")]
    assert said == ["1.43 ms", "700 ms", "12.0 ms", "95 MiB"]
    assert rows["Random Forest"]["import"] == "–"
    svm = read_csv(render(result, "csv"))[2]
    figures = ("p99_ratio", "p99_p_value", "after_switch_seconds", "import_seconds", "load_seconds", "memory_peak")
    assert [float(svm[name]) for name in figures] == [1.31, 0.0234, 1e-4, 0.7, 0.012, 95 << 20]


def test_a_number_of_numpy_in_a_result_is_written_as_a_number() -> None:
    made = make_result()
    first = replace(made.candidates[0], score=np.float64(0.5), calls=np.int64(100))
    result = replace(made, candidates=(first, *made.candidates[1:]))
    assert json.loads(render(result, "json"))["candidates"][0]["score"] == 0.5
    content, _ = encode(result)
    assert decode(content, None).candidates[0].calls == 100


def test_table_says_what_a_median_without_an_interval_lacks() -> None:
    result = make_result()
    fastest = result.candidates[0]
    assert fastest.statistics is not None
    p50 = replace(fastest.statistics.p50, low=None, high=None, calls_needed=1560)
    statistics = replace(fastest.statistics, p50=p50)
    candidates = (replace(fastest, statistics=statistics), *result.candidates[1:])
    text = render(replace(result, candidates=candidates))
    assert f"note    No interval for the p50 of {fastest.name}: it needs about 1,560 calls.\n" in text


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_table_keeps_to_the_width_and_cuts_no_figure(width: int) -> None:
    text = render(make_result(), width=width)
    assert max(cell_width(line) for line in text.splitlines()) <= width
    for figure in ("62.1 µs", "61.5–63.3 µs", "1.15× (1.13–1.17)", "≥ 89.4 µs", "0.876"):
        assert figure in text


@pytest.mark.parametrize("width", [1, 10, 20])
def test_table_survives_any_width(width: int) -> None:
    assert "62.1 µs" in render(make_result(), width=width)


def test_table_is_coloured_only_when_asked() -> None:
    assert "\x1b" not in render(make_result(), width=80)
    coloured = render(make_result(), width=80, colour=True)
    assert "\x1b[31mslower" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(make_result(), width=80)


def test_table_of_nothing_measured_says_so() -> None:
    bare = Result(plan=make_result().plan, answer="Nothing was measured.")
    assert "Nothing was measured." in render(bare, width=80)
    assert "Nothing was measured." in render(bare, "markdown")
    assert read_csv(render(bare, "csv")) == []


# --- Markdown -------------------------------------------------------------------------------------------------------


def test_markdown_table_reads_back() -> None:
    text = render(make_result(), "markdown")
    rows = read_markdown(text)
    assert [row["model"] for row in rows][:3] == ["Logistic Regression", "Linear SVM", "Random Forest"]
    assert rows[1]["verdict"] == "slower"
    assert rows[0]["p50"] == "62.1 µs"
    assert text.startswith("**Logistic Regression is fastest")


# --- CSV and JSON ---------------------------------------------------------------------------------------------------


def test_csv_has_a_row_a_candidate_in_seconds() -> None:
    rows = read_csv(render(make_result(), "csv"))
    assert [row["slug"] for row in rows] == [c.slug for c in make_result().candidates]
    linear = rows[2]
    assert float(linear["p50"]) == 71.3e-6
    assert float(linear["p50_low"]) < 71.3e-6 < float(linear["p50_high"])
    assert linear["p99_high"] == ""
    assert int(linear["p99_calls_needed"]) == 662
    assert float(linear["ratio"]) == 1.148
    assert linear["verdict"] == "slower"
    assert rows[3]["status"] == "failed"
    assert rows[3]["p50"] == ""


def test_json_reads_back_as_the_same_result(tmp_path: Path) -> None:
    write(make_result(), tmp_path / "result.json")
    again = load(tmp_path / "result.json")
    assert again.plan == make_result().plan
    assert again.comparisons == make_result().comparisons
    document = json.loads(render(make_result(), "json", samples=False))
    assert all(candidate["samples"] is None for candidate in document["candidates"])


def test_json_of_many_samples_is_never_one_text_and_has_them_in_one_line() -> None:
    result = make_result()
    latencies = np.arange(1, 250_001) / 1e9
    rounds = tuple(range(0, 250_000, 5))
    first, *rest = result.candidates
    many = replace(first, samples=latencies, rounds=rounds, calls=250_000)
    result = replace(result, candidates=(many, *rest))
    parts = list(pieces(result, "json"))
    text = "".join(parts)
    assert max(map(len, parts)) < len(text) / 2
    (candidate, *_) = json.loads(text)["candidates"]
    assert candidate["samples"] == latencies.tolist()
    assert candidate["rounds"] == list(rounds)
    assert text.count("\n") < 2_000


# --- what came from outside -----------------------------------------------------------------------------------------


TEXTS = [form for form, traits in FORMATS.items() if not traits.is_binary]


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("width", [None, 80])
def test_no_format_passes_on_what_a_terminal_obeys(form: str, width: int | None) -> None:
    text = render(make_evil_result(), form, width=width)  # type: ignore[arg-type]  # parametrised
    assert not CONTROLS.search(text)


def test_names_do_not_break_out_of_markdown() -> None:
    text = render(make_evil_result(), "markdown")
    rows = read_markdown(text)
    assert [row["model"] for row in rows] == [clean(EVIL_NAME), "@SUM(1+1)"]
    assert not re.search(r"(?<!\\)<", text)
    assert not re.search(r"(?<!\\)`", text)


def test_names_are_no_formulas_in_a_spreadsheet() -> None:
    rows = read_csv(render(make_evil_result(), "csv"))
    assert len(rows) == 2
    assert [row["name"][0] for row in rows] == ["'", "'"]
    assert rows[0]["name"][1:] == clean(EVIL_NAME)
    assert rows[1]["error"] == clean(EVIL_ERROR)


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07name", "name"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGk=\x07", ""),
        ("\x9b31mred", "red"),
        ("\x1bc reset", "reset"),
        ("one\r\n\ttwo", "one two"),
        ("beep\x07 back\x08", "beep back"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("Modèle 模型 🌲", "Modèle 模型 🌲"),
    ],
)
def test_clean(dirty: str, cleaned: str) -> None:
    assert clean(dirty) == cleaned


def test_wide_characters_count_as_two() -> None:
    assert cell_width("模型") == 4
    assert cell_width("e\u0301") == 1
    assert shorten("模型模型", 5) == "模型…"
    assert shorten("short", 5) == "short"


def test_shared_letters_are_explained() -> None:
    result = make_result()
    grouped = tuple(replace(c, group="a") if c.status == "measured" else c for c in result.candidates)
    assert "share a group letter" in render(replace(result, candidates=grouped))
    assert "share a group letter" not in render(result)


def test_a_control_that_came_out_equal_is_reported_too() -> None:
    made = make_result()
    control = replace(made.comparisons[0], ratio=1.0021, low=0.9962, high=1.0083)
    quiet = replace(made, noise=replace(made.noise, control=control))
    assert "The control measured 1.002× of its original (95 % CI 0.996–1.008)." in render(quiet)
    assert "The control measured" not in render(made)


def test_what_would_settle_it_is_said_once() -> None:
    result = make_result()
    open_ones = tuple(
        replace(c, verdict="inconclusive", seconds_to_decide=74.0, runs_to_decide=9340) for c in result.comparisons
    )
    said = replace(result, comparisons=open_ones)
    assert "About 9,400 more runs (74 s) should decide the inconclusive comparisons." in render(said)
    for what in ("it", "the rest"):
        sentence = f"Equally fast; about 9,400 more runs (74 s) should decide {what}."
        assert render(replace(said, answer=sentence)).count("should decide") == 1


# --- comparisons ----------------------------------------------------------------------------------------------------


def test_a_comparison_kept_the_other_way_round_is_turned() -> None:
    result = make_result()
    turned = comparison_with(result, "linear-svm", "logistic-regression")
    assert turned is not None
    assert turned.ratio == pytest.approx(1 / 1.148)
    assert turned.verdict == "faster"
    assert turned.low is not None
    assert turned.high is not None
    assert turned.low < 1 / 1.148 < turned.high


def test_the_plans_baseline_is_the_one_compared_with() -> None:
    result = make_result()
    plan = replace(result.plan, baseline="linear-svm")
    rows = read_markdown(render(replace(result, plan=plan), "markdown"))
    versus = {row["model"]: row["vs baseline (95 % CI)"] for row in rows}
    assert versus["Linear SVM"] == "baseline"
    assert versus["Logistic Regression"] == "0.87× (0.85–0.89)"


def test_without_an_interval_nothing_is_called_slower() -> None:
    result = make_result()
    bare = tuple(replace(c, low=None, high=None, verdict="inconclusive") for c in result.comparisons)
    rows = read_markdown(render(replace(result, comparisons=bare), "markdown"))
    assert rows[1]["vs baseline (95 % CI)"] == "1.15×"


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("a.json", "json"), ("a.CSV", "csv"), ("a.md", "markdown"), ("a.txt", "table"), ("a.xml", "junit")),
        *(
            ("a.pyperf.json", "pyperf"),
            ("a.hyperfine.JSON", "hyperfine"),
            ("pyperf.json", "json"),
            ("a.parquet", "parquet"),
        ),
    ],
)
def test_the_suffix_chooses_the_format(name: str, form: str) -> None:
    assert format_of(name) == form


def test_an_unknown_suffix_is_refused_with_those_known() -> None:
    with pytest.raises(UsageError, match=r"\.json, \.csv, \.parquet, \.md"):
        format_of("result.xlsx")


def test_a_file_is_written_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    check_writable(link)
    assert target.read_text() == "old"
    write_content(link, [b"new"])
    assert target.read_text() == "new"
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "result.txt"]


def test_a_new_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_content(tmp_path / "new.txt", [b"text"])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o644


def failing_halfway() -> Iterator[bytes]:
    yield b"half"
    raise UsageError("the rest cannot be written")


def test_a_failing_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(UsageError):
        write_content(target, failing_halfway())
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]


def test_a_device_is_written_to_and_not_replaced() -> None:
    check_writable(Path(os.devnull))
    write_content(Path(os.devnull), [b"text"])
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("place", ["missing/result.json", "folder", "a\0b"])
def test_places_that_cannot_be_written_are_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="Cannot write"):
        check_writable(tmp_path / place)


def test_a_note_that_models_share_is_written_once() -> None:
    first, second, *others = make_result().candidates
    shared, own = "columns were standardised", "slow to start"
    two = [replace(first, notes=(shared, own)), replace(second, notes=(shared, shared))]
    some = replace(make_result(), candidates=(*two, *others))
    assert [text for kind, text in make_notes(some) if shared in text or own in text] == [
        f"{first.name}, {second.name}: {shared}",
        f"{first.name}: {own}",
    ]
    assert ("note", f"all models: {shared}") in make_notes(replace(some, candidates=tuple(two)))
    assert ("note", f"{second.name}: {shared}") in make_notes(replace(some, candidates=(two[1],)))
