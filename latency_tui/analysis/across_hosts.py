"""Says whether the verdicts of one plan hold on every host that measured it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from latency_tui.plan import Plan
from latency_tui.result.hosts import HostRatio, HostResult, HostsResult, RatioAcrossHosts
from latency_tui.result.result import Result
from latency_tui.text.hosts import summarize_hosts


def common_baseline(plan: Plan, results: Sequence[Result]) -> str | None:
    """Return the slug of the common baseline: that of the plan, or the candidate that is fastest on most hosts.

    None if no host measured anything.
    """
    fastest = [result.measured[0].slug for result in results if result.measured]
    if not fastest:
        return None
    if plan.baseline is not None:
        return plan.baseline
    order = {candidate.slug: position for position, candidate in enumerate(plan.candidates)}
    counts = Counter(fastest)
    return min(counts, key=lambda slug: (-counts[slug], order.get(slug, 0)))


def compare_across_hosts(plan: Plan, results: Mapping[str, Result]) -> tuple[RatioAcrossHosts, ...]:
    """Return whether the verdict on each candidate holds on every host, in the plan's order.

    Ratios are within each host, where candidates were measured in turns. Calls of different hosts are never pooled.

    Args:
        plan: The plan.
        results: Results by host, all with the same baseline.
    """
    found = []
    for candidate in plan.candidates:
        ratios = [
            (one.baseline, HostRatio(host=host, ratio=one.ratio, low=one.low, high=one.high, verdict=one.verdict))
            for host, result in results.items()
            for one in result.comparisons
            if one.candidate == candidate.slug
        ]
        if not ratios:
            continue
        hosts = tuple(ratio for _, ratio in ratios)
        verdicts = Counter(ratio.verdict for ratio in hosts)
        decided = Counter({verdict: count for verdict, count in verdicts.items() if verdict != "inconclusive"})
        verdict, count = (decided or verdicts).most_common(1)[0]
        found.append(
            RatioAcrossHosts(
                baseline=ratios[0][0],
                candidate=candidate.slug,
                verdict=verdict,
                holds_on=count,
                of=len(hosts),
                hosts=hosts,
            )
        )
    return tuple(found)


def hosts_result(plan: Plan, hosts: Sequence[HostResult]) -> HostsResult:
    """Return the results of one plan on several hosts, with what they say together.

    Args:
        plan: The plan.
        hosts: The result of each host, all with the same baseline, and hosts that could not measure.
    """
    results = {one.host: one.result for one in hosts if one.result is not None and one.result.measured}
    value = HostsResult(plan=plan, hosts=tuple(hosts), across_hosts=compare_across_hosts(plan, results))
    return replace(value, answer=summarize_hosts(value))
