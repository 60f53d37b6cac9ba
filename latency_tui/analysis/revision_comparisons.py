"""Compares each candidate of the working tree with the same candidate at another revision."""

from __future__ import annotations

from latency_tui.analysis.comparer import Comparer
from latency_tui.stats.comparison import Comparison


def compare_revisions(comparer: Comparer, equivalence: float, *, live: bool) -> tuple[Comparison, ...]:
    """Return the comparisons of all candidates that are also measured at a revision, which is the baseline.

    Args:
        comparer: Holds the block medians.
        equivalence: Half-width of the region of practical equivalence.
        live: Whether to use a part of the rounds.
    """
    positions = {candidate.slug: position for position, candidate in enumerate(comparer.plan.candidates)}
    found: list[Comparison] = []
    for here, there in comparer.plan.revision_pairs.items():
        baseline = positions[there]
        evidence = comparer.evidence(equivalence, live=live, intervals_for=baseline)
        pairs = comparer.judge(evidence, baseline, equivalence)
        pair = pairs.get((min(positions[here], baseline), max(positions[here], baseline)))
        if pair is not None:
            found.append(pair)
    return tuple(found)
