from __future__ import annotations

import random

import pytest
from rich.cells import cell_len, set_cell_size
from textual.app import App, ComposeResult
from textual.css.types import AlignHorizontal, AlignVertical

from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.widgets.styled_lines import Line, Piece, StyledLines

WIDTH, HEIGHT = 24, 5
TEXTS = ("108 µs", "107–110", " ", "std", "模型", "✔", "a rather long piece of text", "")
STYLES = ("", "bold", "$text-error", "reverse")


class Shown(App[None]):
    align: tuple[AlignHorizontal, AlignVertical] = ("left", "top")

    def compose(self) -> ComposeResult:
        lines = StyledLines()
        lines.styles.height = HEIGHT
        lines.styles.content_align = self.align
        yield lines


def made(dice: random.Random) -> list[Line]:
    def piece() -> Piece:
        return dice.choice(TEXTS), dice.choice(STYLES)

    return [[piece() for _ in range(dice.randrange(5))] for _ in range(dice.randrange(HEIGHT + 1))]


def altered(dice: random.Random, lines: list[Line]) -> list[Line]:
    """The same lines with a piece or two replaced, as a redraw has them; now and then others altogether."""
    if dice.random() < 0.1 or not any(lines):
        return made(dice)
    lines = [list(line) for line in lines]
    row = dice.choice([row for row, line in enumerate(lines) if line])
    changed = list(lines[row])
    changed[dice.randrange(len(changed))] = (dice.choice(TEXTS), dice.choice(STYLES))
    lines[row] = changed
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("align", [("left", "top"), ("center", "middle")])
async def test_no_cell_that_differs_is_left_as_it_was(align: tuple[AlignHorizontal, AlignVertical]) -> None:
    dice = random.Random(1)
    app = Shown()
    app.align = align
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        lines = app.query_one(StyledLines)
        wanted = made(dice)
        lines.draw(wanted)
        await pilot.pause()
        for _ in range(120):
            before = cells(app)
            wanted = altered(dice, wanted)
            lines.draw(wanted)
            told = {(x, y) for region in lines._repaint_regions for y in region.line_range for x in region.column_range}
            await pilot.pause()
            now = cells(app)
            differ = {place for place in now if now[place] != before[place]}
            assert differ <= told
            for row in range(HEIGHT) if align == ("left", "top") else ():
                text = "".join(text for text, _ in wanted[row]) if row < len(wanted) else ""
                assert "".join(now[column, row][0] for column in range(WIDTH)) == set_cell_size(text, WIDTH)


@pytest.mark.parametrize("seed", range(20))
def test_what_differs_between_two_pictures_is_told_row_by_row(seed: int) -> None:
    dice = random.Random(seed)
    canvases, drawn = [], []
    for _ in range(2):
        places = {(column, row): (" ", "default") for column in range(8) for row in range(3)}
        canvas = Canvas(8, 3)
        for column, row in places:
            if dice.random() < 0.4:
                places[column, row] = cell = (dice.choice("ab"), dice.choice(("red", "blue")))
                canvas.put(column, row, *cell)
        canvases.append(canvas)
        drawn.append(places)
    differ = {place for place in drawn[0] if drawn[0][place] != drawn[1][place]}
    regions = canvases[1].changes(canvases[0])
    told = {(x, y) for region in regions for y in region.line_range for x in region.column_range}
    assert differ <= told
    assert {row for _, row in told} == {row for _, row in differ}


def cells(app: App[None]) -> dict[tuple[int, int], tuple[str, object]]:
    """Letter and look by column and row; of a blank that is its background."""
    found: dict[tuple[int, int], tuple[str, object]] = {}
    for row, strip in enumerate(app.screen._compositor.render_strips()):
        column = 0
        for text, style, _ in strip:
            assert style is not None
            blank = (style.bgcolor, style.reverse and style.color)
            for letter in text:
                found[column, row] = (letter, style if letter.strip() else blank)
                if cell_len(letter) == 2:
                    found[column + 1, row] = ("", style)
                column += cell_len(letter)
    return found
