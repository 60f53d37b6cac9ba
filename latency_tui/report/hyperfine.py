"""Formats a result as the JSON of `hyperfine --export-json`: one entry per candidate, a time per call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from latency_tui.plan.mix import format_mix
from latency_tui.report.call_samples import candidates_with_calls, json_pieces
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.plan import Setting
    from latency_tui.report.call_samples import Latencies
    from latency_tui.result.result import CandidateResult, Result


GENERATOR = "latency-tui"
"""Value of an additional key. It shows that the times are of calls within a process, not of processes."""


def render_hyperfine(result: Result) -> Iterator[str]:
    """Return the times of all candidates that did not fail, in pieces.

    Raises:
        UsageError: No candidate was measured, or the result has no samples.
    """
    settings = {one.slug: one.settings for one in result.plan.candidates}
    entries = []
    for candidate, samples in candidates_with_calls(result, "hyperfine"):
        entry = _entry(candidate, samples)
        found = _requests(result, candidate) | settings.get(candidate.slug, {})
        if parameters := {clean(name): clean(str(value)) for name, value in found.items()}:
            entry["parameters"] = parameters
        entries.append(entry)
    return json_pieces({"generator": GENERATOR, "results": entries}, indent=2)


def _requests(result: Result, candidate: CandidateResult) -> dict[str, Setting]:
    """Return the batch size or the mix of the calls, unless each call has one row."""
    if mix := format_mix(result.plan.workload.mix):
        return {"mix": mix}
    rows = result.plan.rows_per_call(candidate.slug)
    return {"batch": rows} if rows != 1 else {}


def _entry(candidate: CandidateResult, samples: Latencies) -> dict[str, object]:
    statistics = candidate.statistics
    assert statistics is not None
    return {
        "command": clean(candidate.name),
        "mean": statistics.mean,
        "stddev": statistics.std if candidate.calls > 1 else None,
        "median": statistics.p50.value,
        "user": None,  # unknown; in hyperfine it is the CPU time of the command
        "system": None,
        "min": statistics.min,
        "max": statistics.max,
        "times": samples,
        "exit_codes": np.zeros(samples.size, dtype=np.int64),
    }
