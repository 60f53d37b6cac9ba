"""The app behind one browser tab: started with the tab, and gone with it in under two seconds, come what may."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Any

from textual_serve.app_service import AppService

QUIT_SECONDS = 1.0
"""How long the app may take to leave by itself, closing its engine on the way."""
END_SECONDS = 0.3
"""How long it may take after SIGTERM, before SIGKILL."""


class Session(AppService):
    """An app's process and the pipes between it and a web socket.

    textual-serve's own asks the app to quit and waits for as long as that takes: an app that hangs, or that is stuck
    writing to a tab which has gone, would stay for ever. Its shell would stand between us and the app, too.

    Args:
        arguments: The command line of the app, as a list: no shell reads it.
        wire: textual-serve's callbacks: `write_bytes`, `write_str`, `close`, `download_manager`.
    """

    def __init__(self, arguments: Sequence[str], **wire: Any) -> None:  # Any: passed through
        super().__init__("", **wire)
        self._arguments = tuple(arguments)

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width=width, height=height),
            start_new_session=True,  # Ctrl+C in the server's terminal is for the server, which then ends its apps
        )
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        """Pass on what the app writes until it ends, then close the tab's socket, whatever ended it."""
        try:
            await super().run()
        except (ConnectionError, RuntimeError, ValueError):  # the socket went away in the middle of a frame
            pass
        finally:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.remote_close()

    async def stop(self) -> None:
        """End the app: ask, then insist, then force. Returns when it is gone."""
        process, task = self._process, self._task
        self._task = None
        if process is None or task is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(self.send_meta({"type": "quit"}), 0.2)
        if task.done() and process.stdout is not None:
            # Nobody reads the app's frames any more, and an app that cannot write cannot leave.
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

    def kill(self) -> None:
        """End the app at once, if it is still there."""
        if self._process is not None and self._process.returncode is None:
            _signal_group(self._process, signal.SIGKILL)


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
