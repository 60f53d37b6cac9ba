"""Default thresholds of comparisons. This module imports nothing, so `plan` and `text` can use it without numpy."""

EQUIVALENCE = 0.01
"""Half-width of the region of equivalence, as a share: ratios within 1 % of 1 make no practical difference."""

MIN_CLUSTERS = 3
"""Fewest clusters for an interval. The variance between two clusters is nearly unknown: Student's factor for one degree
of freedom is 12.7. Clusters are results of separate measurements, launches, or processes.
"""

MAX_PROPOSED_SECONDS = 1800.0
"""Longest additional measurement that is proposed; a longer one is seldom worth it."""
