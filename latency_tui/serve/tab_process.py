"""The process of the app for one browser tab: starts with the tab, and ends within two seconds after it closes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Any, Literal

from textual_serve.app_service import AppService

QUIT_SECONDS = 1.0
"""Time limit for the app to exit by itself, which includes closing its engine."""
END_SECONDS = 0.3
"""Time between SIGTERM and SIGKILL."""
MAX_PENDING = 16 * 1024 * 1024
"""Maximum number of bytes that wait to be read by the app, and maximum size of a packet from the app."""
MAX_LOGGED = 200_000
"""Maximum number of bytes that one app may write to the log; a traceback has 30,000 to 60,000."""
_HEADING = 100  # largest size in bytes of the heading of a log record
_PRELUDE = b"__GANGLION__\n"

log = logging.getLogger(__name__)


class Session(AppService):
    """The process of the app, and the pipes between it and a web socket.

    textual-serve's class asks the app to quit and waits without a time limit, so an app that hangs, or that blocks
    while it writes to a closed tab, would never end. It also starts the app in a shell; here the process is the app.

    Args:
        arguments: The command line of the app, as a list, because no shell parses it.
        callbacks: textual-serve's callbacks: `write_bytes`, `write_str`, `close`, `download_manager`.
    """

    def __init__(self, arguments: Sequence[str], **callbacks: Any) -> None:  # Any: passed through
        super().__init__("", **callbacks)
        self._arguments = tuple(arguments)
        self._errors: asyncio.Task[None] | None = None

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width=width, height=height),
            start_new_session=True,  # Ctrl+C in the terminal must reach only the server, which ends its apps
        )
        self._stdin = self._process.stdin
        return self._process

    async def send_bytes(self, data: bytes) -> bool:
        """Send keyboard input to the app."""
        return self._send(b"D", data)

    async def send_meta(self, data: dict[str, str | int | bool | None]) -> bool:
        """Send a protocol message to the app."""
        return self._send(b"M", json.dumps(data).encode())

    def _send(self, kind: Literal[b"D", b"M"], payload: bytes) -> bool:
        """Write to the app without waiting until it reads, because a tab must close even if its app hangs.

        Raises:
            ValueError: More than `MAX_PENDING` bytes wait to be read by the app.
        """
        stdin = self._stdin
        if stdin is None or stdin.is_closing():
            return False
        if stdin.transport.get_write_buffer_size() > MAX_PENDING:
            raise ValueError("the app does not read")
        stdin.write(self.encode_packet(kind, payload))
        return True

    async def run(self) -> None:
        """Forward the output of the app until it ends or an error occurs, then close the tab's socket."""
        assert self._process is not None
        stdout, stderr = self._process.stdout, self._process.stderr
        assert stdout is not None
        assert stderr is not None
        self._errors = asyncio.create_task(_log_errors(stderr, self._process.pid))
        try:
            await self._pass_on(stdout)
        except (ConnectionError, RuntimeError, ValueError):  # the socket was closed during a frame
            pass
        except asyncio.IncompleteReadError:
            pass
        finally:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.remote_close()

    async def _pass_on(self, stdout: asyncio.StreamReader) -> None:
        """Read the packets of the app; raises `IncompleteReadError` when the app ends."""
        if await stdout.readexactly(len(_PRELUDE)) != _PRELUDE:
            raise ValueError("this is no app of Textual")
        handlers = {b"D": self.on_data, b"M": self.on_meta, b"P": self.on_packed}
        while True:
            header = await stdout.readexactly(5)
            size = int.from_bytes(header[1:], "big")
            if header[:1] not in handlers or size > MAX_PENDING:
                raise ValueError(header)
            await handlers[header[:1]](await stdout.readexactly(size))

    async def stop(self) -> None:
        """End the app: ask it to quit, then send SIGTERM, then SIGKILL. Returns when it has ended."""
        process, task = self._process, self._task
        self._task = None
        if process is None or task is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        with contextlib.suppress(ConnectionError, RuntimeError, ValueError):
            await self.send_meta({"type": "quit"})
        if task.done() and process.stdout is not None:
            # The output must still be read, because an app that blocks while it writes cannot exit.
            task = asyncio.create_task(_drain(process.stdout))
        for seconds, number in ((QUIT_SECONDS, signal.SIGTERM), (END_SECONDS, signal.SIGKILL)):
            if await _ended(process, seconds):
                break
            _signal_group(process, number)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
        if self._errors is not None:
            await asyncio.wait([self._errors], timeout=0.2)  # log its last output
            self._errors.cancel()

    def kill(self) -> None:
        """Kill the app if it still runs."""
        if self._process is not None and self._process.returncode is None:
            _signal_group(self._process, signal.SIGKILL)


async def _log_errors(stream: asyncio.StreamReader, pid: int) -> None:
    """Log the stderr output of an app up to `MAX_LOGGED` bytes; read the rest too, so that the app never blocks."""
    left = MAX_LOGGED
    while chunk := await stream.read(1 << 14):
        if left > 0:
            log.warning("app %d wrote:\n%s", pid, chunk[:left].decode("utf-8", "replace").rstrip())
        left -= len(chunk) + _HEADING


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


async def _ended(process: Process, seconds: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
