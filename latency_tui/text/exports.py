"""Says which parts of a result a format of another tool, or a picture, cannot contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_PARTS = {
    "load": "the load test",
    "offline": "the offline throughput",
    "sweep": "the fits of the sweep",
    "mix": "the classes of the mix",
    "steps": "the steps",
}
_HELD: dict[str, frozenset[str]] = {
    "svg": frozenset({"load", "steps"}),
    "pyperf": frozenset(),
    "hyperfine": frozenset(),
    "github-action-benchmark": frozenset({"load"}),
    "junit": frozenset({"load", "offline", "sweep"}),
}
"""What each of these formats contains; all others contain everything."""


def describe_omissions(result: Result, report_format: str) -> str:
    """Return a sentence on what a format leaves out of a result; empty if it has a place for everything."""
    held = _HELD.get(report_format)
    present = {
        "load": bool(result.load),
        "offline": bool(result.offline),
        "sweep": any(one.fit or one.best for one in result.sweeps),
        "mix": bool(result.plan.workload.mix),
        "steps": bool(result.step_passes),
    }
    if held is None:
        return ""
    if report_format == "svg" and not _has_load_curve(result):
        held -= {"load"}
    if report_format == "github-action-benchmark" and result.highest_rates:  # its rates differ in each search
        held -= {"load"}
    left_out = [words for part, words in _PARTS.items() if present[part] and part not in held]
    if not left_out:
        return ""
    listed = f"{', '.join(left_out[:-1])} and {left_out[-1]}" if len(left_out) > 1 else left_out[0]
    return f"{report_format} has no place for {listed}; export csv, html or json for that."


def _has_load_curve(result: Result) -> bool:
    """Return whether a candidate has a p99 response time at several rates, which can be drawn as a line."""
    known = [one.candidate for one in result.load if one.valid and one.response.p99 is not None]
    return len(set(known)) < len(known)
