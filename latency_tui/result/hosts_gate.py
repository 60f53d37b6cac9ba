"""The outcome of `latency-tui check` on several hosts: every host has a gate of its own."""

from __future__ import annotations

import msgspec

from latency_tui.result.check_outcome import GateLine, GateVerdict
from latency_tui.result.gate import Gate


class HostGate(msgspec.Struct, frozen=True, kw_only=True):
    """The gate of one host.

    Attributes:
        host: Its name.
        cpu: Model of its CPU; empty if it is unknown.
        gate: The gate, as of one machine; None if nothing was measured there.
        error: Why it measured nothing, or not everything; empty if it measured everything.
        exit_code: Exit code of a check on this host alone.
    """

    host: str
    cpu: str = ""
    gate: Gate | None = None
    error: str = ""
    exit_code: int = 0

    @property
    def lines(self) -> tuple[GateLine, ...]:
        """One line per limit and candidate."""
        return self.gate.lines if self.gate else ()


class HostsGate(msgspec.Struct, frozen=True, kw_only=True):
    """The gates of several hosts.

    Attributes:
        verdict: `FAIL` if a limit is broken on a host, else `INCONCLUSIVE` if one is undecided or a host failed, else
            `PASS`.
        exit_code: Exit code of the command.
        strict: Whether an inconclusive verdict has an exit code other than 0.
        seconds: Duration of the check.
        hosts: The gate of each host, and hosts that could not measure.
    """

    verdict: GateVerdict
    exit_code: int
    strict: bool = False
    seconds: float = 0.0
    hosts: tuple[HostGate, ...] = ()
