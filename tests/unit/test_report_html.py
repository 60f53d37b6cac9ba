"""The HTML page and the SVG chart: complete, offline, safe against hostile names; and the command that they show."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from latency_tui.cli import cli, options
from latency_tui.errors import NothingToExportError
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, Workload
from latency_tui.plan.datasets import BundledDataset, FileDataset, StoredDataset, SyntheticDataset
from latency_tui.plan.limits import parse_limit
from latency_tui.report import render
from latency_tui.report.command import format_command
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import Result
from tests.unit.fake_result import make_evil_result, make_result, make_statistics
from tests.unit.measured_candidates import lognormal, measured

HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\" ' ]]> &amp; \x1b[31m \ufffe"
VOID = {"meta"}


class Page(HTMLParser):
    """Collects what a page consists of, and checks that its elements are nested properly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def result() -> Result:
    made = make_result()
    limit = parse_limit("p99 < 5ms")
    many = tuple(
        replace(one, statistics=make_statistics(one.statistics.p50.value or 0, calls=1000)) if one.statistics else one
        for one in made.candidates
    )
    verdict = LimitVerdict(
        limit="p99 < 5ms", candidate="random-forest", metric="p99", bound=5e-3, verdict="fail", value=7e-3
    )
    return replace(made, plan=replace(made.plan, limits=(limit,)), candidates=many, limits=(verdict,))


@pytest.fixture(scope="module")
def page(result: Result) -> Page:
    return Page(render(result, "html"))


def test_the_page_has_answer_figures_limits_noise_environment_and_command(page: Page, result: Result) -> None:
    text = "\n".join(page.texts)
    assert result.answer in text
    for said in (
        *("62.1 µs", "1.15× slower (95 % CI 1.13–1.17)", "ValueError: no such kernel", "p99.9", "fails", "7.00 ms"),
        *(
            "Other work took 8 % of the time; measure again.",
            "A CPU",
            "1.9.0",
            "Small Neural Network was not measured.",
        ),
        *("Latency", "Models", "Comparison", "Percentiles", "Over the runs", "Limits", "Figures", "Noise"),
    ):
        assert said in text, said
    assert format_command(result.plan) in page.texts


def test_the_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object", "image", "use", "a"} & set(page.tags)
    assert not {name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src")}
    everything = " ".join([*page.texts, *(value for _, value in page.attributes)])
    assert not re.search(r"https?:|url\(|@import", everything)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_marks_of_the_charts_have_hover_text(page: Page) -> None:
    hover = "\n".join(page.texts)
    assert "Linear SVM: p50 71.3 µs (95 % CI 70.6–72.7 µs), p99 114 µs" in hover
    assert "Linear SVM: slower, 1.15× slower (95 % CI 1.13–1.17)" in hover
    assert "Linear SVM, p99: 114 µs" in hover


@pytest.mark.parametrize("form", ["html", "svg"])
def test_hostile_names_stay_text_in_pictures_and_pages(form: str) -> None:
    made = make_evil_result()
    candidates = tuple(
        replace(one, name=HOSTILE, colour='red;background:url("http://x")"><script>', error=HOSTILE)
        for one in made.candidates
    )
    hostile = replace(made, candidates=candidates, answer=HOSTILE)
    text = render(hostile, form)  # type: ignore[arg-type]  # parametrised
    assert "<script" not in text
    assert "<img" not in text
    assert "\x1b" not in text
    assert "\ufffe" not in text
    if form == "svg":
        ElementTree.fromstring(text)
    else:
        parsed = Page(text)
        assert "http://x" not in " ".join(value for _, value in parsed.attributes)
        assert any("<script>alert(1)</script>" in part for part in parsed.texts)


def test_the_picture_is_well_formed_and_has_a_bar_per_measured_model(result: Result) -> None:
    root = ElementTree.fromstring(render(result, "svg"))
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert {"Logistic Regression", "Linear SVM", "Random Forest", "62.1 µs", "4.54 ms", "p99 < 5ms"} <= set(texts)
    assert "RBF SVM" not in texts
    bars = [one for one in root.iter(f"{space}rect") if one.get("class") == "fill"]
    widths = [float(str(bar.get("width")).rstrip("%")) for bar in bars]
    assert widths == sorted(widths)
    assert len(bars) == 3


def test_a_result_without_figures_is_a_page_but_no_picture() -> None:
    bare = Result(plan=make_result().plan, candidates=make_result().candidates[3:], answer="Nothing was measured.")
    assert "Nothing was measured." in "\n".join(Page(render(bare, "html")).texts)
    assert "Nothing was measured." in "\n".join(Page(render(Result(plan=make_result().plan), "html")).texts)
    with pytest.raises(NothingToExportError):
        render(bare, "svg")


def test_a_page_without_samples_lacks_only_the_runs(result: Result) -> None:
    assert "Over the runs" not in Page(render(result.without_samples(), "html")).texts
    assert "Percentiles" in Page(render(result.without_samples(), "html")).texts


@pytest.mark.slow
def test_the_percentile_curve_has_intervals_bounds_and_a_sentence() -> None:
    few, many = measured(lognormal(60e3, 100)), measured(lognormal(60e3, 60_000), lognormal(180e3, 60_000, 0.5))
    pages = [render(replace(make_result(), candidates=one), "html") for one in (few, many)]
    assert ["≥" in Page(page).texts for page in pages] == [True, False]
    assert [page.count('<polygon class="area"') for page in pages] == [0, 2]
    assert "Too few calls to describe the tail" in pages[0]
    assert "Random Forest has the longest tail: its p99 is" in pages[1]
    assert "99.9 %" in Page(pages[1]).texts


@pytest.mark.parametrize("ratio", [-1.0, 0.0, 1e-300, 1e300, None])
@pytest.mark.parametrize("equivalence", [-1.0, 0.0, 5.0])
def test_a_damaged_result_is_drawn_as_far_as_it_can_be(result: Result, ratio: float | None, equivalence: float) -> None:
    changed = tuple(replace(one, ratio=ratio, low=ratio, high=ratio) for one in result.comparisons)
    damaged = replace(result, comparisons=changed, equivalence=equivalence)
    assert result.answer in Page(render(damaged, "html")).texts


def test_a_card_shows_the_versions_that_differ_between_environments(result: Result) -> None:
    both = [{"Python": "3.12.1", "numpy": "2.1"}, {"Python": "3.11.7", "numpy": "2.1"}]
    candidates = tuple(replace(one, versions=two) for one, two in zip(result.candidates, both, strict=False))
    texts = Page(render(replace(result, candidates=(*candidates, *result.candidates[2:])), "html")).texts
    assert {"Python 3.12.1", "Python 3.11.7"} <= set(texts)


# --- the command ----------------------------------------------------------------------------------------------------

LOGISTIC, FOREST = (Candidate(model=model) for model in BUILTIN_MODELS[:2])
TUNED = Candidate(model=FOREST.model, settings={"n_jobs": 1})


@pytest.mark.parametrize(
    ("plan", "arguments"),
    [
        (Plan(candidates=(LOGISTIC,)), "-m logistic-regression -n 100"),
        (
            Plan(
                candidates=(FOREST, TUNED), runs=None, seconds=2.5, launches=5, control=True, baseline="random-forest"
            ),
            "-m random-forest -m 'random-forest[n_jobs=1]' -t 2.5 --launches 5 --control --baseline random-forest",
        ),
        (
            Plan(candidates=(LOGISTIC, FOREST), runs=None, until_known=True, max_seconds=20.0, cold_start=True, seed=3),
            "-m logistic-regression -m random-forest --until-known --max-time 20 --cold-start --seed 3",
        ),
        (
            Plan(candidates=(LOGISTIC,), limits=(parse_limit("p99 < 5ms"),), threads=2, pinning=(0, 2)),
            "-m logistic-regression -n 100 --threads 2 --cpu 0,2 --limit 'p99 < 5ms'",
        ),
        (
            Plan(candidates=(LOGISTIC,), workload=Workload(dataset=BundledDataset(name="iris"), method="transform")),
            "-m logistic-regression --data iris --method transform -n 100",
        ),
        (
            Plan(
                candidates=(LOGISTIC,),
                workload=Workload(dataset=SyntheticDataset(samples=50, sparse=True), batch_size=8),
                equivalence=0.02,
            ),
            "-m logistic-regression --samples 50 --sparse -b 8 -n 100 --equivalence 0.02",
        ),
        (
            Plan(
                candidates=(Candidate(model=ModelSpec(name="mine", file="my models/a.onnx")),),
                workload=Workload(dataset=FileDataset(path="d.csv", target="the y"), shapes={"x": (1, 3), "": (2,)}),
            ),
            "-m 'my models/a.onnx' --data d.csv --target 'the y' --shape x=1x3 --shape 2 -n 100",
        ),
        (
            Plan(candidates=(Candidate(model=ModelSpec(name="mine", factory="package.module:name")),)),
            "-m package.module:name -n 100",
        ),
    ],
)
def test_the_command_of_a_plan_is_what_a_user_would_type(plan: Plan, arguments: str) -> None:
    assert format_command(plan) == f"latency-tui run {arguments}"


def test_the_command_measures_the_same_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    plans: list[Plan] = []

    def measure(plan: Plan, **_: object) -> int:
        plans.append(plan)
        return 0

    monkeypatch.setattr("latency_tui.cli.headless.measure_and_report", measure)
    wanted = Plan(
        candidates=(FOREST, TUNED),
        workload=Workload(dataset=SyntheticDataset(samples=60, features=5), batch_size=4, method="predict_proba"),
        runs=50,
        launches=2,
        control=True,
        limits=(replace(parse_limit("p99 < 5ms"), candidate="random-forest[n_jobs=1]"),),
        training_timeout=options.TRAINING_SECONDS,
    )
    command = format_command(wanted)
    assert command is not None
    done = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    assert plans == [wanted]


def test_a_plan_of_python_objects_has_no_command() -> None:
    stored = Workload(dataset=StoredDataset(path="x", rows=1, features=1))
    assert format_command(Plan(candidates=(LOGISTIC,), workload=stored)) is None
    handed = Candidate(model=ModelSpec(name="m", file="x.pickle", is_temporary_pickle=True))
    assert format_command(Plan(candidates=(handed,))) is None
