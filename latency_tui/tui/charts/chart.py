"""The base class of charts: draws at the size of the widget, sends only changed cells, and shows errors as text."""

from __future__ import annotations

from typing import ClassVar

from textual.color import Color
from textual.content import Content
from textual.reactive import Reactive
from textual.visual import Visual
from textual_plotext import PlotextPlot

from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.plotext_private import CellColour, draw, set_size
from latency_tui.tui.charts.ticks import Tick

LOG = ", log scale"
MIN_TITLED_HEIGHT = 6


class Chart(PlotextPlot, can_focus=True):
    """Base class of charts. If plotext raises an exception, the widget shows a sentence instead.

    Attributes:
        close_keys: The keys that close the chart while it is enlarged.
    """

    ALLOW_MAXIMIZE: ClassVar[bool | None] = True
    ALLOW_SELECT: ClassVar[bool] = False
    auto_links = Reactive(False)  # charts have no links, and the search for links takes 5 % of each redraw
    close_keys = ""
    _drawn: Visual | None = None
    _drawn_for: tuple[object, ...] = ()
    _shown = 0

    def render(self) -> Visual:
        """Draw at the current size of the widget; an unchanged chart is not drawn again."""
        wanted = (self._shown, self.size, self.app.theme, self.has_focus, self.is_maximized, self.close_keys)
        if self._drawn is None or wanted != self._drawn_for:
            self._drawn, self._drawn_for = self._draw(*self.size), wanted
        return self._drawn

    def _draw(self, width: int, height: int) -> Visual:
        if width < 4 or height < 3:
            return Content("")
        try:
            canvas = Canvas(width, height)
            self.draw(canvas)
        except Exception as error:  # noqa: BLE001  # any error of plotext: the other figures remain valid
            self.log.error(repr(error))
            return Content.styled(f"This chart could not be drawn at {width} × {height}.", "dim")
        return canvas

    def show_changes(self) -> None:
        """Draw the chart, and send only the changed cells to the terminal."""
        self._shown += 1
        before, now = self._drawn, self.render()
        same_size = isinstance(before, Canvas) and isinstance(now, Canvas) and before.width == now.width
        if isinstance(before, Canvas) and isinstance(now, Canvas) and same_size and before.height == now.height:
            if regions := now.changes(before):
                self.refresh(*regions)
        else:
            self.refresh()

    def show_close_keys(self, keys: str) -> None:
        """Show the keys that close the chart while it is enlarged."""
        if keys != self.close_keys:
            self.close_keys = keys
            self.refresh()

    def draw(self, canvas: Canvas) -> None:
        """Draw the chart on a canvas."""
        raise NotImplementedError

    def cell_colour(self, colour: str) -> CellColour:
        """Return the colour of a style in the format of plotext."""
        parsed = Color.parse(colour)
        if parsed.ansi is not None:
            return "default" if parsed.ansi < 0 else parsed.ansi
        return parsed.rgb

    @property
    def foreground(self) -> CellColour:
        """The colour of text."""
        return self.cell_colour(self.app.theme_variables.get("foreground", "#ffffff"))

    @property
    def muted(self) -> CellColour:
        """The colour of axes and whiskers."""
        if self.app.current_theme.ansi:
            return "default"
        variables = self.app.theme_variables
        background = Color.parse(variables.get("background", "#000000"))
        return background.blend(Color.parse(variables.get("foreground", "#ffffff")), 0.7).rgb

    @property
    def limit_colour(self) -> CellColour:
        """The colour of limits."""
        return self.cell_colour("ansi_red" if self.app.current_theme.ansi else self.app.theme_variables["text-error"])

    def title(self, canvas: Canvas, *texts: str) -> int:
        """Write the first title that fits, and the keys that close an enlarged chart; return the row below."""
        if canvas.height < MIN_TITLED_HEIGHT:
            return 0
        text = next((text for text in texts if len(text) < canvas.width), texts[-1])
        canvas.put(1, 0, text, self.foreground if self.has_focus else self.muted)
        if self.has_focus:
            canvas.put(0, 0, "▸", self.foreground)
        if self.is_maximized and canvas.width > len(text) + len(self.close_keys) + 4:
            canvas.put(canvas.width - len(self.close_keys) - 1, 0, self.close_keys, self.muted)
        return 1

    def begin_plot(self, width: int, height: int, across: list[Tick]) -> None:
        """Begin a plot with a horizontal axis below it and a vertical axis to its left.

        Ticks and the limits of axes are finite and in the units of the data. Plotext's logarithmic scales are not used,
        because plotext raises an exception when it draws one a second time.
        """
        self.plt.clear_figure()
        set_size(self.plt, width, height)
        self.plt.xaxes(True, False)
        self.plt.yaxes(True, False)
        self.plt.yfrequency(0)
        for colour in (self.plt.canvas_color, self.plt.axes_color):
            colour("default")
        self.plt.ticks_color(self.muted)
        ticks = across or [Tick(0.0, " ")]  # without ticks, plotext omits the row of labels
        self.plt.xticks([tick.position for tick in ticks], [tick.label for tick in ticks])

    def end_plot(self, canvas: Canvas, column: int, row: int) -> None:
        """Draw the plot on a canvas, with its upper left corner at a cell."""
        canvas.paste(column, row, *draw(self.plt))
