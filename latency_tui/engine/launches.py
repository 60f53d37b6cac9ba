"""Measures a plan as often as it asks to be launched: each launch is a fresh engine, since a process is one draw."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import Event, JobFinished, Measure
from latency_tui.plan import Plan


async def measure(
    plan: Plan, *, engine: Engine | None = None, job: str = "measurement", new_engine: Callable[[], Engine] = Engine
) -> AsyncIterator[Event]:
    """Yield the events of all launches of a plan; `JobFinished` comes once, at the very end.

    Args:
        plan: What to measure.
        engine: An engine that may have trained the candidates already; it does the first launch and is left open.
            Without one, an engine is started and closed.
        job: Name of the job, to tell its events from those of others.
        new_engine: Makes the engines of the other launches.

    Raises:
        EngineError: An engine ended before its work was done.
    """
    for launch in range(plan.launches):
        mine = engine is None or launch > 0
        current = new_engine() if mine or engine is None else engine
        try:
            async for event in current.run(Measure(job=job, plan=plan, launch=launch)):
                if isinstance(event, JobFinished) and event.reason == "completed" and launch + 1 < plan.launches:
                    break
                yield event
                if isinstance(event, JobFinished):
                    return
        finally:
            if mine:
                await current.close()
