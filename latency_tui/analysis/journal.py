"""The journal of a recording: entries that are written as events arrive, to restore the recording from them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Protocol

import msgspec
import numpy as np

from latency_tui.engine.protocol import BlockMeasured, Event
from latency_tui.plan import Plan
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.mix import ClassTotals
from latency_tui.stats.samples import Latencies
from latency_tui.stats.totals import Totals, compute_totals


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first entry of a journal: the plan, and when the measurement began."""

    plan: Plan
    created_at: datetime


class Continued(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The entry before the events of a continuation: the requested amount."""

    more: MeasurementAmount


class KeptBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A block of which only some samples are kept.

    Attributes:
        event: The block, with the kept samples.
        median: Median of all its calls, or the average call of a request mix, in nanoseconds; None if that is unknown.
        totals: Totals of all its calls, in nanoseconds.
        classes: Totals of each class of requests of a mix.
    """

    event: BlockMeasured
    median: float | None
    totals: Totals
    classes: ClassTotals = ClassTotals()


Entry = Begun | Continued | KeptBlock | Event


class Journal(Protocol):
    """Destination of the entries of a recording."""

    def write(self, entry: Entry) -> None:
        """Write one entry. Implementations must not raise or block."""


def block_entry(
    event: BlockMeasured, latencies: Latencies, kept: slice, median: float, classes: ClassTotals
) -> BlockMeasured | KeptBlock:
    """Return the entry of a block: the event itself if all its samples are kept.

    Args:
        event: The block.
        latencies: All its latencies, `(n,)` nanoseconds.
        kept: Which of them are kept.
        median: The value with which it is compared.
        classes: Totals of each class of requests of a mix.
    """
    if latencies[kept].size == latencies.size:
        return event
    block = msgspec.structs.replace(
        event.block,
        samples=latencies[kept].astype("<i8").tobytes(),
        batch_sizes=np.frombuffer(event.block.batch_sizes, dtype="<i4")[kept].tobytes(),
    )
    return KeptBlock(
        event=msgspec.structs.replace(event, block=block),
        median=None if math.isnan(median) else median,
        totals=compute_totals(latencies),
        classes=classes,
    )
