"""The cold start: starts a candidate in a fresh process and measures time and memory, apart from all timed calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from latency_tui.engine.candidate_protocol import Store, Stored
from latency_tui.engine.server.candidate_process import shorten_log
from latency_tui.engine.server.channel import Channel
from latency_tui.engine.server.supervisor import Supervisor
from latency_tui.plan import SKLEARN_SETTINGS, Candidate, Plan

CALLS = 100
"""Number of first calls that are made and reported."""
CALLS_SECONDS = 5.0
"""Time after which no further call is made, if the model is slow."""
START_SECONDS = 60.0
"""Time limit for the start, in addition to the plan's time limit for a call."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def measure(
    supervisor: Supervisor, channel: Channel, candidate: Candidate, cores: tuple[int, ...], plan: Plan
) -> dict[str, Any]:
    """Return the figures of `ColdStartMeasured` for one candidate, as `cold_start_child` reports them.

    The fresh process has the candidate's threads and its scikit-learn settings. The stored model has its parameters.

    Raises:
        CandidateLost: The model cannot be stored, or fails in the fresh process.
        JobStopped: The client stopped the job.
    """
    slug, settings = candidate.slug, candidate.settings
    interpreter = supervisor.interpreters.find(candidate) if candidate.python else None
    python = interpreter.python if interpreter else sys.executable
    threads = int(settings.get("threads", plan.threads))
    path, report = supervisor.folder / "model.pickle", supervisor.folder / "report.json"
    report.unlink(missing_ok=True)
    stored = supervisor.ask(slug, Store(path=str(path), max_inputs=CALLS), Stored, "cold start", plan.call_timeout)
    request = {
        "path": [] if interpreter else sys.path,
        "import_folders": interpreter.folders if interpreter else supervisor.context.import_folders,
        "modules": stored.modules,
        "model": str(path),
        "report": str(report),
        "cores": cores,
        "calls": CALLS,
        "seconds": CALLS_SECONDS,
        "sklearn": {key: settings[key] for key in SKLEARN_SETTINGS if key in settings},
    }
    # A file instead of a pipe, because processes that a model started may keep a pipe open.
    log = supervisor.folder / "fresh.log"
    timeout = START_SECONDS + plan.call_timeout
    log.unlink(missing_ok=True)
    with log.open("ab") as printed:
        process = subprocess.Popen(  # noqa: S603 (our own)
            [python, "-P", "-m", "latency_tui.engine.candidate.cold_start_child"],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=printed,
            process_group=0,
            cwd=interpreter.folder if interpreter else None,
            env={
                **(interpreter.environment() if interpreter else os.environ),
                **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            },
        )
    try:
        in_time = _await(process, json.dumps(request).encode(), channel, timeout, log)
    finally:
        process.kill()
        process.wait()
    if not in_time:
        supervisor.fail(slug, "timed out", f"the cold start took longer than {timeout:.3g} s")
    if not report.exists():
        lines = log.read_text(errors="replace").strip().splitlines()
        supervisor.fail(slug, "crashed", f"failed in the cold start: {lines[-1] if lines else 'no output'}")
    figures: dict[str, Any] = json.loads(report.read_bytes())
    return figures


def _await(process: subprocess.Popen[bytes], request: bytes, channel: Channel, timeout: float, log: Path) -> bool:
    """Send the request and wait for the process to end, reading commands meanwhile; return whether it has ended."""
    assert process.stdin is not None
    process.stdin.write(request)
    process.stdin.close()
    process.stdin = None
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline:
        channel.wait([], 0.05)
        shorten_log(log)
    return process.poll() is not None
