"""The journal of a recording: entries that are written as events arrive, to restore the recording from them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from latency_tui.engine.protocol import BlockMeasured, Event
from latency_tui.plan import Plan
from latency_tui.result.measurement_amount import MeasurementAmount
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
        median: Median of all its calls, in nanoseconds.
        totals: Totals of all its calls, in nanoseconds.
    """

    event: BlockMeasured
    median: float
    totals: Totals


Entry = Begun | Continued | KeptBlock | Event


class Journal(Protocol):
    """Destination of the entries of a recording."""

    def write(self, entry: Entry) -> None:
        """Write one entry. Implementations must not raise or block."""


def block_entry(
    event: BlockMeasured, latencies: Latencies, kept: Latencies, median: float
) -> BlockMeasured | KeptBlock:
    """Return the entry of a block: the event itself if all its samples are kept."""
    if kept.size == latencies.size:
        return event
    block = msgspec.structs.replace(event.block, samples=kept.astype("<i8").tobytes())
    return KeptBlock(event=msgspec.structs.replace(event, block=block), median=median, totals=compute_totals(latencies))
