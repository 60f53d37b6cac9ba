"""Formats a result as JSON of pyperf 1.0: one benchmark per candidate, one run per process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from latency_tui.plan.mix import format_mix
from latency_tui.report.call_samples import candidates_with_calls, json_pieces, split_processes
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

_DATE = "%Y-%m-%d %H:%M:%S.%f"


def render_pyperf(result: Result) -> Iterator[str]:
    """Return the benchmarks of all candidates that did not fail, in pieces.

    Raises:
        UsageError: No candidate was measured, or the result has no samples.
    """
    began = result.created_at.astimezone().strftime(_DATE)  # pyperf writes local time
    benchmarks = [
        {
            "metadata": _benchmark_metadata(result, candidate),
            "runs": [
                {"values": values, "metadata": {"date": began, "duration": float(values.sum())}}
                for values in split_processes(result, candidate, samples)
            ],
        }
        for candidate, samples in candidates_with_calls(result, "pyperf")
    ]
    return json_pieces({"version": "1.0", "metadata": _metadata(result), "benchmarks": benchmarks})


def _benchmark_metadata(result: Result, candidate: CandidateResult) -> dict[str, str | int]:
    rows = format_mix(result.plan.workload.mix) or result.plan.rows_per_call(candidate.slug)
    found: dict[str, str | int] = {"name": clean(candidate.name), "loops": 1, "unit": "second", "rows_per_call": rows}
    return found | _versions(candidate.versions)  # those of the candidate's environment, if the plan has several


def _metadata(result: Result) -> dict[str, str | int]:
    """Return what is common to all benchmarks, under the names that pyperf uses; it refuses empty texts."""
    machine, work = result.environment, result.plan.workload
    found: dict[str, str | int] = {
        "description": f"latency of one call{_alone(result)}, measured by latency-tui",
        "method": work.method,
    }
    if machine is None:
        return found
    texts = {
        "hostname": machine.host,
        "platform": machine.os.replace(" ", "-"),
        "cpu_model_name": machine.cpu,
        "cpu_affinity": ",".join(map(str, machine.pinned)),
        "python_version": machine.python,
    }
    return (
        found
        | _versions(machine.versions)
        | {"cpu_count": machine.cores}
        | {key: clean(text) for key, text in texts.items() if clean(text)}
    )


def _alone(result: Result) -> str:
    """Return that there was no load on the calls of the file, if the result also has a load test."""
    return " after another, without load" if result.load or result.offline else ""


def _versions(versions: Mapping[str, str]) -> dict[str, str | int]:
    return {f"{name.lower().replace('-', '_')}_version": clean(number) for name, number in versions.items() if number}
