"""The throughput of a candidate whose requests are all there at once."""

from __future__ import annotations

import msgspec

from latency_tui.plan.load import WorkerKind


class OfflineResult(msgspec.Struct, frozen=True, kw_only=True):
    """The throughput of one candidate in the scenario offline.

    Attributes:
        candidate: The candidate's slug.
        batch_size: Rows per call; the average if it has a mix.
        workers: Number of workers.
        worker_kind: Whether they were processes, or threads of one process.
        rows_per_second: Rows per second of all workers together, the mean over windows.
        low: Lower end of its 95 % interval over windows; None if there are too few.
        high: Upper end.
        rows_per_second_per_core: The same divided by the cores that the workers ran on; None if that is not known.
        windows: Number of windows.
    """

    candidate: str
    batch_size: float
    workers: int
    worker_kind: WorkerKind
    rows_per_second: float
    low: float | None = None
    high: float | None = None
    rows_per_second_per_core: float | None = None
    windows: int = 0
