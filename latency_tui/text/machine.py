"""Sentences on the machine that is measured."""

from __future__ import annotations

from latency_tui.engine.machine_events import MachineBusy


def machine_busy(event: MachineBusy) -> str:
    """Return why a measurement waits: `waiting: another measurement runs on this machine (process 1234)`."""
    process = "" if event.process is None else f" (process {event.process})"
    return f"waiting: another measurement runs on this machine{process}"
