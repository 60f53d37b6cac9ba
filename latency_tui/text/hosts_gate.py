"""Sentences on a check of several hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.hosts_gate import HostsGate

_LISTED = 5
"""Hosts that a sentence names; it counts more."""


def describe_hosts_gate(gate: HostsGate) -> str:
    """Return the verdict on all hosts in one line that begins with PASS, FAIL or INCONCLUSIVE."""
    lines = sum(len(one.lines) for one in gate.hosts)
    found = {one.host: sum(line.verdict == gate.verdict for line in one.lines) for one in gate.hosts}
    count, where = sum(found.values()), _list([host for host, number in found.items() if number])
    failed = [one.host for one in gate.hosts if one.error]
    suffix = f"; {_list(failed)} failed" if failed else ""
    of = "the limit" if lines == 1 else f"{count:,} of {lines:,} limits"
    are = "is" if count == 1 else "are"
    if gate.verdict == "PASS":
        return f"PASS: {of} {'holds' if lines == 1 else 'hold'} on {where}."
    if gate.verdict == "FAIL":
        return f"FAIL: {of} {are} broken on {where}, in two measurements{suffix}."
    if count:
        return f"INCONCLUSIVE: {of} {are} undecided on {where}{suffix}."
    return f"INCONCLUSIVE: {_list(failed)} failed." if failed else "INCONCLUSIVE: no limit could be judged."


def _list(hosts: Sequence[str]) -> str:
    """Return the names of hosts: `a, b and c`."""
    if len(hosts) > _LISTED:
        return f"{len(hosts):,} hosts"
    return clean(" and ".join(filter(None, (", ".join(hosts[:-1]), *hosts[-1:]))))
