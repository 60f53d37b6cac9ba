"""Base class of panes: a pane is the content of a tab below the cards or the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from textual.containers import VerticalScroll
from textual.widget import Widget

from latency_tui.tui.layout import Layout
from latency_tui.tui.state import State
from latency_tui.tui.styles import CandidateStyle


class PaintContext(msgspec.Struct, frozen=True):
    """The values from which a pane is painted.

    Attributes:
        state: The state that the screen shows.
        styles: Colour and shape of each candidate, by slug.
        layout: The layout of the screen.
        enlarged: Whether a part of the pane fills the whole screen.
    """

    state: State
    styles: Mapping[str, CandidateStyle]
    layout: Layout
    enlarged: bool

    @property
    def running(self) -> bool:
        """Whether the measurement on the screen is running."""
        return self.state.measurement is not None and self.state.measurement.job == self.state.job


class Pane(VerticalScroll, can_focus=False):
    """The content of a tab, which is painted only while it is on the screen.

    Attributes:
        table_above: Whether a table is shown above it if there is no room for cards.
    """

    table_above: ClassVar[bool] = False

    def least_height(self, candidates: int) -> int:
        """Return the minimum number of rows; cards are hidden if they leave fewer."""
        return 2 * candidates + 5

    def paint(self, context: PaintContext) -> None:
        """Show the state."""
        raise NotImplementedError

    def apply_layout(self, layout: Layout) -> None:
        """Adapt the pane to a layout."""

    def enlargeable(self) -> list[Widget]:
        """Return the parts that `e` enlarges, in this order."""
        return [self]

    def open_again(self) -> None:
        """Handle the key of the tab while the tab is open already."""

    def next_view(self) -> None:
        """Show the next view of the tab, if it has several."""

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return hints for the right end of the tab strip, from the longest wording to the shortest."""
        del context
        return ()
