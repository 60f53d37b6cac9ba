"""A machine that is suspended and resumed: a call that spans it is not a call that hangs."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, JobFinished, Measure
from tests.engine.conftest import faulty, plan_of


@pytest.mark.slow
async def test_time_in_which_the_machine_was_suspended_is_no_hang(engine: Engine) -> None:
    plan = plan_of(faulty("NeedsTheProcessor"), runs=20, call_timeout=3.0)
    suspended, failures, finished = False, [], None
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, BlockMeasured) and not suspended:
            suspended = True
            assert engine._process is not None
            leader = psutil.Process(engine._process.pid)
            processes = [leader, *leader.children(recursive=True)]
            for one in processes:
                one.suspend()
            await asyncio.sleep(8)
            for one in processes:
                one.resume()
        failures += [event] if isinstance(event, CandidateFailed) else []
        finished = event
    assert suspended
    assert failures == []
    assert finished == JobFinished(job="a", reason="completed")
