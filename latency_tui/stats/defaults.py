"""Default thresholds of comparisons. This module imports nothing, so `plan` and `text` can use it without numpy."""

EQUIVALENCE = 0.01
"""Half-width of the region of equivalence, as a share: ratios within 1 % of 1 make no practical difference."""

MIN_LAUNCHES = 3
"""Fewest launches of one side for an interval: the variance between two launches is nearly unknown."""
