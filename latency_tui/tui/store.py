"""Holds the state of the main screen. All changes of the state go through it; only the screen paints the state."""

from __future__ import annotations

from collections.abc import Callable

from latency_tui.tui.state import State


class Store:
    """Holds the current state.

    Args:
        state: The initial state.
        paint: Paints the current state; its argument is the previous state.
    """

    def __init__(self, state: State, paint: Callable[[State], None]) -> None:
        self._state = state
        self._paint = paint

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    def change(self, state: State, *, paint: bool = True) -> None:
        """Replace the state and paint it.

        Args:
            state: The next state.
            paint: Whether to paint it now; False to wait for the next redraw, because hundreds of events arrive per
                second.
        """
        before, self._state = self._state, state
        if paint:
            self._paint(before)
