"""Which cores the candidates and the engine run on during a measurement."""

from __future__ import annotations

import contextlib
import os

from latency_tui.engine import machine
from latency_tui.engine.server.supervisor import Supervisor
from latency_tui.plan import Candidate, Plan


class CoreUse:
    """The cores of one measurement.

    Args:
        supervisor: Knows the processes of the candidates.

    Attributes:
        allowed: Cores that this process and its children may run on.
        pinned: Cores that candidates are pinned to; empty if they are not pinned.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self.allowed = machine.allowed_cores()
        self.pinned: tuple[int, ...] = ()

    def choose(self, plan: Plan, load: machine.CoreLoad) -> None:
        """Choose the cores of the candidates for a measurement, and leave them."""
        self.allowed = machine.allowed_cores()  # some may have been taken away since the last measurement
        self.pinned = machine.choose_cores(plan, self.allowed, load)
        self.leave()

    def leave(self, cores: tuple[int, ...] | None = None) -> None:
        """Leave the cores that candidates are pinned to, or other ones; stay if there is no other core."""
        self._use(set(self.allowed) - set(self.pinned if cores is None else cores))

    def use_all(self) -> None:
        """Use all cores again."""
        self._use(set(self.allowed))

    def _use(self, cores: set[int]) -> None:
        if cores:
            with contextlib.suppress(OSError):  # the cores have been taken away
                os.sched_setaffinity(0, cores)

    def of(self, candidate: Candidate, plan: Plan) -> tuple[int, ...]:
        """Return the cores that a candidate may use."""
        jobs = self._supervisor.job_count(candidate.slug)
        return machine.expand_cores(self.pinned, candidate, plan, self.allowed, jobs)

    def lost(self, plan: Plan) -> tuple[int, ...]:
        """Return the cores that candidates were to run on and cannot: a container's limits changed, or somebody else's.

        A process that loses its core continues on the cores that the system still allows it.
        """
        lost: set[int] = set()
        for candidate in plan.all_candidates:
            cores = self.of(candidate, plan)
            for process in self._supervisor.processes(candidate.slug):
                lost |= machine.missing_cores(process.pid, cores)
        return tuple(sorted(lost))
