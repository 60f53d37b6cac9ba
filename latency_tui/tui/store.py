"""Holds the state of the main screen. Whoever changes it does so here; the screen alone paints it."""

from __future__ import annotations

from collections.abc import Callable

from latency_tui.tui.state import State


class Store:
    """The current state.

    Args:
        state: The state at the start.
        paint: Paints the current state; it is given the state before.
    """

    def __init__(self, state: State, paint: Callable[[State], None]) -> None:
        self._state = state
        self._paint = paint

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    def change(self, state: State, *, paint: bool = True) -> None:
        """Replace the state, and have it painted.

        Args:
            state: The next state.
            paint: Whether to paint it; False where the next redraw does so, since events come by the hundred a second.
        """
        before, self._state = self._state, state
        if paint:
            self._paint(before)
