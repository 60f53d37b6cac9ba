"""A fake engine: events with fixed seeds and no processes, as fast or as slow as a test wants them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import cache

import msgspec
import numpy as np

from latency_tui.catalog.input_hashes import identify_inputs
from latency_tui.engine.client import Engine
from latency_tui.engine.cold_start_events import ColdStartMeasured, ColdStartStarted
from latency_tui.engine.protocol import (
    Block,
    BlockMeasured,
    CandidateFailed,
    EngineStarted,
    Environment,
    Event,
    InputsIdentified,
    Job,
    JobFinished,
    Measure,
    MeasurementStarted,
    MeasureSteps,
    Reason,
    RoundFinished,
    Train,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.step_events import StepsMeasured, StepsStarted
from latency_tui.errors import EngineError
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan, parse
from tests.unit.fake_steps import measured, pipeline
from tests.unit.made_scores import scored

ENVIRONMENT = Environment(
    host="made", os="Linux", cpu="Made CPU", cores=2, python="3.11.2", versions={"scikit-learn": "1.9.1"}, threads=1
)
MEDIANS = {
    "logistic-regression": 62e3,
    "random-forest": 4.5e6,
    "linear-svm": 71e3,
    "rbf-svm": 94e3,
    "small-neural-network": 82e3,
    "large-neural-network": 160e3,
}
SECONDS = {
    "logistic-regression": 0.003,
    "random-forest": 0.236,
    "linear-svm": 0.010,
    "rbf-svm": 0.014,
    "small-neural-network": 0.467,
    "large-neural-network": 0.430,
}
TRACEBACK = (
    'Traceback (most recent call last):\n  File "model.py", line 7, in predict\nValueError: [bold]no[/bold] such row'
)


def fake_plan(**changes: object) -> Plan:
    """Return a plan of the built-in six."""
    return Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS), **changes)  # type: ignore[arg-type]  # fields by name


class Script:
    """What a made engine does.

    Attributes:
        failing: Slugs that raise in their second round.
        untrainable: Slugs that raise in `fit`.
        warned: Slugs with a convergence warning.
        pause: Seconds between rounds.
        gate: Where set, rounds wait for it.
        training_gate: Where set, all trainings but the first wait for it.
        cold_gate: Where set, all cold starts but the first wait for it.
        dies_in: Round in which the process ends; None for never.
        engines: Every engine made, in order.
        lost_share: Of the time in a block, what other work took.
        scored: Whether models are scored with intervals.
        steps: Events of the pass that times the steps of a model.
        late: Events of an old job that come in the middle of the next.
    """

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.untrainable: set[str] = set()
        self.scored = False
        self.warned: set[str] = set()
        self.pause = 0.0
        self.gate: asyncio.Event | None = None
        self.rounds_before_gate = 3
        self.training_gate: asyncio.Event | None = None
        self.cold_gate: asyncio.Event | None = None
        self.dies_in: int | None = None
        self.engines: list[FakeEngine] = []
        self.commands: list[Job] = []
        self.noise = 0.02
        self.steps: list[StepsMeasured] = [
            measured(pipeline(2), unchecked=900, rounds=2, done=done, total=10) for done in range(2, 11, 2)
        ]
        self.lost_share = 0.01

    def make(self) -> FakeEngine:
        """Make an engine that plays this script; for `engine_factory`."""
        engine = FakeEngine(self)
        self.engines.append(engine)
        return engine


class FakeEngine(Engine):
    """Speaks like an engine, and has no process."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script
        self.started = False
        self.closed = False
        self.trained: set[str] = set()
        self._told = False
        self._stopped: dict[str, Reason] = {}
        self._given_up: set[str] = set()

    async def start(self) -> None:
        self.started = True

    async def ready(self) -> None:
        await self.start()

    async def close(self) -> None:
        self.closed = True

    async def stop(self, job: str, reason: Reason = "stopped") -> None:
        self._stopped[job] = reason
        if self.script.gate is not None:
            self.script.gate.set()

    async def stop_training(self, job: str, candidate: str) -> None:
        self._given_up.add(candidate)

    async def run(self, command: Job) -> AsyncGenerator[Event, None]:
        self.script.commands.append(command)
        if not self._told:
            self._told = True
            yield EngineStarted(environment=ENVIRONMENT)
        yield InputsIdentified(job=command.job, inputs=identify_inputs(command.plan))
        if isinstance(command, Train):
            async for event in self._train(command.job, command.plan):
                yield event
            yield JobFinished(job=command.job, reason="completed")
            return
        async for event in self._train(command.job, command.plan):
            yield event
        found = self._time_steps(command) if isinstance(command, MeasureSteps) else self._measure(command)
        async for event in found:
            yield event

    async def _train(self, job: str, plan: Plan) -> AsyncIterator[Event]:
        for candidate in plan.candidates:
            slug = candidate.slug
            if slug in self.trained or job in self._stopped:
                continue
            yield TrainingStarted(job=job, candidate=slug)
            await asyncio.sleep(self.script.pause)
            if self.script.training_gate is not None and self.trained:
                while not (self.script.training_gate.is_set() or slug in self._given_up or job in self._stopped):
                    await asyncio.sleep(0.01)
            if job in self._stopped:
                continue
            if slug in self._given_up:
                yield CandidateFailed(job=job, candidate=slug, stage="training", message="Stopped.", cause="stopped")
                continue
            if slug in self.script.untrainable:
                yield CandidateFailed(
                    job=job, candidate=slug, stage="training", message="ValueError: [bold]no[/bold] such row",
                    traceback=TRACEBACK,
                )  # fmt: skip
                continue
            self.trained.add(slug)
            notes = ("ConvergenceWarning: stopped after 500 iterations",) if slug in self.script.warned else ()
            yield TrainingFinished(
                job=job, candidate=slug, seconds=SECONDS.get(slug, 0.02), score=0.8 + len(slug) / 200, notes=notes
            )

    async def _time_steps(self, command: MeasureSteps) -> AsyncIterator[Event]:
        job, (candidate,) = command.job, command.plan.candidates
        if candidate.slug not in self.script.untrainable:
            yield StepsStarted(job=job, launch=0, candidate=candidate.slug)
            for event in self.script.steps:
                if self.script.gate is not None and event.done > 2:
                    await self.script.gate.wait()
                if job in self._stopped:
                    break
                yield msgspec.structs.replace(event, job=job, candidate=candidate.slug)
                await asyncio.sleep(self.script.pause)
        yield JobFinished(job=job, reason=self._stopped.get(job, "completed"))

    async def _measure(self, command: Measure) -> AsyncIterator[Event]:
        job, plan = command.job, command.plan
        calls = plan.runs or (2000 if plan.until_known else 100)
        rounds = 200 if plan.until_known else max(min(calls, 40) if calls < 10 else min(calls // 10, 40), 1)
        active = [c.slug for c in plan.candidates if c.slug not in self.script.untrainable]
        for slug in active:
            if self.script.scored:
                yield msgspec.structs.replace(_scored(slug), job=job)
            first = np.linspace(20, 1, 100) * _median(slug)
            yield WarmUpFinished(
                job=job, launch=command.launch, candidate=slug, calls=100, seconds=0.02, steady=True,
                first_calls=first.astype("<i8").tobytes(), call_seconds=_median(slug) * 1e-9,
            )  # fmt: skip
        yield MeasurementStarted(
            job=job, launch=command.launch, rounds=rounds, calls=dict.fromkeys(active, calls), seconds=2.0,
            timer_floor_ns=70.0, pinned=(1,), load=0.25,
        )  # fmt: skip
        generator = np.random.default_rng(plan.seed + 7)
        clock = 0
        for number in range(rounds):
            if self.script.gate is not None and number >= self.script.rounds_before_gate:
                await self.script.gate.wait()
            if job in self._stopped:
                yield JobFinished(job=job, reason=self._stopped[job])
                return
            if self.script.dies_in == number:
                raise EngineError("The measuring process ended unexpectedly (signal 9).")
            drift = float(np.exp(generator.normal(0, 0.01)))
            for position, slug in enumerate(generator.permutation(active).tolist()):
                if slug in self.script.failing and number == 1:
                    active.remove(slug)
                    yield CandidateFailed(
                        job=job, candidate=slug, stage="measuring", message="ValueError: [bold]no[/bold] such row",
                        traceback=TRACEBACK,
                    )  # fmt: skip
                    continue
                size = calls // rounds + (number < calls % rounds)
                block = _median(slug) * drift * np.exp(np.abs(generator.normal(0, self.script.noise, size)))
                block[generator.random(size) < 0.01] *= 2.5
                samples = block.astype("<i8")
                wall = int(samples.sum())
                yield BlockMeasured(
                    job=job, launch=command.launch, round=number, position=position, candidate=slug,
                    block=Block(
                        samples=samples.tobytes(), discarded=b"", started_ns=clock, wall_ns=wall,
                        cpu_ns=int(wall * (1 - self.script.lost_share)), switches=0,
                    ),
                )  # fmt: skip
                clock += wall
            left = 2.0 * (rounds - number - 1) / rounds
            yield RoundFinished(
                job=job, launch=command.launch, round=number, rounds=rounds, seconds_left=left, steal=0.003
            )
            await asyncio.sleep(self.script.pause)
        for slug in active if plan.cold_start else ():
            yield ColdStartStarted(job=job, launch=command.launch, candidate=slug)
            if self.script.cold_gate is not None and slug != active[0]:
                await self.script.cold_gate.wait()
            yield ColdStartMeasured(
                job=job, launch=command.launch, candidate=slug, import_seconds=0.7, load_seconds=0.01,
                memory_before=20_000_000, memory_after=90_000_000, memory_peak=95_000_000,
                first_calls=(300_000, 200_000, 100_000),
            )  # fmt: skip
        yield JobFinished(job=job, reason=self._stopped.get(job, "completed"))


@cache
def _scored(slug: str) -> CandidateScored:
    """Return the score of a model, its share of 200 test rows."""
    return scored(slug, 0.8 + len(slug) / 200, 200)


def _median(slug: str) -> float:
    name, settings = parse(slug)
    rows = settings.get("batch", 1)
    per_row = 0.1 if name == "logistic-regression" else 0.01  # so that others overtake it
    return MEDIANS.get(name, 100e3) * (1 + per_row * (int(rows) - 1))


Check = Callable[[], bool]


async def until(check: Check, seconds: float = 120.0) -> None:
    """Wait until something holds, and fail where it does not within some seconds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not check():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("it never happened")
        await asyncio.sleep(0.02)
