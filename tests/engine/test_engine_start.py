"""An engine process that never gets as far as its first event is ended, and the error says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from latency_tui.engine import allocation_stall, client, memory_limit
from latency_tui.errors import EngineError


async def test_a_process_that_never_starts_is_ended_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\nexec sleep 600\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(hanging))
    monkeypatch.setattr(client, "START_SECONDS", 0.2)
    async with client.Engine() as engine:
        with pytest.raises(EngineError, match=r"did not start within 0\.2 s; close other programs, or raise"):
            await engine.ready()
        process = engine._process
        assert process is not None
        await process.wait()
        assert process.returncode == -9


_RETRIES_FOREVER = f"""#!{sys.executable}
import os, resource
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**20, resource.RLIM_INFINITY))
while True:
    os.getrandom(1 << 16)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
async def test_a_process_that_is_refused_memory_while_it_starts_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "stuck"
    stuck.write_text(_RETRIES_FOREVER)
    stuck.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stuck))
    monkeypatch.setattr(client, "START_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(allocation_stall, "CPU_SECONDS", 0.1)
    async with client.Engine() as engine:
        with pytest.raises(EngineError, match=r"because its memory is limited to \d+ MiB \(ulimit -v\)"):
            await engine.ready()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
async def test_a_process_that_ends_early_within_a_memory_limit_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = tmp_path / "ending"
    ending.write_text("#!/bin/sh\necho 'SystemError: error return without exception set' >&2\nexit 1\n")
    ending.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(ending))
    monkeypatch.setattr(memory_limit, "_limits_mib", lambda: {"RLIMIT_AS": 400})
    async with client.Engine() as engine:
        with pytest.raises(EngineError, match=r"memory is limited to 400 MiB \(ulimit -v\); raise the limit"):
            await engine.ready()
