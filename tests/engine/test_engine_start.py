"""An engine process that never gets as far as its first event is ended, and the error says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from latency_tui.engine import client
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
