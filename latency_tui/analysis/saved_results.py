"""Compares saved results, whose variance between measurements comes from launches and from earlier results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from latency_tui.catalog.working_tree import SHORT_COMMIT, WorkingTree
from latency_tui.engine.protocol import Environment
from latency_tui.plan import Plan, slugify
from latency_tui.plan.mix import format_mix
from latency_tui.result.launch_statistics import LaunchStatistics
from latency_tui.result.other_tools import Suite
from latency_tui.result.result import CandidateResult, Result
from latency_tui.result.saved_comparison import Area, CandidateRatio, Difference, NoVerdict, SavedComparison
from latency_tui.stats.defaults import EQUIVALENCE, MIN_CLUSTERS
from latency_tui.stats.percentiles import PERCENTILES
from latency_tui.stats.unpaired import (
    UnpairedComparison,
    compare_unpaired,
    judge_unpaired,
    spread_of_launches,
    spread_of_results,
)

_WORKLOAD = ("data", "method", "batch size", "scenario", "threads")
"""Parts of a plan that decide what a call computes."""
_SHA_256_DIGITS = 64


@dataclass(frozen=True)
class ComparedCandidate:
    """One measured candidate of a saved result.

    Attributes:
        slug: Its slug.
        name: Its display name.
        statistics: Its statistics, in seconds.
        launches: The statistics of each launch.
        figures: Its `score`, `memory` (bytes) and `cold_start` (seconds), as far as they were measured.
    """

    slug: str
    name: str
    statistics: LaunchStatistics
    launches: tuple[LaunchStatistics, ...]
    figures: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, candidate: CandidateResult) -> ComparedCandidate:
        """Return what a comparison needs of a candidate that was measured."""
        numbers = candidate.statistics
        assert numbers is not None
        percentiles = {key: getattr(numbers, key).value or numbers.mean for key in PERCENTILES}
        whole = LaunchStatistics(mean=numbers.mean, **percentiles)
        return cls(candidate.slug, candidate.name, whole, candidate.per_launch or (whole,), _figures(candidate))


@dataclass(frozen=True)
class ComparedResult:
    """A saved result, whichever tool measured it.

    Attributes:
        candidates: The measured candidates.
        environment: Hardware and software; None if it is unknown.
        plan: The plan; None for a result of another tool.
        inputs: SHA-256 of the measured files, by name.
        created_at: When it was measured; None if it is unknown.
        equivalence: Half-width of the region of practical equivalence.
        working_tree: The git working tree that models come from; None if it is unknown.
    """

    candidates: tuple[ComparedCandidate, ...]
    environment: Environment | None = None
    plan: Plan | None = None
    inputs: Mapping[str, str] | None = None
    created_at: datetime | None = None
    equivalence: float = EQUIVALENCE
    working_tree: WorkingTree | None = None

    @classmethod
    def of(cls, result: Result | Suite) -> ComparedResult:
        """Return what a comparison needs of a result or of a file of another tool."""
        if isinstance(result, Suite):
            measured = tuple(
                ComparedCandidate(one.slug, one.name, _statistics(one.samples), tuple(map(_statistics, one.launches)))
                for one in result.benchmarks
            )
            return cls(measured, result.environment, created_at=result.created_at)
        return cls(
            tuple(ComparedCandidate.of(one) for one in result.candidates if one.statistics is not None),
            result.environment,
            result.plan,
            result.inputs,
            result.created_at,
            result.equivalence,
            result.working_tree,
        )


def _figures(candidate: CandidateResult) -> dict[str, float]:
    """Return the figures of a candidate that have no interval, by metric."""
    start = candidate.cold_start
    found = {} if candidate.score is None else {"score": candidate.score, candidate.metric: candidate.score}
    if start is not None:
        found["memory"] = float(start.memory_peak)
        if start.first_calls:
            found["cold_start"] = start.import_seconds + start.load_seconds + start.first_calls[0]
    return found


def _statistics(values: NDArray[np.float64]) -> LaunchStatistics:
    found = np.quantile(values, list(PERCENTILES.values())).tolist()
    return LaunchStatistics(mean=float(np.mean(values)), **dict(zip(PERCENTILES, found, strict=True)))


def compare_saved(
    baseline: Result | Suite,
    result: Result | Suite,
    *,
    names: tuple[str, str] = ("baseline", "result"),
    earlier: Sequence[Result] = (),
    force: bool = False,
) -> SavedComparison:
    """Compare each candidate of a result with the same candidate of a baseline.

    Args:
        baseline: The result to compare with.
        result: The result that is compared.
        names: Names of the baseline and the result, such as their files.
        earlier: Other results of the same plan on the same machine.
        force: Whether to give a verdict although the CPU differs.
    """
    before, after = ComparedResult.of(baseline), ComparedResult.of(result)
    pairs, only_before, only_after = match(before, after)
    differences = tuple(differences_of(before, after))
    refused: NoVerdict | None = None
    if before.created_at == after.created_at and before.candidates == after.candidates:
        refused = "same result"
    elif not force and any(one.name == "CPU" and one.before and one.after for one in differences):
        refused = "cpu"
    equivalence = max(before.equivalence, after.equivalence)
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
    one: ComparedCandidate,
    other: ComparedCandidate,
    found: UnpairedComparison,
    refused: NoVerdict | None,
    earlier: Sequence[Result],
) -> CandidateRatio:
    known = found.low is not None and refused != "same result"
    no_verdict: NoVerdict | None = refused or (None if known else "launches")
    return CandidateRatio(
        candidate=other.slug,
        name=other.name,
        baseline_p50=one.statistics.p50,
        p50=other.statistics.p50,
        ratio=math.exp(found.log_ratio),
        low=math.exp(found.low) if found.low is not None and known else None,
        high=math.exp(found.high) if found.high is not None and known else None,
        verdict=None if no_verdict else found.verdict,
        no_verdict=no_verdict,
        launches=(len(one.launches), len(other.launches)),
        earlier_results=sum(len(group) for group in _groups(earlier, other, "p50")),
    )


def match(
    baseline: ComparedResult, result: ComparedResult
) -> tuple[list[tuple[ComparedCandidate, ComparedCandidate]], list[str], list[str]]:
    """Return the candidates of both results, paired by slug or else by name, and the names of the others."""
    theirs, pairs, alone = [*result.candidates], list[tuple[ComparedCandidate, ComparedCandidate]](), list[str]()
    for one in baseline.candidates:
        alike = [other for other in theirs if other.slug == one.slug]
        alike = alike or [other for other in theirs if slugify(other.name) == slugify(one.name)]
        if alike:
            pairs.append((one, alike[0]))
            theirs.remove(alike[0])
        else:
            alone.append(one.name)
    return pairs, alone, [other.name for other in theirs]


def baseline_medians(baseline: Result, result: Result) -> dict[str, float]:
    """Return the p50 that each candidate of a result has in a baseline, in seconds, by its slug in the result."""
    pairs, _, _ = match(ComparedResult.of(baseline), ComparedResult.of(result))
    return {other.slug: one.statistics.p50 for one, other in pairs}


def compare_metric(
    baseline: ComparedCandidate,
    candidate: ComparedCandidate,
    metric: str,
    *,
    earlier: Iterable[Result] = (),
    equivalence: float,
    confidence: float = 0.95,
) -> UnpairedComparison:
    """Compare a percentile or the mean of a candidate in two results.

    With several launches the estimate is the ratio of the geometric means over launches.
    """
    first, second = ([math.log(getattr(launch, metric)) for launch in side.launches] for side in (baseline, candidate))
    by_launches = spread_of_launches(first, second)
    if by_launches is not None:
        log_ratio = math.fsum(second) / len(second) - math.fsum(first) / len(first)
    else:
        log_ratio = math.log(getattr(candidate.statistics, metric) / getattr(baseline.statistics, metric))
    by_results = spread_of_results(_groups(earlier, candidate, metric))
    return compare_unpaired(log_ratio, [by_launches, by_results], equivalence=equivalence, confidence=confidence)


def _groups(earlier: Iterable[Result], candidate: ComparedCandidate, metric: str) -> list[list[float]]:
    """Return the log of a metric of a candidate in earlier results, grouped by what was measured."""
    groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for result in earlier:
        for one in result.candidates:
            if one.slug == candidate.slug and one.status == "measured" and one.statistics is not None:
                value = getattr(ComparedCandidate.of(one).statistics, metric)
                groups.setdefault(_what(result), []).append(math.log(value))
    return [group for group in groups.values() if len(group) >= MIN_CLUSTERS]


def _what(result: Result) -> tuple[tuple[str, str], ...]:
    """Return the versions and files that were measured, if the result contains them."""
    inputs = result.inputs
    return tuple(sorted({**_versions(result.environment), **inputs}.items()))


def differences_of(before: ComparedResult, after: ComparedResult) -> Iterator[Difference]:
    """Yield what differs between two results in machine, versions, plan and inputs."""
    yield from _find_differences("machine", _machine(before.environment), _machine(after.environment))
    yield from _version_differences(before.environment, after.environment)
    if before.plan is not None and after.plan is not None:
        yield from _find_differences("plan", _work(before.plan), _work(after.plan))
    files = [_files(side.inputs or {}) for side in (before, after)]
    yield from _find_differences(
        "input", *({name: one[name] for name in files[0].keys() & files[1].keys()} for one in files)
    )
    if before.working_tree is not None and after.working_tree is not None:
        commits = ({"commit": _format_commit(tree)} for tree in (before.working_tree, after.working_tree))
        yield from _find_differences("revision", *commits)


def _files(inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of files and modules, by file name if that is unique, because folders may differ."""
    hashes = {name: value for name, value in inputs.items() if len(value) == _SHA_256_DIGITS}
    names = [PurePath(name).name for name in hashes]
    return {
        short if names.count(short) == 1 else name: value
        for (name, value), short in zip(hashes.items(), names, strict=True)
    }


def _format_commit(tree: WorkingTree) -> str:
    return f"{tree.commit[:SHORT_COMMIT]}{' with uncommitted changes' if tree.is_modified else ''}"


def find_environment_differences(before: Environment | None, after: Environment | None) -> list[Difference]:
    """Return what differs in CPU model, cores and versions, which a saved baseline must share with a gate."""
    machine = _find_differences("machine", _machine(before), _machine(after))
    hardware = [one for one in machine if one.name in ("CPU", "cores") and before is not None and after is not None]
    return [*hardware, *_version_differences(before, after)]


def find_workload_differences(before: Plan | None, after: Plan) -> list[Difference]:
    """Return what differs in what a call computes, which a saved baseline must share with a gate.

    Models and their definitions may differ, because they are what a gate compares, and so may the pinning.
    """
    if before is None:
        return []
    works = ({name: _work(plan)[name] for name in _WORKLOAD} for plan in (before, after))
    return [*_find_differences("plan", *works)]


def _version_differences(before: Environment | None, after: Environment | None) -> Iterator[Difference]:
    versions = [_versions(environment) for environment in (before, after)]
    if not all(versions):
        return
    if min(map(len, versions)) == 1:  # files of other tools contain at most the version of Python
        versions = [{"Python": one["Python"]} for one in versions]
    yield from _find_differences("version", *versions)


def _versions(environment: Environment | None) -> dict[str, str]:
    if environment is None or not environment.python:
        return {}
    return {"Python": environment.python, **environment.versions}


def _machine(machine: Environment | None) -> dict[str, str]:
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
        "batch size": format_mix(work.mix) or ", ".join(f"{rows:,}" for rows in plan.batch_sizes),
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
