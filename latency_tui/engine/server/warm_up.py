"""Warms candidates up and starts their replicas, before the rounds."""

from __future__ import annotations

from dataclasses import dataclass

from latency_tui.engine.candidate_protocol import Called, FirstCall, Warmed, WarmUp
from latency_tui.engine.protocol import Measure, MeasureSteps, WarmUpFinished
from latency_tui.engine.server.channel import Channel
from latency_tui.engine.server.compared_predictions import compare_predictions
from latency_tui.engine.server.core_use import CoreUse
from latency_tui.engine.server.replicas import make_replicas
from latency_tui.engine.server.supervisor import CandidateLost, Supervisor

FLUSH_SECONDS = 0.1
"""Events are written at most this often: writing wakes the front end, which takes time from a core."""
WARM_UP_SECONDS = 5.0
"""Time limit for a warm-up, in addition to the plan's time limit for a call."""
WARM_UP_CALLS = 20
"""A slow candidate may take as long as this many of its first calls instead."""


@dataclass(frozen=True)
class Warm:
    """Candidates that are warm: seconds per call by slug, and the floor of the timed loop in nanoseconds."""

    call_seconds: dict[str, float]
    timer_floor_ns: float


class WarmUps:
    """Warms the candidates of one client up.

    Args:
        supervisor: Asks the processes.
        channel: Takes the events.
        cores: The cores of the candidates.
    """

    def __init__(self, supervisor: Supervisor, channel: Channel, cores: CoreUse) -> None:
        self._supervisor = supervisor
        self._channel = channel
        self._cores = cores

    def warm_up(self, command: Measure | MeasureSteps) -> Warm:
        """Call every candidate until its latencies are steady."""
        plan, call_seconds, floors = command.plan, dict[str, float](), list[float]()
        for candidate in plan.all_candidates:
            slug = candidate.slug
            if slug not in self._supervisor:
                continue
            cores = self._cores.of(candidate, plan)
            first = FirstCall(workload=plan.workload_of(candidate), seed=plan.seed, pinned=cores)
            try:
                called = self._supervisor.ask(slug, first, Called, "warm-up", plan.call_timeout)
                timeout = plan.call_timeout + max(WARM_UP_SECONDS, WARM_UP_CALLS * called.nanoseconds / 1e9)
                warmed = self._supervisor.ask(slug, WarmUp(), Warmed, "warm-up", timeout)
            except CandidateLost:
                continue
            call_seconds[slug] = warmed.call_ns / 1e9
            floors.append(warmed.timer_floor_ns)
            self._channel.send(
                WarmUpFinished(
                    job=command.job,
                    launch=command.launch,
                    candidate=slug,
                    calls=warmed.calls,
                    seconds=warmed.nanoseconds / 1e9,
                    steady=warmed.steady,
                    first_calls=warmed.first_calls,
                    call_seconds=warmed.call_ns / 1e9,
                    received=called.received,
                )
            )
            self._channel.flush(at_most_every=FLUSH_SECONDS)
        compare_predictions(self._supervisor, self._channel, command, call_seconds)
        return Warm(call_seconds, sorted(floors)[len(floors) // 2] if floors else 0.0)

    def start_replicas(self, command: Measure, count: int, call_seconds: dict[str, float]) -> dict[str, float]:
        """Start replicas of every warm candidate and warm them.

        Returns:
            Seconds per call of the candidates that survived, by slug: the estimate of the first process, or the lower
            quartile of all estimates if that is less. A warm-up at a bad moment can report twice the right value, and
            so can short ones in parallel. Blocks would then be half as long, and of two identical candidates the one
            with shorter blocks looks slower, because first calls are slower.

        Each process gets other physical memory: identical models in two processes differ by up to a percent for as
        long as both live, however long they are measured. Rounds rotate over several replicas, so that the
        differences average out and the comparison sees how large they are.
        """
        plan, alive = command.plan, dict[str, float]()
        cores = {c.slug: self._cores.of(c, plan) for c in plan.all_candidates}
        self._cores.use_all()  # nothing is timed yet, and replicas start faster on all cores
        make_replicas(self._supervisor, plan, count, cores)
        self._cores.leave()
        for candidate in plan.all_candidates:
            slug = candidate.slug
            if slug not in call_seconds or slug not in self._supervisor:
                continue
            first = FirstCall(workload=plan.workload_of(candidate), seed=plan.seed, pinned=cores[slug])
            replicas = self._supervisor.replicas(slug)
            said = [call_seconds[slug] * 1e9, *(replica.call_ns for replica in replicas if replica.call_ns is not None)]
            try:
                for number in (number for number, replica in enumerate(replicas) if replica.call_ns is None):
                    self._supervisor.ask(slug, first, Called, "warm-up", plan.call_timeout, replica=number)
                    timeout = plan.call_timeout + WARM_UP_SECONDS
                    warmed = self._supervisor.ask(slug, WarmUp(brief=True), Warmed, "warm-up", timeout, replica=number)
                    said.append(warmed.call_ns)
            except CandidateLost:
                continue
            alive[slug] = min(said[0], sorted(said)[len(said) // 4]) / 1e9
        return alive
