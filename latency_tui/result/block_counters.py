"""Sums of the counters of a candidate's blocks: wall and CPU time, interruptions and garbage collection."""

from __future__ import annotations

import msgspec

from latency_tui.engine.protocol import Block


class BlockCounters(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the blocks of a candidate.

    Attributes:
        wall_ns: Wall time of the blocks.
        cpu_ns: CPU time of the candidate's processes in these blocks.
        waited_ns: Time in which a process was runnable but waited for a core.
        disturbed_calls: Calls in blocks that the scheduler interrupted.
        gc_calls: Calls that garbage collection paused.
        gc_ns: Duration of these pauses.
    """

    wall_ns: int = 0
    cpu_ns: int = 0
    waited_ns: int = 0
    disturbed_calls: int = 0
    gc_calls: int = 0
    gc_ns: int = 0

    def plus(self, block: Block, calls: int) -> BlockCounters:
        """Return the sums with a block of this number of calls; CPU and waiting time are at most its wall time."""
        wall_ns = max(block.wall_ns, 0)
        return BlockCounters(
            wall_ns=self.wall_ns + wall_ns,
            cpu_ns=self.cpu_ns + min(max(block.cpu_ns, 0), wall_ns),
            waited_ns=self.waited_ns + min(max(block.waited_ns, 0), wall_ns),
            disturbed_calls=self.disturbed_calls + (calls if block.switches > 0 else 0),
            gc_calls=self.gc_calls + len(set(block.gc_calls)),
            gc_ns=self.gc_ns + sum(block.gc_ns),
        )
