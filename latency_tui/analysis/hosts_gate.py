"""Computes the outcome of a check on several hosts from the gates of the hosts."""

from __future__ import annotations

from collections.abc import Sequence

from latency_tui.result.check_outcome import GateVerdict
from latency_tui.result.hosts_gate import HostGate


def verdict_across_hosts(hosts: Sequence[HostGate]) -> GateVerdict:
    """Return the worst verdict of the hosts; a host that failed is at best inconclusive."""
    verdicts = {one.gate.verdict for one in hosts if one.gate is not None}
    if "FAIL" in verdicts:
        return "FAIL"
    return "PASS" if verdicts == {"PASS"} and not any(one.error for one in hosts) else "INCONCLUSIVE"
