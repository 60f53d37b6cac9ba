"""The session: runs jobs of the engine in a worker, and posts messages with their events to the screen.

It does not access widgets. Hundreds of blocks arrive per second, so they are posted in batches, at most ten per second.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial

from textual.dom import DOMNode

from latency_tui.engine import launches
from latency_tui.engine.client import Engine
from latency_tui.engine.input_consistency import InputsChangedError
from latency_tui.engine.protocol import BlockMeasured, Environment, Event, MeasureSteps, RoundFinished, Train
from latency_tui.errors import DataError, EngineError
from latency_tui.plan import Plan
from latency_tui.tui.background import run_in_background
from latency_tui.tui.messages import EngineLost, EventsArrived, JobEnded

_BATCH_SECONDS = 0.1
_STOP_SECONDS = 3.0
_STOP_TRIES = 12


EngineFactory = Callable[[], Engine]


class Session:
    """One engine and its current job.

    Args:
        screen: Receives the messages, and owns the workers.
        engine_factory: Creates an engine without starting it.
    """

    def __init__(self, screen: DOMNode, engine_factory: EngineFactory) -> None:
        self._screen = screen
        self._engine_factory = engine_factory
        self._engine: Engine | None = None
        self._launched: list[Engine] = []
        self._starting = asyncio.Lock()
        self._running = ""
        self._cancelled_job = ""
        self._began = 0.0
        self._jobs = itertools.count(1)

    def warm_up(self) -> None:
        """Start the engine, so that it has imported its modules before the first job."""
        run_in_background(self._screen, self._warm_up, group="engine-start")

    def train(self, plan: Plan) -> str:
        """Train the plan's candidates; returns the job's id."""
        job = self._new_job("train")
        self._work(job, lambda engine: engine.run(Train(job=job, plan=plan)))
        return job

    def profile(self, plan: Plan, is_decided: Callable[[str], bool]) -> str:
        """Measure the plan; returns the job's id.

        Args:
            plan: What to measure.
            is_decided: Returns whether a job has answered the question of its plan; called after each round.
        """
        job = self._new_job("profile")

        def stream(engine: Engine) -> AsyncIterator[Event]:
            return launches.measure(
                plan, engine=engine, job=job, is_decided=lambda: is_decided(job), new_engine=self._launch
            )

        self._work(job, stream)
        return job

    def time_steps(self, plan: Plan) -> str:
        """Time the steps of the plan's candidates; returns the job's id."""
        job = self._new_job("steps")
        self._work(job, lambda engine: engine.run(MeasureSteps(job=job, plan=plan)))
        return job

    def continue_measurement(
        self,
        plan: Plan,
        is_decided: Callable[[str], bool],
        begin: Callable[[str], Awaitable[int]],
        inputs: Mapping[str, str],
        environment: Environment | None,
    ) -> str:
        """Continue a result in fresh engines, if inputs and environment are unchanged; returns the job's id.

        Args:
            plan: What to measure.
            is_decided: As in `profile`.
            begin: Prepares the continuation for a job, and returns the number of its first launch.
            inputs: The inputs of the result, see `InputsIdentified`.
            environment: The environment of the result.
        """
        job = self._new_job("profile")

        async def stream(_: Engine) -> AsyncGenerator[Event, None]:
            first_launch = await begin(job)
            if self._cancelled_job == job:  # stopped before an engine was started
                raise EngineError("The measurement was stopped before it began.")
            events = launches.measure(
                plan,
                job=job,
                is_decided=lambda: is_decided(job),
                new_engine=self._launch,
                first_launch=first_launch,
                inputs=inputs,
                environment=environment,
            )
            async with aclosing(events):
                async for event in events:
                    yield event

        self._work(job, stream)
        return job

    def stop(self, job: str) -> None:
        """End a job at once; its samples are kept."""
        run_in_background(self._screen, partial(self._stop, job), group="engine-stop")

    def stop_training(self, job: str, slug: str) -> None:
        """End the training of one candidate; the others continue."""
        run_in_background(self._screen, partial(self._stop_training, job, slug), group="engine-stop", exclusive=False)

    @property
    def seconds_running(self) -> float:
        """Seconds since the last job began."""
        return time.monotonic() - self._began

    async def close(self) -> None:
        """End all processes."""
        engines = [engine for engine in (self._engine, *self._launched) if engine is not None]
        self._engine = None
        self._launched.clear()
        await asyncio.gather(*(engine.close() for engine in engines), return_exceptions=True)

    def _launch(self) -> Engine:
        """Create the engine of another launch; the engine of the current launch is kept, because it may still run."""
        engine = self._engine_factory()
        self._launched = [*self._launched[-1:], engine]
        return engine

    def _new_job(self, kind: str) -> str:
        return f"{kind}-{next(self._jobs)}"

    def _work(self, job: str, stream: Callable[[Engine], AsyncIterator[Event]]) -> None:
        self._began = time.monotonic()
        run_in_background(self._screen, partial(self._run, job, stream), group="engine")

    async def _ready(self) -> Engine:
        async with self._starting:
            if self._engine is None:
                engine = self._launch()  # `close` then ends it even while it starts
                await engine.start()
                if engine not in self._launched:
                    raise EngineError("The measuring process was closed while it started.")
                self._launched.remove(engine)
                self._engine = engine
            return self._engine

    async def _warm_up(self) -> None:
        try:
            await self._ready()
        except EngineError as error:
            self._screen.post_message(EngineLost(error))

    async def _run(self, job: str, stream: Callable[[Engine], AsyncIterator[Event]]) -> None:
        batches = _Batches(job, self._screen)
        self._running = job
        failed: EngineError | None = None
        try:
            engine = await self._ready()
            async for event in stream(engine):
                batches.add(event)
        except EngineError as error:
            failed = error
        finally:
            batches.flush()
            if self._running == job:
                self._running = ""
        if isinstance(failed, DataError | InputsChangedError):  # the session's engine still runs
            self._screen.post_message(JobEnded(job, failed))
            return
        if failed is not None:
            with suppress(EngineError):
                await self.close()
            self._screen.post_message(EngineLost(None if self._cancelled_job == job else failed))
        self._screen.post_message(JobEnded(job, failed))

    async def _stop_training(self, job: str, slug: str) -> None:
        for engine in (self._engine, *self._launched):
            if engine is not None:
                await engine.stop_training(job, slug)

    async def _stop(self, job: str) -> None:
        """Ask the engines to stop, repeatedly because none listens between launches; then end those that still run."""
        for _ in range(_STOP_TRIES):
            for engine in (self._engine, *self._launched):
                if engine is not None:
                    with suppress(EngineError):
                        await engine.stop(job, "stopped")
            await asyncio.sleep(_STOP_SECONDS / _STOP_TRIES)
            if self._running != job:
                return
        self._cancelled_job = job
        await self.close()


class _Batches:
    """Posts events in batches: frequent events at most ten times per second, others at once."""

    def __init__(self, job: str, screen: DOMNode) -> None:
        self._job = job
        self._screen = screen
        self._events: list[Event] = []
        self._posted = 0.0
        self._later: asyncio.TimerHandle | None = None

    def add(self, event: Event) -> None:
        """Add an event, and post the batch if it is due."""
        self._events.append(event)
        frequent = isinstance(event, BlockMeasured | RoundFinished)
        if not frequent or time.monotonic() - self._posted >= _BATCH_SECONDS:
            self.flush()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(_BATCH_SECONDS, self.flush)

    def flush(self) -> None:
        """Post the collected events."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._events:
            self._screen.post_message(EventsArrived(self._job, tuple(self._events)))
            self._events.clear()
        self._posted = time.monotonic()
