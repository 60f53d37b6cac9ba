"""Measures a plan as often as it asks to be launched: each launch is a fresh engine, since a process is one draw."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress

from latency_tui.engine.client import Engine
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
from latency_tui.engine.sameness import InputsChangedError, check_environment, check_inputs
from latency_tui.errors import EngineError
from latency_tui.plan import Plan

_ENDS_ALL = ("stopped", "nothing left to measure")


async def measure(
    plan: Plan,
    *,
    engine: Engine | None = None,
    job: str = "measurement",
    settled: Callable[[], bool] | None = None,
    new_engine: Callable[[], Engine] = Engine,
    first_launch: int = 0,
    inputs: Mapping[str, str] | None = None,
    environment: Environment | None = None,
) -> AsyncGenerator[Event, None]:
    """Yield the events of all launches of a plan; `JobFinished` comes once, at the very end.

    A plan to be measured until it is known is asked about after every round; its first launch goes on until it is
    known, the others for as many rounds. The engine of the next launch starts while that of this one trains, and
    nothing is measured until it is idle.

    Args:
        plan: What to measure.
        engine: An engine that may have trained the candidates already; it does the first launch and is left open.
            Without one, an engine is started and closed.
        job: Name of the job, to tell its events from those of others.
        settled: Says whether all is known that was asked, from the events yielded so far.
        new_engine: Makes the engines of the other launches.
        first_launch: Number of the first launch: what was measured before has lower ones.
        inputs: What was measured before, see `InputsIdentified`; None if that is not to be compared.
        environment: Where it was measured; None if that is not to be compared.

    Raises:
        EngineError: An engine ended before its work was done.
        InputsChangedError: A file, a module or a library is not what it was in an earlier launch.
    """
    enough: int | None = None
    following: Engine | None = None
    try:
        for place in range(plan.launches):
            launch, mine, last = first_launch + place, engine is None or place > 0, place + 1 == plan.launches
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
                # Closed when it is left: until then this thread, and an engine that it starts, keep off the measured
                # cores.
                async with aclosing(current.run(Measure(job=job, plan=plan, launch=launch))) as events:
                    async for event in events:
                        inputs = _checked(plan, inputs, environment, event)
                        if on_ready and isinstance(event, EngineStarted):
                            continue
                        if asked and isinstance(event, BlockMeasured | RoundFinished):
                            continue  # of a round on its way: what was settled stands as it was when that was found
                        if isinstance(event, JobFinished) and event.reason not in _ENDS_ALL:
                            enough = enough or rounds
                            if not last:
                                break
                        yield event
                        if isinstance(event, JobFinished):
                            return
                        if isinstance(event, RoundFinished):
                            rounds = event.round + 1
                        if isinstance(event, RoundFinished) and plan.until_known and not asked:
                            asked = rounds >= enough if enough else settled is not None and settled()
                            if asked:
                                await current.stop(job, "settled")
            finally:
                if mine:
                    await current.close()
    finally:
        if following is not None:
            await following.close()


def _checked(
    plan: Plan, inputs: Mapping[str, str] | None, environment: Environment | None, event: Event
) -> Mapping[str, str] | None:
    """Return what is measured, as far as it is known after an event.

    Raises:
        InputsChangedError: It is not what it was, or not where it was.
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
    """Have one engine train while another one imports what it needs; returns when both are done.

    Yields the events of the former, `JobFinished` only where it was stopped. What became of the latter is told when its
    turn comes: it starts anew then.

    Raises:
        EngineError: The former ended, or was closed meanwhile.
    """
    await current.start()
    with suppress(EngineError):
        await following.start()
    async with aclosing(current.run(Train(job=job, plan=plan, launch=launch))) as events:
        async for event in events:
            if not isinstance(event, JobFinished) or event.reason in _ENDS_ALL:
                yield event
    with suppress(EngineError):
        await following.ready()
    if not current.running:  # closed by whoever gave up; a further command would start it again
        raise EngineError("The measuring process was ended.")
