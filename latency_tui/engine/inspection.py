"""Has a model file looked at by a process of its own, and ends that process whatever happens. Imports little."""

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
"""The file's SHA-256 is computed, which takes a few seconds a gigabyte."""

_MAX_OUTPUT = 2**22


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a model file holds and asks for, found out without loading it.

    Attributes:
        title: What the file is, `a skops file`.
        sha256: Of its content, in hexadecimal digits.
        runs_code: Whether loading it runs its author's code.
        untrusted_types: Types in a skops file that have to be trusted by name.
        remembered: Those of them that were trusted in this very content before; `*` for all.
    """

    title: str
    sha256: str
    runs_code: bool
    untrusted_types: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()


class _Refusal(msgspec.Struct, frozen=True):
    error: str


async def inspect(path: str, *, seconds: float = MAX_SECONDS) -> Inspection:
    """Return what a file holds; the process that looks is ended when this is cancelled.

    Args:
        path: The model file.
        seconds: How long the process may take.

    Raises:
        UsageError: The file is not there, damaged or not what it says, a library is missing, or it took too long.
        EngineError: The process could not be started or said nothing that makes sense.
    """
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - no sooner by asyncio; see below
            (
                sys.executable,
                "-P",
                "-m",
                "latency_tui.engine.candidate.inspect_child",
                path,
            ),  # -P: as the engine is started
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=process_environment.disable_telemetry(),
        )
    except OSError as error:
        raise EngineError(f"The file could not be looked at: {error.strerror or error}.") from error
    with process:  # waits for its end, at once and not by a task, which could be cancelled a second time meanwhile
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline, _MAX_OUTPUT), seconds)
        except TimeoutError:
            raise UsageError(f"{path} could not be looked at within {seconds:.3g} s.") from None
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
        raise EngineError(f"{path} could not be looked at: the process that looked ended early.") from error
