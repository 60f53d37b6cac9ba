"""Statistics of one launch of a candidate."""

from __future__ import annotations

import msgspec


class LaunchStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one launch of a candidate, in seconds, from the samples that are kept."""

    mean: float
    p50: float
    p90: float
    p95: float
    p97: float
    p99: float
    p99_9: float
