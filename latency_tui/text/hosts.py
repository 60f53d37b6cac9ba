"""Sentences on several hosts: what differs between them, and whether the ranking holds on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from latency_tui.text.formatting import (
    format_duration,
    format_memory,
    format_ratio,
    format_ratio_either_way,
    join_names,
)

if TYPE_CHECKING:
    from latency_tui.result.hosts import HostDescription, HostRatio, HostsResult, RatioAcrossHosts
    from latency_tui.result.result import Result

BUSY_LOAD = 0.3
"""Load per core above which a host is said to be busy."""
ASSUMPTION = "Ratios are within each host; latencies of different hosts are not pooled."
_AS_FAST = "as fast"
_WORDS = {"faster": "faster", "slower": "slower", "same": _AS_FAST, "inconclusive": "inconclusive"}


def preflight_rows(hosts: Mapping[str, HostDescription]) -> list[list[str]]:
    """Return a table of hosts, with a heading; a `*` marks what differs from the first host."""
    rows = [["host", "CPU", "cores", "Python", "scikit-learn", "numpy", "governor", "load", "free memory"]]
    first: list[str] | None = None
    for name, one in hosts.items():
        row = [
            one.cpu or "?",
            str(one.cores),
            one.python,
            one.versions.get("scikit-learn", "none"),
            one.versions.get("numpy", "none"),
            one.governor or "–",
        ]
        first = first or row
        marked = [text if text == usual else f"{text} *" for text, usual in zip(row, first, strict=True)]
        load = "?" if one.load is None else f"{one.load:.2f}{' (busy)' if one.load > BUSY_LOAD else ''}"
        rows.append([name, *marked, load, format_memory(one.free_memory)])
    return rows


def has_differences(hosts: Mapping[str, HostDescription]) -> bool:
    """Return whether CPU, cores, governor or versions differ between hosts."""
    return any(cell.endswith(" *") for row in preflight_rows(hosts)[1:] for cell in row)


def difference_between(hosts: Mapping[str, HostDescription]) -> str:
    """Return what makes hosts of different kinds, such as `CPU: A on a, B on b`; empty if they are of one kind."""
    kinds = {
        "CPU": {name: one.cpu for name, one in hosts.items()},
        "cores": {name: str(one.cores) for name, one in hosts.items()},
        "Python": {name: one.python for name, one in hosts.items()},
    }
    for library in sorted({library for one in hosts.values() for library in one.versions}):
        kinds[library] = {name: one.versions.get(library, "none") for name, one in hosts.items()}
    for what, values in kinds.items():
        if len(set(values.values())) > 1:
            return f"{what}: {', '.join(f'{value} on {name}' for name, value in values.items())}"
    return ""


def summarize_hosts(value: HostsResult) -> str:
    """Return whether the ranking holds on every host, and the latency of the fastest model on each.

    A sweep and a load test have no ranking of all their candidates, so that the answer is that of each host.
    """
    results = {one.host: one.result for one in value.hosts if one.result is not None and one.result.measured}
    sentences = []
    if not results:
        sentences.append("No host measured anything.")
    elif value.plan.sweeps or value.plan.load is not None:
        sentences += _answers(results)
    elif not value.across_hosts:
        sentences.append(_latencies(results, next(iter(results.values())).measured[0].slug))
    else:
        sentences += [_ranking(value, results), _latencies(results, value.across_hosts[0].baseline)]
    failed = [one.host for one in value.hosts if one.error]
    if failed:
        sentences.append(f"{failed[0]} failed." if len(failed) == 1 else f"{len(failed)} hosts failed.")
    return " ".join(sentences)


def _answers(results: Mapping[str, Result]) -> list[str]:
    """Return the answer of each host; hosts with the same answer share it."""
    hosts: dict[str, list[str]] = {}
    for host, result in results.items():
        if result.answer:
            hosts.setdefault(result.answer, []).append(host)
    return [f"On {join_names(names)}: {answer}" for answer, names in hosts.items()]


def _ranking(value: HostsResult, results: Mapping[str, Result]) -> str:
    names = {candidate.slug: candidate.name for candidate in value.plan.candidates}
    baseline = value.across_hosts[0].baseline
    count = len(results)
    everywhere = "on the only host" if count == 1 else f"on all {count} hosts"
    against = [(one, ratio) for one in value.across_hosts for ratio in one.hosts if ratio.verdict == "faster"]
    if against:
        one, ratio = against[0]
        hosts = {ratio.host for _, ratio in against}
        where = f"{count - len(hosts)} of {count} hosts"
        return (
            f"The ranking does not hold everywhere: no model is faster than {names[baseline]} on {where}, but "
            f"{names[one.candidate]} is {format_ratio(ratio.ratio, ratio.low, ratio.high)} on {ratio.host}."
        )
    if all(one.verdict == "slower" and one.holds_on == one.of for one in value.across_hosts):
        return f"{names[baseline]} is fastest {everywhere}."
    undecided = [names[one.candidate] for one in value.across_hosts if one.verdict != "slower" or one.holds_on < one.of]
    others = join_names(undecided) + ("" if count == 1 else " on each")
    return f"No clear winner {everywhere}: {names[baseline]} is not shown to be faster than {others}."


def _latencies(results: Mapping[str, Result], slug: str) -> str:
    """Return the p50 of one model on each host."""
    parts = []
    name = slug
    for host, result in results.items():
        candidate = result.candidate(slug)
        name = candidate.name
        if candidate.statistics is not None:
            parts.append(f"{format_duration(candidate.statistics.p50.value)} on {host}")
    return f"p50 of {name}: {', '.join(parts)}."


def describe_ratio(one: RatioAcrossHosts) -> str:
    """Return on how many hosts a verdict holds: `slower on 3 of 3 hosts`."""
    return f"{_WORDS[one.verdict]} on {one.holds_on} of {one.of}"


def describe_host_ratio(ratio: HostRatio) -> str:
    """Return the ratio on one host: `1.15× slower (95 % CI 1.13–1.17)`; without a direction where it is undecided."""
    estimate, low, high = ratio.ratio, ratio.low, ratio.high
    if ratio.verdict == "inconclusive" and estimate is not None and low is not None and high is not None:
        return format_ratio_either_way(estimate, low, high)
    return format_ratio(estimate, low, high)


def columns_of(across: Sequence[RatioAcrossHosts]) -> list[str]:
    """Return the hosts that measured a pair, in order."""
    return [*dict.fromkeys(ratio.host for one in across for ratio in one.hosts)]


def describe_lost_launch(label: str, host: str, reason: str) -> str:
    """Return why a launch is incomplete; the label is `launch 2 (batch=1)`."""
    return f"{label[:1].upper()}{label[1:]} on {host} is incomplete and is not measured on another host: {reason}"


def describe_unmeasured_launches(labels: Sequence[str]) -> str:
    """Return which launches no host has measured."""
    return f"No host is left for {', '.join(labels)}."


def describe_different_input(name: str, host: str, other: str) -> str:
    """Return that a file, a module or a library of a host differs from that of another one."""
    return f"{name} on {host} is not the same as on {other}; install the same version on all hosts."
