"""The coordinator: the main loop of the engine process. It takes a plan, gets its candidates ready and measures them.

It has one thread. While it waits for anything it also reads commands, so that a stop takes effect at once and the end
of its standard input ends everything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from latency_tui.catalog.input_hashes import identify_inputs
from latency_tui.catalog.working_tree import find_working_tree
from latency_tui.engine import machine
from latency_tui.engine.candidate import failures
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate_protocol import (
    BlockDone,
    RunBlock,
)
from latency_tui.engine.cold_start_events import ColdStartMeasured, ColdStartStarted
from latency_tui.engine.environment_events import EnvironmentIdentified
from latency_tui.engine.protocol import (
    BlockMeasured,
    EngineFailed,
    EngineReady,
    EngineStarted,
    InputsIdentified,
    Job,
    JobFinished,
    Measure,
    MeasurementStarted,
    MeasureSteps,
    Reason,
    RoundFinished,
    Train,
)
from latency_tui.engine.server import cold_start
from latency_tui.engine.server.channel import Channel, InputClosed, JobStopped
from latency_tui.engine.server.core_use import CoreUse
from latency_tui.engine.server.load import LoadRunner, worker_processes
from latency_tui.engine.server.machine_lock import machine_lock
from latency_tui.engine.server.rate_searches import search_rates
from latency_tui.engine.server.schedule import (
    ROUNDS_PER_REPLICA,
    Schedule,
    long_block_calls,
    max_replicas,
    orders,
    replica_count,
    rotation,
    schedule,
)
from latency_tui.engine.server.step_pass import measure_steps
from latency_tui.engine.server.supervisor import CandidateLost, Supervisor
from latency_tui.engine.server.training import Training, memory_limit_of
from latency_tui.engine.server.warm_up import WarmUps
from latency_tui.errors import DataError

ROUND_FLUSH_SECONDS = 0.1
"""Events are written at most this often between rounds: writing wakes the front end, which takes time from a core."""
BLOCK_FLUSH_SECONDS = 0.2
"""The same within a round of slow candidates, so that the screen is up to date."""
STEAL_INTERVAL_SECONDS = 1.0
"""How often the time that the host took from this machine is read; the system counts it in steps of 10 ms."""
BLOCK_TIMEOUT_RATIO = 3
"""A block may take this many times the duration that the warm-up predicts, in addition to the limit for a call."""
MIN_REPLICAS = 2
"""With fewer processes per candidate there is nothing to rotate over, so the first process measures alone."""
DISCARD_CALLS = 10
"""Most calls that are discarded before a block, which warm the caches again after the turns of the others."""
DISCARD_SECONDS = 0.0015
"""Time for these calls: a third of a block. A slower candidate discards its first call only."""


class Coordinator:
    """Serves one client.

    Args:
        channel: Commands in, events out.
        folder: A private folder for the logs and stored models of the candidates.
        context: What the processes of candidates share with the engine.
        fork: Whether candidates are forked from this process or started afresh.
    """

    def __init__(self, channel: Channel, folder: Path, context: ProcessContext, *, fork: bool) -> None:
        self._context = context
        self._channel = channel
        self._fork = fork
        self._supervisor = Supervisor(channel, folder, context, fork=fork)
        self._training = Training(self._supervisor, channel, fork=fork)
        self._cores = CoreUse(self._supervisor)
        self._warm_ups = WarmUps(self._supervisor, channel, self._cores)
        self._load = machine.CoreLoad()
        self._load_before: float | None = None
        self._trained_job = ""

    def serve(self, on_ready: Callable[[], None]) -> None:
        """Serve the client until it is gone. `on_ready` is called as soon as the client knows that the engine runs."""
        try:
            self._channel.send(EngineStarted(environment=machine.describe()))
            self._channel.flush()
            on_ready()
            self._channel.send(EngineReady())
            self._channel.flush()
            while True:
                self._handle(self._channel.next_job())
        except InputClosed:
            return
        finally:
            self._supervisor.end_all()

    def _handle(self, command: Job) -> None:
        reason: Reason = "completed"
        is_continuation = command.job == self._trained_job
        self._trained_job = command.job if isinstance(command, Train) else ""
        if not is_continuation:
            self._load_before = machine.load_average()
            if command.launch:  # this engine ran during the launch before, so its baseline includes that
                self._load = machine.CoreLoad()
        try:
            with self._alone(command):
                if not is_continuation:
                    self._begin(command)
                self._training.prepare(command.plan)
                if isinstance(command, Measure):
                    reason = self._measure(command)
                elif isinstance(command, MeasureSteps):
                    reason = self._measure_steps(command)
        except JobStopped as stopped:
            reason = stopped.reason
        except InputClosed:
            raise
        except Exception as error:  # noqa: BLE001 (bad data or a bug: it is reported, and the engine goes on)
            message, story = failures.describe(error)
            failed = EngineFailed(job=command.job, message=message, traceback=story, data=isinstance(error, DataError))
            self._channel.send(failed)
        self._channel.send(JobFinished(job=command.job, reason=reason))
        self._channel.flush()
        self._supervisor.end_replicas()

    def _alone(self, command: Job) -> contextlib.AbstractContextManager[None]:
        """Return a context in which no other measurement runs on this machine."""
        return contextlib.nullcontext() if isinstance(command, Train) else machine_lock(self._channel, command.job)

    def _begin(self, command: Job) -> None:
        """Begin a job: check the interpreters that it names, and report what it is going to measure."""
        plan, job, interpreters = command.plan, command.job, self._supervisor.interpreters
        self._supervisor.begin_job(job, memory_limit_of(plan))
        for slug, message in interpreters.check(plan).items():
            self._supervisor.refuse(slug, message)
        inputs = identify_inputs(plan, self._context.import_folders) | interpreters.inputs(plan.candidates)
        self._channel.send(InputsIdentified(job=job, inputs=inputs, working_tree=find_working_tree(plan)))
        if any(candidate.python for candidate in plan.candidates):
            for candidate in plan.candidates:
                if not self._supervisor.has_failed(candidate.slug):
                    versions = interpreters.report(candidate).versions
                    self._channel.send(EnvironmentIdentified(job=job, candidate=candidate.slug, versions=versions))
        self._channel.flush()

    def _measure(self, command: Measure) -> Reason:
        self._cores.choose(command.plan, self._load)
        try:
            warm = self._warm_ups.warm_up(command)
            if not warm.call_seconds:
                return "nothing left to measure"
            replicas = replica_count(
                len(warm.call_seconds), schedule(command.plan, warm.call_seconds).rounds, fork=self._fork
            )
            replicas = max(replicas, worker_processes(command.plan))
            alive = (
                self._warm_ups.start_replicas(command, replicas, warm.call_seconds)
                if replicas >= MIN_REPLICAS
                else warm.call_seconds
            )
            if not alive:
                return "nothing left to measure"
            if command.load_only:
                self._measure_load(command, alive)
                return "completed"
            cut = schedule(command.plan, alive)
            self._channel.send(
                MeasurementStarted(
                    job=command.job,
                    launch=command.launch,
                    rounds=cut.rounds,
                    calls={slug: sum(sizes) for slug, sizes in cut.calls.items()},
                    seconds=cut.seconds,
                    timer_floor_ns=warm.timer_floor_ns,
                    pinned=self._cores.pinned,
                    load=self._load_before,
                    max_replicas=max_replicas(len(command.plan.all_candidates), fork=self._fork),
                    rounds_per_replica=ROUNDS_PER_REPLICA,
                    calls_per_long_block=long_block_calls(command.plan, alive),
                )
            )
            self._channel.flush()
            reason = self._run_rounds(command, cut, alive, replicas)
            if command.plan.cold_start:
                self._measure_cold_starts(command)
            if command.plan.load is not None:
                self._measure_load(command, alive)
            if command.plan.steps:  # the last pass, because it ends the replicas
                measure_steps(self._supervisor, self._channel, command, self._cores)
            return reason
        finally:
            self._cores.use_all()

    def _measure_steps(self, command: MeasureSteps) -> Reason:
        self._cores.choose(command.plan, self._load)
        try:
            if not self._warm_ups.warm_up(command).call_seconds:
                return "nothing left to measure"
            measure_steps(self._supervisor, self._channel, command, self._cores)
            return "completed"
        finally:
            self._cores.use_all()

    def _measure_load(self, command: Measure, call_seconds: dict[str, float]) -> None:
        load = command.plan.load
        assert load is not None
        runner = LoadRunner(self._supervisor, self._channel, command, call_seconds, self._cores, self._load)
        self._cores.leave(runner.cores)
        if load.find_rate and command.rates is None:
            runner.send_started()
            search_rates(runner, self._channel, command, runner.live_call_seconds)
        else:
            rates = (0.0,) if load.offline else load.rates
            runner.run(dict.fromkeys(runner.live_call_seconds, rates) if command.rates is None else command.rates)

    def _measure_cold_starts(self, command: Measure) -> None:
        for candidate in command.plan.candidates:
            if candidate.slug not in self._supervisor:
                continue
            begun = ColdStartStarted(job=command.job, launch=command.launch, candidate=candidate.slug)
            self._channel.send(begun)
            self._channel.flush()
            cores = self._cores.of(candidate, command.plan)
            with contextlib.suppress(CandidateLost):
                try:
                    found = cold_start.measure(self._supervisor, self._channel, candidate, cores, command.plan)
                finally:
                    self._supervisor.end_orphans()
                self._channel.send(msgspec.convert({**msgspec.structs.asdict(begun), **found}, ColdStartMeasured))
                self._channel.flush()

    def _run_rounds(
        self,
        command: Measure,
        cut: Schedule,
        call_seconds: dict[str, float],
        replicas: int,
    ) -> Reason:
        """Measure one block of every candidate per round. Events are sent between blocks."""
        job, launch, plan = command.job, command.launch, command.plan
        running, offset, began, looked = set(call_seconds), 0, time.monotonic(), time.monotonic()
        made = dict.fromkeys(call_seconds, 0)
        rotated = rotation(replicas, f"{plan.seed}/{launch}")
        steal = machine.StealTime(self._cores.pinned or self._cores.allowed)
        drawn = orders(list(call_seconds), cut.rounds, f"{plan.seed}/{launch}", balanced=not plan.until_known)
        for number, (order, replica) in enumerate(zip(drawn, rotated, strict=False)):
            for position, slug in enumerate(name for name in order if name in running):
                size = cut.calls[slug][number]
                discarded = min(DISCARD_CALLS, round(DISCARD_SECONDS / call_seconds[slug]))
                # Each candidate goes through a mix from the beginning, so that its calls have the shares of the mix.
                first = made[slug] if plan.workload.mix else offset
                made[slug] += size
                request = RunBlock(calls=size, offset=first, discard_calls=discarded)
                timeout = plan.call_timeout + BLOCK_TIMEOUT_RATIO * (1 + discarded + size) * call_seconds[slug]
                try:
                    done = self._supervisor.ask(slug, request, BlockDone, "measuring", timeout, replica=replica)
                except CandidateLost:
                    running.discard(slug)
                    continue
                self._channel.send(
                    BlockMeasured(
                        job=job,
                        launch=launch,
                        round=number,
                        position=position,
                        candidate=slug,
                        replica=replica % max(len(self._supervisor.replicas(slug)), 1),
                        block=done.block,
                    )
                )
                self._channel.flush(at_most_every=BLOCK_FLUSH_SECONDS)
            offset += max(cut.calls[slug][number] for slug in order)
            spent = time.monotonic() - began
            left = (
                max(plan.max_seconds - spent, 0)
                if plan.until_known
                else spent / (number + 1) * (cut.rounds - number - 1)
            )
            stolen: float | None = None
            lost: tuple[int, ...] = ()
            if began + spent - looked > STEAL_INTERVAL_SECONDS or number + 1 == cut.rounds:
                looked, stolen, lost = began + spent, steal.share(), self._cores.lost(plan)
            self._channel.send(
                RoundFinished(
                    job=job,
                    launch=launch,
                    round=number,
                    rounds=cut.rounds,
                    seconds_left=left,
                    steal=stolen,
                    lost_cores=lost,
                )
            )
            self._channel.flush(at_most_every=ROUND_FLUSH_SECONDS)
            self._channel.wait([], 0)
            if self._channel.end_reason:
                return self._channel.end_reason
            if not running:
                return "nothing left to measure"
            if plan.until_known and spent > plan.max_seconds:
                return "out of time"
        return "out of time" if plan.until_known else "completed"
