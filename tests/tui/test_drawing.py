"""Layout, axes and lines: pure functions, and what may never happen to them."""

from __future__ import annotations

import itertools
import random

import msgspec
import numpy as np
import pytest
from rich.cells import cell_len
from textual.color import Color
from textual.theme import BUILTIN_THEMES
from textual_plotext.plot import Plot

from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec
from latency_tui.plan.colors import PALETTE, assign_colours
from latency_tui.text.scales import bar_scale, extended, line_scale, span_scale, tick_labels, ticks
from latency_tui.text.short_names import short_names, split_settings
from latency_tui.tui.bindings import bindings, key_table
from latency_tui.tui.charts.interval_plot import RatioScale
from latency_tui.tui.charts.line_chart import reduce
from latency_tui.tui.charts.plotext_private import draw, set_size
from latency_tui.tui.charts.ticks import Tick, duration_axis, fits, minor_columns, run_axis, separate_rows
from latency_tui.tui.commands import COMMANDS
from latency_tui.tui.layout import CHART_HEIGHT, CHART_WIDTH, divide
from latency_tui.tui.plan_options import whole_number
from latency_tui.tui.styles import candidate_styles, contrast, shapes
from latency_tui.tui.text import fit, sanitize_line, wrap
from latency_tui.tui.widgets.answer_line import in_lines


@pytest.mark.parametrize("candidates", [1, 6, 13])
def test_every_size_is_divided_without_a_chart_that_is_too_small(candidates: int) -> None:
    for width, height in itertools.product(range(1, 200, 3), range(1, 70)):
        layout = divide(width, height, candidates, answer=1 + (width < 100))
        assert layout.summary >= 0
        assert layout.height >= 0
        wide = {"side": layout.width // 2, "stacked": layout.width, "one": layout.width}.get(layout.charts, CHART_WIDTH)
        high = {"side": 1, "stacked": 2, "one": 1}.get(layout.charts, 1)
        assert wide >= CHART_WIDTH
        assert layout.charts == "none" or layout.height // high >= CHART_HEIGHT


def test_cards_at_140_by_45_and_a_table_at_80_by_24() -> None:
    assert divide(140, 45, 6).cards == 3
    assert divide(120, 40, 6).cards == 2
    assert divide(80, 24, 6).cards == 0
    assert divide(80, 24, 6).charts == "side"
    assert divide(100, 30, 6).mode == "wide"
    assert divide(59, 24, 6).mode == "tiny"


def row_of(ticks: list[Tick], width: int, before: int = 0) -> str:
    """The row of labels that plotext writes."""
    plt = Plot()
    set_size(plt, before + width, 4)
    plt.xaxes(True, False)
    plt.yaxes(False, False)
    plt.yticks([0], [" " * before])
    plt.xlim(0, width - 1)
    plt.ylim(0, 1)
    plt.scatter([0], [0])
    plt.xticks([tick.position for tick in ticks], [tick.label for tick in ticks])
    return "".join(draw(plt)[0][-1])


@pytest.mark.slow
def test_plotext_writes_every_label_that_is_said_to_fit() -> None:
    dice = random.Random(1)
    fitting = 0
    for _ in range(1000):
        width, before = dice.randrange(8, 90), dice.choice((0, 9))
        columns = sorted(dice.sample(range(width), min(dice.randrange(1, 6), width)))
        texts = ["abcdefghij"[number] * dice.randrange(1, 6) for number in range(len(columns))]
        wanted = [Tick(column, text) for column, text in zip(columns, texts, strict=True)]
        if fits(wanted, width, before):
            fitting += 1
            assert row_of(wanted, width, before).split() == texts
    assert fitting > 200


@pytest.mark.parametrize("largest", [1.1e-5, 9e-5, 1e-4, 3e-3, 0.7, 40.0])
@pytest.mark.parametrize("width", [14, 20, 33, 60, 120])
def test_an_axis_goes_from_a_round_number_to_another(largest: float, width: int) -> None:
    for scale in (bar_scale(1e-5, largest), line_scale(1e-5, largest), span_scale(largest)):
        assert scale.holds(largest)
        found = duration_axis(scale, width, 1)
        assert (found[0].position, found[-1].position) == (0, width - 1)
        assert row_of(found, width, 1).split() == " ".join(tick.label for tick in found).split()
        for label in (found[0].label, found[-1].label):
            assert float(label.split()[0]) == pytest.approx(float(f"{float(label.split()[0]):.3g}"))
        assert found[-1].label.split()[1] in ("ns", "µs", "ms", "s")


def test_a_long_axis_is_logarithmic_with_round_ticks() -> None:
    scale = bar_scale(60e-6, 5e-3)
    assert scale.log
    assert tick_labels(ticks(scale, 9)) == ["20 µs", "50", "100", "200", "500", "1 ms", "2", "5 ms"]
    assert scale.place(60e-6) > 0.1
    assert [tick.label for tick in duration_axis(scale, 50)] == tick_labels(ticks(scale, 9))
    assert [tick.label for tick in duration_axis(scale, 34)] == ["20 µs", "100", "1 ms", "5 ms"]
    assert [tick.label for tick in duration_axis(scale, 12)] == ["20 µs", "5 ms"]
    assert len(minor_columns(scale, 50)) == 8
    assert not bar_scale(60e-6, 590e-6).log
    assert bar_scale(60e-6, 590e-6).low == 0


@pytest.mark.parametrize(("smallest", "largest"), [(60e-6, 590e-6), (60e-6, 5e-3), (1e-4, 1.01e-4), (2e-3, 1.9)])
def test_an_axis_grows_to_a_limit_until_it_would_squeeze_the_data(smallest: float, largest: float) -> None:
    for scale in (bar_scale(smallest, largest), line_scale(smallest, largest)):
        near = extended(scale, [scale.high * 1.01])
        assert near.holds(scale.high * 1.01)
        assert near.place(scale.high) - near.place(scale.low) >= 0.5
        assert extended(scale, [scale.high * 1e6]) == scale


@pytest.mark.parametrize(("most", "label"), [(15, "10×"), (120, "100×"), (1100, "1,000×"), (1.2, "1.1×")])
def test_ratios_on_the_scale_of_compare_keep_their_zeros(most: float, label: str) -> None:
    assert label in RatioScale(1.0, most, 60).ticks().split()


@pytest.mark.parametrize("last", [1, 2, 7, 99, 100, 1234, 10_000_000])
@pytest.mark.parametrize("width", [5, 12, 19, 30, 75])
def test_the_axis_of_runs_begins_at_the_first_and_ends_at_the_last(last: int, width: int) -> None:
    found = run_axis(last, width, 9)
    assert not found or row_of(found, width, 9).split() == [tick.label for tick in found]
    assert found or width < 2 * len(f"{last:,}") + 3
    if len(found) > 1:
        assert found[0].label == "1"
        assert found[-1].label == f"{last:,}"


def test_names_at_line_ends_are_set_apart_in_their_order() -> None:
    assert separate_rows([3, 3, 3], 10) == [3, 4, 5]
    assert separate_rows([9, 9, 9], 10) == [7, 8, 9]
    assert separate_rows([5.4, 5.1, 0], 10) == [6, 5, 0]
    placed = separate_rows([2.0] * 6, 6)
    assert sorted(placed) == list(range(6))


def test_long_names_become_short_and_stay_different() -> None:
    names = [model.name for model in BUILTIN_MODELS]
    assert short_names(names, 30) == names
    assert short_names(names, 12) == ["Logistic Re…", "Random Fore…", "Linear SVM", "RBF SVM", "Small NN", "Large NN"]
    assert short_names(["Small Neural Network", "Small Nice Network"], 12) == ["Small Neura…", "Small Nice…"]
    assert short_names([*names, "Small Nice Network"], 12)[4:] == ["Small Neura…", "Large NN", "Small Nice…"]
    variants = [f"Random Forest [n_jobs={jobs}]" for jobs in (1, 2)]
    assert short_names(variants, 12) == ["Random…bs=1]", "Random…bs=2]"]
    cells = [f"{name} [batch=1]" for name in names[:3]]
    assert short_names(cells, 40) == cells
    assert short_names(cells, 20) == names[:3], "all are of the same batch size"
    assert short_names(["Small Neural Network [batch=1]", cells[2]], 24, keep_settings=True) == [
        "Small NN [batch=1]",
        cells[2],
    ]
    assert short_names(cells[:1], 20) == ["Logistic Regression…"]
    assert split_settings(cells) == (names[:3], "batch=1")
    assert split_settings(cells[:1]) == (cells[:1], "")
    trees = [f"decision_tree_of_depth_{depth:02d} [batch={size}]" for depth in range(1, 26) for size in (1, 16)]
    for width in (26, 30, 34):
        assert len({*short_names(trees, width)}) == len(trees)
        assert max(map(cell_len, short_names(trees, width))) <= width
    assert short_names(["Small Neural Network"] * 2, 12) == ["Small NN"] * 2
    assert short_names(["A model whose name nobody could ever read in a card"], 12) == ["A model who…"]
    wide = short_names(["とても長い日本語の名前その一", "とても長い日本語の名前その二"], 11)
    assert len(set(wide)) == 2
    assert max(map(cell_len, wide)) <= 11


def test_text_is_broken_at_spaces_but_not_between_a_number_and_its_unit() -> None:
    assert wrap("about 5,100 more runs (36 s) should decide it.", 26) == [
        "about 5,100 more runs",
        "(36 s) should decide it.",
    ]
    assert wrap("3 samples and 4 msgs", 9) == ["3 samples", "and 4", "msgs"]
    assert wrap("", 5) == wrap("  ", 5) == []


@pytest.mark.parametrize("name", ["Linear SVM", "W" * 70, "模型" * 20, "A " + "long " * 20 + "name"])
@pytest.mark.parametrize("width", [20, 60, 138])
def test_the_whole_name_in_the_answer_is_bold_and_nothing_else(name: str, width: int) -> None:
    lines = in_lines(f"{name} is the fastest of 3.", name, width)
    bold = "".join(text for line in lines for text, style in line if style == "bold")
    assert bold.replace(" ", "") == name.replace(" ", "")


@pytest.mark.parametrize("count", [1, 2, 79, 80, 81, 100, 9_999, 100_000])
def test_no_more_than_two_points_a_column_and_they_are_its_middle_half(count: int) -> None:
    seconds = np.random.default_rng(1).lognormal(-9, 0.3, count)
    runs, kept = reduce(np.arange(1.0, count + 1), seconds, 40)
    assert kept.size <= max(2 * 40 + 2, min(count, 80))
    if count <= 80:
        assert (kept == seconds).all()
    elif count >= 9_999:
        low, high = np.quantile(seconds, [0.25, 0.75])
        assert np.median(kept[kept < np.median(kept)]) == pytest.approx(low, rel=0.05)
        assert np.median(kept[kept > np.median(kept)]) == pytest.approx(high, rel=0.05)
        assert kept.max() < np.quantile(seconds, 0.95)
    assert (np.diff(runs) >= 0).all()


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_models_can_be_read_in_every_theme(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    variables = theme.to_color_system().generate()
    found = candidate_styles({str(index): colour for index, colour in enumerate(PALETTE)}, theme, variables)
    assert len(set(found.values())) == len(PALETTE)
    for colour, _ in found.values():
        if theme.ansi:
            assert colour.startswith("ansi_")
        else:
            assert contrast(Color.parse(colour), Color.parse(variables["background"])) >= 4.5


def test_candidates_keep_their_colour_and_share_none_while_some_are_left() -> None:
    forest = Candidate(model=BUILTIN_MODELS[1])
    variants = [msgspec.structs.replace(forest, settings={"threads": count}) for count in range(1, 8)]
    plain = Candidate(model=ModelSpec(name="plain", factory="a:b", colour="no colour"))
    found = assign_colours([plain, *variants[:3], forest])
    assert found["random-forest[threads=1]"] == BUILTIN_MODELS[1].colour
    assert len(set(found.values())) == 5
    assert set(found.values()) <= set(PALETTE)
    more = assign_colours([forest, *variants], found)
    assert more.items() >= found.items()
    assert len(set(more.values())) == len(more)


def test_a_built_in_model_has_one_mark_wherever_it_is_listed() -> None:
    six = [Candidate(model=model) for model in BUILTIN_MODELS]
    marks = shapes(assign_colours(six))
    assert [marks[candidate.slug] for candidate in six] == [*"●■▲◆▼★"]
    for candidate in six:
        assert shapes(assign_colours([candidate])) == {candidate.slug: marks[candidate.slug]}
        plain = Candidate(model=ModelSpec(name="plain", factory="a:b", colour="#010203"))
        variant = msgspec.structs.replace(candidate, settings={"threads": 2})
        found = shapes(assign_colours([plain, variant, candidate]))
        assert found[variant.slug] == marks[candidate.slug]
        assert len(set(found.values())) == 3


def test_forty_models_share_no_colour_with_the_same_mark() -> None:
    many = [Candidate(model=ModelSpec(name=f"m{index}", factory="a:b")) for index in range(40)]
    inks = assign_colours(many)
    marks = shapes(inks)
    assert len({(inks[slug], marks[slug]) for slug in inks}) == 40


def test_text_from_outside_is_one_line_without_controls() -> None:
    assert sanitize_line("a\x1b[31m\nb\u202e") == "a b"
    assert fit("模型一号", 5) == "模型…"
    assert fit("ab", 4, right=True) == "  ab"
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_every_command_has_help_and_every_key_is_bound_once() -> None:
    keys = [key for command in COMMANDS.values() for key in command.keys]
    assert len(keys) == len(set(keys))
    assert all(command.help().endswith(".") for command in COMMANDS.values())
    assert len({binding.id for binding in bindings()}) == len(bindings())
    assert "| `p` | Measure the selected models;" in key_table()


def test_whole_numbers_are_read_as_people_write_them() -> None:
    assert whole_number(" 1,000 ", "Runs", 10_000_000) == 1000
    assert whole_number("10_000_000", "Runs", 10_000_000) == 10_000_000


@pytest.mark.parametrize("width", [100, 80, 64, 60, 40])
def test_every_tab_is_shown_with_its_key_at_any_width(width: int) -> None:
    from latency_tui.tui.commands import TABS
    from latency_tui.tui.widgets.tab_strip import fit_tabs

    for active in TABS:
        texts = fit_tabs(TABS, active, width)
        assert sum(map(len, texts)) <= width
        for tab, text in zip(TABS, texts, strict=True):
            assert text.split()[0] == tab.key_label()
        assert texts[TABS.index(active)].split(maxsplit=1)[1].rstrip() in (active.label, active.short_label)
