"""Measures all launches of a plan. Each launch is a fresh engine, because latencies vary between processes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress

import msgspec

from latency_tui.engine.client import Engine
from latency_tui.engine.input_consistency import InputsChangedError, check_environment, check_inputs
from latency_tui.engine.load_events import RateSearchFinished
from latency_tui.engine.protocol import (
    BlockMeasured,
    EngineStarted,
    Environment,
    Event,
    InputsIdentified,
    JobFinished,
    Measure,
    RoundFinished,
    Train,
)
from latency_tui.errors import EngineError
from latency_tui.plan import Plan

_FINAL_REASONS = ("stopped", "nothing left to measure")


async def measure(
    plan: Plan,
    *,
    engine: Engine | None = None,
    job: str = "measurement",
    is_decided: Callable[[], bool] | None = None,
    new_engine: Callable[[], Engine] = Engine,
    first_launch: int = 0,
    inputs: Mapping[str, str] | None = None,
    environment: Environment | None = None,
) -> AsyncGenerator[Event, None]:
    """Yield the events of all launches of a plan; `JobFinished` comes once, at the very end.

    With an until-known plan, `is_decided` is called after every round. The first launch continues until it returns
    True, and the others have as many rounds. The engine of the next launch starts while the current one trains, and
    nothing is measured until it is idle.

    Args:
        plan: What to measure.
        engine: An engine that may have trained the candidates already. It measures the first launch and is left open.
            If there is none, an engine is started and closed.
        job: Name of the job, which all its events carry.
        is_decided: Returns whether the events yielded so far answer the plan's question.
        new_engine: Creates the engines of the other launches.
        first_launch: Number of the first launch; earlier launches of the same result have lower numbers.
        inputs: Inputs of earlier calls, see `InputsIdentified`; None to skip the comparison.
        environment: Environment of earlier calls; None to skip the comparison.

    Raises:
        EngineError: An engine ended before its work was done.
        InputsChangedError: A file, a module or a library has changed since an earlier launch.
    """
    enough: int | None = None
    found = FoundRates(plan)
    launches = found.launches
    following: Engine | None = None
    try:
        for place in range(launches):
            launch, mine, last = first_launch + place, engine is None or place > 0, place + 1 == launches
            current, following = following or (new_engine() if mine or engine is None else engine), None
            rounds, asked, on_ready = 0, False, False
            try:
                if mine and not last:
                    following, on_ready = new_engine(), True
                    async with aclosing(_train_and_start(current, following, plan, job, launch)) as events:
                        async for event in events:
                            inputs = _checked(plan, inputs, environment, event)
                            yield event
                            if isinstance(event, JobFinished):
                                return
                # Closed on exit: until then this thread, and an engine that it starts, keep off the measured cores.
                command = found.command(Measure(job=job, plan=plan, launch=launch), place)
                async with aclosing(current.run(command)) as events:
                    async for event in events:
                        inputs = _checked(plan, inputs, environment, event)
                        found.add(event)
                        if on_ready and isinstance(event, EngineStarted):
                            continue
                        if asked and isinstance(event, BlockMeasured | RoundFinished):
                            continue  # of the next round: the result stays as it was when it was decided
                        if isinstance(event, JobFinished) and event.reason not in _FINAL_REASONS:
                            enough = enough or rounds
                            if not last:
                                break
                        yield event
                        if isinstance(event, JobFinished):
                            return
                        if isinstance(event, RoundFinished):
                            rounds = event.round + 1
                        if isinstance(event, RoundFinished) and plan.until_known and not asked:
                            asked = rounds >= enough if enough else is_decided is not None and is_decided()
                            if asked:
                                await current.stop(job, "decided")
            finally:
                if mine:
                    await current.close()
    finally:
        if following is not None:
            await following.close()


class FoundRates:
    """The request rates that a search has found, which the launches after it measure again.

    Args:
        plan: The plan, with or without such a search.

    Attributes:
        launches: Number of launches, including one for that alone if the plan has no other.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._searches = plan.load is not None and plan.load.find_rate
        self._rates: dict[str, tuple[float, ...]] = {}
        self.launches = max(plan.launches, 2) if self._searches else plan.launches

    def add(self, event: Event) -> None:
        """Remember the outcome of a search."""
        if isinstance(event, RateSearchFinished):
            self._rates[event.candidate] = tuple(rate for rate in (event.passes, event.fails) if rate is not None)

    def command(self, command: Measure, place: int) -> Measure:
        """Return the command of a launch, given its place among the launches of the plan."""
        if not self._searches or not place:
            return command
        return msgspec.structs.replace(command, rates=self._rates, load_only=place >= self._plan.launches)


def _checked(
    plan: Plan, inputs: Mapping[str, str] | None, environment: Environment | None, event: Event
) -> Mapping[str, str] | None:
    """Check an event against the inputs and the environment of earlier calls, and return the known inputs.

    Raises:
        InputsChangedError: An input or the environment differs.
    """
    try:
        if isinstance(event, EngineStarted) and environment is not None:
            check_environment(environment, event.environment)
        if isinstance(event, InputsIdentified) and inputs is None:
            return event.inputs
        if inputs is not None:
            check_inputs(plan, inputs, event)
    except InputsChangedError as changed:
        raise InputsChangedError(f"Nothing more was measured, because {changed}.") from changed
    return inputs


async def _train_and_start(
    current: Engine, following: Engine, plan: Plan, job: str, launch: int
) -> AsyncGenerator[Event, None]:
    """Train in one engine while another one starts; return when both are done.

    Yields the events of the first engine; `JobFinished` only if the job was stopped. If the second engine fails, it is
    started again, and reports the reason, when it is used.

    Raises:
        EngineError: The first engine ended, or was closed meanwhile.
    """
    await current.start()
    with suppress(EngineError):
        await following.start()
    async with aclosing(current.run(Train(job=job, plan=plan, launch=launch))) as events:
        async for event in events:
            if not isinstance(event, JobFinished) or event.reason in _FINAL_REASONS:
                yield event
    with suppress(EngineError):
        await following.ready()
    if not current.running:  # the caller closed it; another command would start it again
        raise EngineError("The measuring process was ended.")
