"""The pass that times the steps of every candidate, after the rounds, each in a process of its own."""

from __future__ import annotations

import contextlib

from latency_tui.engine.candidate_protocol import Called, FirstCall, StepsTimed, TimeSteps, Warmed, WarmUp
from latency_tui.engine.protocol import Measure, MeasureSteps
from latency_tui.engine.server.channel import Channel
from latency_tui.engine.server.core_use import CoreUse
from latency_tui.engine.server.replicas import make_replicas
from latency_tui.engine.server.supervisor import CandidateLost, Supervisor
from latency_tui.engine.server.warm_up import WARM_UP_SECONDS
from latency_tui.engine.step_events import StepsMeasured, StepsStarted

PASS_SECONDS = 2.0
"""Intended duration of the pass of a candidate, over all launches."""
REPLY_SECONDS = 0.25
"""How often a candidate reports: a screen shows progress, and a stop takes effect."""
PREPARATION_SECONDS = 60.0
"""Time limit for the first rounds, in addition to some calls: ONNX Runtime may open two sessions, for example."""
MAX_CALLS_PER_REPLY = 30
"""Calls of the plan's time limit that a reply may take."""


def measure_steps(supervisor: Supervisor, channel: Channel, command: Measure | MeasureSteps, cores: CoreUse) -> None:
    """Time the steps of every candidate of the plan that is ready, one after the other.

    Each runs in a new replica. A candidate without replicas, because its model cannot be stored, runs in its first
    process; its methods are restored afterwards.

    Raises:
        JobStopped: The client wants the job to end.
    """
    plan = command.plan
    if not any(candidate.slug in supervisor for candidate in plan.candidates):
        return
    cores.use_all()
    make_replicas(supervisor, plan, 1, {one.slug: cores.of(one, plan) for one in plan.all_candidates})
    cores.leave()
    for slug in (candidate.slug for candidate in plan.candidates if candidate.slug in supervisor):
        channel.send(StepsStarted(job=command.job, launch=command.launch, candidate=slug))
        channel.flush()
        with contextlib.suppress(CandidateLost):
            _measure(supervisor, channel, command, cores, slug)
    supervisor.end_replicas()


def _measure(
    supervisor: Supervisor, channel: Channel, command: Measure | MeasureSteps, cores: CoreUse, slug: str
) -> None:
    plan, replicas = command.plan, supervisor.replicas(slug)
    candidate = next(one for one in plan.candidates if one.slug == slug)
    number = 0 if replicas else None
    if replicas and replicas[0].call_ns is None:
        first = FirstCall(workload=plan.workload_of(candidate), seed=plan.seed, pinned=cores.of(candidate, plan))
        supervisor.ask(slug, first, Called, "warm-up", plan.call_timeout, replica=number)
        timeout = plan.call_timeout + WARM_UP_SECONDS
        supervisor.ask(slug, WarmUp(brief=True), Warmed, "warm-up", timeout, replica=number)
    request = TimeSteps(seconds=PASS_SECONDS / plan.launches, reply_seconds=REPLY_SECONDS)
    timeout = PREPARATION_SECONDS + MAX_CALLS_PER_REPLY * plan.call_timeout
    while True:
        reply = supervisor.ask(slug, request, StepsTimed, "steps", timeout, replica=number)
        channel.send(
            StepsMeasured(
                job=command.job,
                launch=command.launch,
                candidate=slug,
                timings=reply.timings,
                done=reply.done,
                total=reply.total,
                error=reply.error,
            )
        )
        channel.flush()
        if reply.error or reply.done >= reply.total:
            return
