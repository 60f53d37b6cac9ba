"""What a tab shows below the cards or the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual.containers import VerticalScroll
from textual.widget import Widget

from latency_tui.tui.layout import Layout
from latency_tui.tui.state import State
from latency_tui.tui.styles import CandidateStyle


@dataclass(frozen=True)
class Scene:
    """What a pane is painted from.

    Attributes:
        state: What the screen shows.
        styles: Colour and shape of each candidate, by slug.
        layout: How the terminal is divided.
        enlarged: Whether a part of the pane takes the whole screen.
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
    """The pane of a tab; it is painted only while it is on the screen.

    Attributes:
        table_above: Whether the table is above it where there is no room for cards.
    """

    table_above: ClassVar[bool] = False

    def least_height(self, candidates: int) -> int:
        """Return the rows that it needs; the cards make room for it where there are fewer."""
        return 2 * candidates + 5

    def paint(self, scene: Scene) -> None:
        """Show the snapshot."""
        raise NotImplementedError

    def take_layout(self, layout: Layout) -> None:
        """Take the place that a layout leaves it."""

    def enlargeable(self) -> list[Widget]:
        """Return the parts that `e` enlarges, one after the other."""
        return [self]

    def open_again(self) -> None:
        """Answer the key of the tab while it is open."""

    def hints(self, scene: Scene) -> tuple[str, ...]:
        """Return what the line of tabs says at its right end, from the longest way to the shortest."""
        del scene
        return ()
