"""Asks before an action; pressing the same key again within some seconds confirms it."""

from __future__ import annotations

import time

from textual.dom import DOMNode

from latency_tui.tui.commands import DeleteSaved, MeasureMore, Quit, Stop
from latency_tui.tui.state import State

ASK_AFTER_SECONDS = 5.0
"""Work that has run for longer is stopped only after a confirmation."""
CONFIRM_SECONDS = 6.0
"""Time limit for the second press of the key; the notice is shown for the same time."""


class Confirmation:
    """Asks for confirmations, and remembers the last question and its time.

    Args:
        node: Where the notice is shown.
    """

    def __init__(self, node: DOMNode) -> None:
        self._node = node
        self._asked = ""
        self._asked_at = 0.0

    def may_stop(self, state: State, seconds_running: float) -> bool:
        """Return whether to stop everything now; asks first if the work has run for more than `ASK_AFTER_SECONDS`."""
        if seconds_running < ASK_AFTER_SECONDS:
            return True
        kept = "trained models are kept"
        if state.work == "profiling":
            kept = f"the results are kept, and {MeasureMore.key_label()} continues"
        return self._confirms("Stop?", state.job, f"{Stop.key_label()} again stops; {kept}.")

    def may_quit(self, state: State) -> bool:
        """Return whether to quit now; asks first while something is measured."""
        words = f"Still measuring: {Quit.key_label()} again quits and prints the results so far."
        return state.work != "profiling" or self._confirms("Quit?", state.job, words)

    def may_delete(self, key: str, name: str) -> bool:
        """Return whether to delete a result of the history now; asks first."""
        return self._confirms("Delete?", key, f"{DeleteSaved.key_label()} again deletes the result of {name}.")

    def _confirms(self, title: str, job: str, words: str) -> bool:
        """Return whether the question was asked just before; otherwise ask it."""
        now = time.monotonic()
        asked = f"{title} {job}"
        if asked == self._asked and now - self._asked_at <= CONFIRM_SECONDS:
            self._asked = ""
            return True
        self._asked, self._asked_at = asked, now
        self._node.app.notify(words, title=title, severity="warning", timeout=CONFIRM_SECONDS, markup=False)
        return False
