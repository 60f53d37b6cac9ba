"""Inspects a model file in a separate process, which is always ended. Imports no heavy modules."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import msgspec

from latency_tui.engine import process_environment
from latency_tui.errors import EngineError, UsageError

MAX_SECONDS = 60.0
"""Computing the SHA-256 takes a few seconds per gigabyte."""

_MAX_OUTPUT = 2**22


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a model file without loading it.

    Attributes:
        title: The format, such as `a skops file`.
        sha256: SHA-256 of the content, in hexadecimal digits.
        runs_code: Whether loading the file runs its author's code.
        untrusted_types: Types in a skops file that need trust.
        remembered: Types that were trusted in a file with this content before; `*` for all.
    """

    title: str
    sha256: str
    runs_code: bool
    untrusted_types: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()


class _Refusal(msgspec.Struct, frozen=True):
    error: str


async def inspect(path: str, *, seconds: float = MAX_SECONDS) -> Inspection:
    """Inspect a model file in a separate process, which is ended if this is cancelled.

    Args:
        path: The model file.
        seconds: Time limit for the process.

    Raises:
        UsageError: The file does not exist, is damaged or does not match its name, a library is missing, or the time
            limit was exceeded.
        EngineError: The process could not be started, or ended early.
    """
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 (see below)
            (
                sys.executable,
                "-P",
                "-m",
                "latency_tui.engine.candidate.inspect_child",
                path,
            ),  # -P, as for the engine
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=process_environment.disable_telemetry(),
        )
    except OSError as error:
        raise EngineError(f"The file could not be inspected: {error.strerror or error}.") from error
    with process:  # waits without a task, which could be cancelled again meanwhile
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline, _MAX_OUTPUT), seconds)
        except TimeoutError:
            raise UsageError(f"{path} could not be inspected within {seconds:.3g} s.") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return _read(path, line)


def _read(path: str, line: bytes) -> Inspection:
    try:
        refusal = msgspec.json.decode(line, type=_Refusal)
    except msgspec.MsgspecError:
        pass
    else:
        raise UsageError(refusal.error)
    try:
        return msgspec.json.decode(line, type=Inspection)
    except msgspec.MsgspecError as error:
        raise EngineError(f"{path} could not be inspected: the inspecting process ended early.") from error
