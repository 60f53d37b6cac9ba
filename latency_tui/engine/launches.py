"""Measures a plan as often as it asks to be launched: each launch is a fresh engine, since a process is one draw."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import Event, JobFinished, Measure, RoundFinished
from latency_tui.plan import Plan


async def measure(
    plan: Plan,
    *,
    engine: Engine | None = None,
    job: str = "measurement",
    settled: Callable[[], bool] | None = None,
    new_engine: Callable[[], Engine] = Engine,
) -> AsyncGenerator[Event, None]:
    """Yield the events of all launches of a plan; `JobFinished` comes once, at the very end.

    A plan to be measured until it is known is asked about after every round; its first launch goes on until it is
    known, the others for as many rounds.

    Args:
        plan: What to measure.
        engine: An engine that may have trained the candidates already; it does the first launch and is left open.
            Without one, an engine is started and closed.
        job: Name of the job, to tell its events from those of others.
        settled: Says whether all is known that was asked, from the events yielded so far.
        new_engine: Makes the engines of the other launches.

    Raises:
        EngineError: An engine ended before its work was done.
    """
    enough: int | None = None
    for launch in range(plan.launches):
        mine = engine is None or launch > 0
        current = new_engine() if mine or engine is None else engine
        rounds, asked = 0, False
        try:
            # Closed when it is left: until then this thread, and an engine that it starts, keep off the measured cores.
            async with aclosing(current.run(Measure(job=job, plan=plan, launch=launch))) as events:
                async for event in events:
                    if isinstance(event, JobFinished) and event.reason not in {"stopped", "nothing left to measure"}:
                        enough = enough or rounds
                        if launch + 1 < plan.launches:
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
