"""Compares saved results, whose variance between measurements comes from launches and from earlier results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from latency_tui.plan import Plan, slugify
from latency_tui.result.result import CandidateResult, Result
from latency_tui.result.saved_comparison import Area, CandidateRatio, Difference, NoVerdict, SavedComparison
from latency_tui.stats.unpaired import (
    UnpairedComparison,
    compare_unpaired,
    judge_unpaired,
    spread_of_launches,
    spread_of_results,
)


def compare_saved(
    baseline: Result,
    result: Result,
    *,
    names: tuple[str, str] = ("baseline", "result"),
    earlier: Sequence[Result] = (),
    force: bool = False,
) -> SavedComparison:
    """Compare each candidate of a result with the same candidate of a baseline.

    Args:
        baseline: The result to compare with.
        result: The result that is compared.
        names: How the two are called.
        earlier: Other results of the same plan on the same machine.
        force: Whether to give a verdict although the CPU differs.
    """
    pairs, only_before, only_after = match(baseline, result)
    differences = tuple(differences_of(baseline, result))
    refused: NoVerdict | None = None
    if is_same_result(baseline, result):
        refused = "same result"
    elif not force and any(one.name == "CPU" and one.before and one.after for one in differences):
        refused = "cpu"
    equivalence = max(baseline.equivalence, result.equivalence)
    compared = [compare_metric(one, other, "p50", earlier=earlier, equivalence=equivalence) for one, other in pairs]
    if refused != "same result":
        compared = [*judge_unpaired(compared)]
    return SavedComparison(
        baseline=names[0],
        result=names[1],
        equivalence=equivalence,
        candidates=tuple(
            _ratio(one, other, found, refused, earlier) for (one, other), found in zip(pairs, compared, strict=True)
        ),
        only_in_baseline=tuple(only_before),
        only_in_result=tuple(only_after),
        differences=differences,
    )


def _ratio(
    one: CandidateResult,
    other: CandidateResult,
    found: UnpairedComparison,
    refused: NoVerdict | None,
    earlier: Sequence[Result],
) -> CandidateRatio:
    known = found.low is not None and refused != "same result"
    no_verdict: NoVerdict | None = refused or (None if known else "launches")
    return CandidateRatio(
        candidate=other.slug,
        name=other.name,
        baseline_p50=value_of(one, "p50"),
        p50=value_of(other, "p50"),
        ratio=math.exp(found.log_ratio),
        low=math.exp(found.low) if found.low is not None and known else None,
        high=math.exp(found.high) if found.high is not None and known else None,
        verdict=None if no_verdict else found.verdict,
        no_verdict=no_verdict,
        launches=(len(one.per_launch), len(other.per_launch)),
        earlier_results=sum(len(group) for group in _groups(earlier, other, "p50")),
    )


def match(
    baseline: Result, result: Result
) -> tuple[list[tuple[CandidateResult, CandidateResult]], list[str], list[str]]:
    """Return the measured candidates of both results, by slug or else by name, and the names of the others."""
    theirs = [one for one in result.candidates if one.statistics is not None]
    pairs, alone = list[tuple[CandidateResult, CandidateResult]](), list[str]()
    for one in baseline.candidates:
        if one.statistics is None:
            continue
        alike = [other for other in theirs if other.slug == one.slug]
        alike = alike or [other for other in theirs if slugify(other.name) == slugify(one.name)]
        if alike:
            pairs.append((one, alike[0]))
            theirs.remove(alike[0])
        else:
            alone.append(one.name)
    return pairs, alone, [other.name for other in theirs]


def value_of(candidate: CandidateResult, metric: str) -> float:
    """Return a percentile or the mean of a measured candidate, in seconds."""
    assert candidate.statistics is not None
    if metric == "mean":
        return candidate.statistics.mean
    return getattr(candidate.statistics, metric).value or candidate.statistics.mean


def compare_metric(
    baseline: CandidateResult,
    candidate: CandidateResult,
    metric: str,
    *,
    earlier: Iterable[Result] = (),
    equivalence: float,
    confidence: float = 0.95,
) -> UnpairedComparison:
    """Compare a percentile or the mean of a candidate in two results.

    With several launches the estimate is the ratio of the geometric means over launches.
    """
    first, second = (
        [math.log(getattr(launch, metric)) for launch in side.per_launch] for side in (baseline, candidate)
    )
    by_launches = spread_of_launches(first, second)
    if by_launches is not None:
        log_ratio = math.fsum(second) / len(second) - math.fsum(first) / len(first)
    else:
        log_ratio = math.log(value_of(candidate, metric) / value_of(baseline, metric))
    by_results = spread_of_results(_groups(earlier, candidate, metric))
    return compare_unpaired(log_ratio, [by_launches, by_results], equivalence=equivalence, confidence=confidence)


def _groups(earlier: Iterable[Result], candidate: CandidateResult, metric: str) -> list[list[float]]:
    """Return the log of a metric of a candidate in earlier results, grouped by what was measured."""
    groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for result in earlier:
        for one in result.candidates:
            if one.slug == candidate.slug and one.status == "measured" and one.statistics is not None:
                groups.setdefault(_what(result), []).append(math.log(value_of(one, metric)))
    return [group for group in groups.values() if len(group) > 1]


def _what(result: Result) -> tuple[tuple[str, str], ...]:
    """Return the versions and files that were measured, as far as a result has them."""
    inputs = result.checkpoint.inputs if result.checkpoint else {}
    versions = {"Python": result.environment.python, **result.environment.versions} if result.environment else {}
    return tuple(sorted({**versions, **inputs}.items()))


def is_same_result(one: Result, other: Result) -> bool:
    """Return whether two results are the same measurement."""
    return one is other or (one.created_at == other.created_at and one.without_samples() == other.without_samples())


def differences_of(before: Result, after: Result) -> Iterator[Difference]:
    """Yield what differs between two results in machine, versions, plan and inputs."""
    was, now = (_machine(result) for result in (before, after))
    yield from _find_differences("machine", was, now)
    versions = [{"Python": e.python, **e.versions} if (e := result.environment) else {} for result in (before, after)]
    if all(versions):
        yield from _find_differences("version", *versions)
    yield from _find_differences("plan", _work(before.plan), _work(after.plan))
    inputs = [result.checkpoint.inputs if result.checkpoint else {} for result in (before, after)]
    files = [{name: value for name, value in one.items() if len(value) == _SHA_256_DIGITS} for one in inputs]
    yield from _find_differences(
        "input", *({name: one[name] for name in files[0].keys() & files[1].keys()} for one in files)
    )


_SHA_256_DIGITS = 64


def _machine(result: Result) -> dict[str, str]:
    machine = result.environment
    if machine is None:
        return {}
    found = {"host": machine.host, "CPU": machine.cpu, "cores": str(machine.cores) if machine.cores else ""}
    return {name: value for name, value in {**found, "system": machine.os}.items() if value}


def _work(plan: Plan) -> dict[str, str]:
    """Return the parts of a plan that decide what is measured, and not for how long."""
    work = plan.workload
    pinning = ",".join(map(str, plan.pinning)) if isinstance(plan.pinning, tuple) else plan.pinning
    return {
        "data": work.dataset.title,
        "method": work.method,
        "batch size": f"{work.batch_size:,}",
        "scenario": work.scenario,
        "threads": f"{plan.threads:,}",
        "pinning": pinning,
        **{f"definition of {one.slug}": repr((one.model.factory, one.model.parameters)) for one in plan.candidates},
    }


def _find_differences(area: Area, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was == now or (area == "plan" and None in (was, now)):  # candidates of one side are listed elsewhere
            continue
        yield Difference(area=area, name=name, before=was, after=now)
