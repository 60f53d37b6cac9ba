"""The widget that every chart is: it draws at its size, sends only what changed, and cannot fail."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.reactive import Reactive
from textual.visual import Visual
from textual_plotext import PlotextPlot

from latency_tui.tui.charts.canvas import Canvas, Picture

LOG = ", log scale"


class Chart(PlotextPlot, can_focus=True):
    """A chart that cannot fail: what plotext raises becomes a sentence in its place.

    Attributes:
        way_out: Which keys leave it where it is enlarged.
    """

    ALLOW_MAXIMIZE: ClassVar[bool | None] = True
    ALLOW_SELECT: ClassVar[bool] = False
    auto_links = Reactive(False)  # as in what is painted
    way_out = ""
    _picture: Picture | None = None
    _drawn: Visual | None = None
    _drawn_for: tuple[object, ...] = ()
    _shown = 0

    def render(self) -> Visual:
        """Draw at the size the widget has now; what would look the same is not drawn again."""
        wanted = (self._shown, self.size, self.app.theme, self.has_focus, self.is_maximized, self.way_out)
        if self._drawn is None or wanted != self._drawn_for:
            self._drawn, self._drawn_for = self._draw(*self.size), wanted
        return self._drawn

    def _draw(self, width: int, height: int) -> Visual:
        if width < 4 or height < 3:
            return Content("")
        try:
            canvas = Canvas(self, width, height)
            self.draw(canvas)
            if self._picture is None or not canvas.shows(self._picture):
                self._picture = canvas.picture()
            return self._picture
        except Exception as error:  # noqa: BLE001  # whatever plotext raises: the figures beside the chart are still good
            self.log.error(repr(error))
            return Content.styled(f"This chart could not be drawn at {width} × {height}.", "dim")

    def show_changes(self) -> None:
        """Draw what is to be shown now, and have the terminal told of the cells that differ from before."""
        self._shown += 1
        before, now = self._drawn, self.render()
        if isinstance(before, Picture) and isinstance(now, Picture) and before.size == now.size:
            if regions := now.changes(before):
                self.refresh(*regions)
        else:
            self.refresh()

    def tell_way_out(self, keys: str) -> None:
        """Say which keys leave it where it is enlarged."""
        if keys != self.way_out:
            self.way_out = keys
            self.refresh()

    def draw(self, canvas: Canvas) -> None:
        """Put ink on the canvas."""
        raise NotImplementedError
