"""The default region of practical equivalence. This module imports nothing, so a plan can use it without numpy."""

EQUIVALENCE = 0.01
"""Half-width of the region, as a share: a ratio of latencies within 1 % of 1 makes no practical difference."""
