"""Defaults of comparisons. This module imports nothing, so a plan or a sentence can use it without numpy."""

EQUIVALENCE = 0.01
"""Half-width of the region, as a share: a ratio of latencies within 1 % of 1 makes no practical difference."""

MIN_LAUNCHES = 3
"""Fewest launches of one side for an interval: the variance between two launches is nearly unknown."""
