"""Starts the process that talks to a cluster, and exchanges messages with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator

import msgspec

from latency_tui.cluster.process_protocol import Reply, Request, decode_reply, encode
from latency_tui.errors import EngineError

END_SECONDS = 2.0
"""How long the process may take to end the measurement on all hosts before it is killed."""
MAX_LINE = 256 * 2**20
_TAIL_BYTES = 4000


class HostsClient:
    """Client of the process that measures on several hosts; each measurement has its own process.

    Args:
        module: The module that the process runs.
    """

    def __init__(self, module: str = "latency_tui.cluster") -> None:
        self._module = module
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._tail = b""
        self._closed = False

    async def replies(self, first: Request) -> AsyncGenerator[Reply, None]:
        """Start the process with a request, and yield its replies until it ends or is closed.

        Raises:
            EngineError: The process cannot be started, or ended because of an error.
        """
        process = await self._start()
        self.send(first)
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                yield decode_reply(line)
            except (ValueError, msgspec.MsgspecError) as error:
                raise EngineError(f"The process that talks to the hosts sent an invalid message: {error}.") from error
        code = await process.wait()
        if code and not self._closed:
            if self._stderr is not None:
                await asyncio.wait([self._stderr], timeout=0.5)
            lines = self._tail.decode(errors="replace").strip().splitlines()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            why = f": {lines[-1]}" if lines else ""
            raise EngineError(f"The process that talks to the hosts ended unexpectedly ({how}){why}.")

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_LINE,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"A process could not be started: {error.strerror or error}.") from error
        self._stderr = asyncio.create_task(self._drain(process))
        if self._closed:  # while it was started
            await self.close()
        return process

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(1 << 16):
            self._tail = (self._tail + chunk)[-_TAIL_BYTES:]

    def send(self, request: Request) -> None:
        """Send a request; nothing happens if the process has ended."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._process.stdin.write(encode(request))

    async def close(self) -> None:
        """End the measurement on all hosts, and the process; may be called more than once."""
        self._closed = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
