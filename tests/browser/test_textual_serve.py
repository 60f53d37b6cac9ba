"""Textual's own `textual serve`: the app is served by whatever runs Textual's web driver, and ends with its tab."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest

from tests.browser.chromium import open_app
from tests.browser.conftest import is_alive, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXTUAL = shutil.which("textual", path=str(Path(sys.executable).parent))
LATENCY_TUI = str(Path(sys.executable).with_name("latency-tui"))
WEB_DRIVER = {**os.environ, "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": "140", "ROWS": "45"}
needs_textual_dev = pytest.mark.skipif(TEXTUAL is None, reason="textual-dev is not installed")


class TextualServe:
    """A running `textual serve`.

    Args:
        command: What it serves.
    """

    def __init__(self, command: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        assert TEXTUAL
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.popen = subprocess.Popen(
            [TEXTUAL, "serve", "--host", "127.0.0.1", "--port", str(self.port), command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": path},
            start_new_session=True,  # as a job of a shell
        )
        self.process = psutil.Process(self.popen.pid)
        assert wait_for(self._answers, 120)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def apps(self) -> list[psutil.Process]:
        """The processes behind tabs: shells, apps, engines, candidates."""
        return [child for child in self.process.children(recursive=True) if is_alive(child)]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@contextlib.contextmanager
def textual_serve(command: str) -> Iterator[TextualServe]:
    server = TextualServe(command)
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.popen.pid, signal.SIGKILL)
        server.popen.wait(20)


def ended(processes: list[psutil.Process]) -> bool:
    return wait_for(lambda: not any(map(is_alive, processes)), 120)


# This test comes before those with a page, in whose thread the event loop of playwright then runs.
@needs_textual_dev
@pytest.mark.slow
async def test_the_app_survives_sizes_that_no_terminal_has() -> None:
    impossible = [
        '["resize", {"width": 1e999, "height": 1}]',
        '["resize", {"width": null, "height": "a"}]',
        '["resize", {"width": -5, "height": 100000000000000000000}]',
        '["resize", {"width": {}, "height": NaN}]',
    ]
    with textual_serve("latency-tui -m linear-svm") as server:
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{server.url}/ws?width=100&height=30", max_msg_size=0) as wire,
        ):
            for size in impossible:
                await wire.send_str(size)
            await read_until(wire, b"linear kernel")
            for size in impossible:
                await wire.send_str(size)
            await wire.send_str('["resize", {"width": 90, "height": 30}]')
            await wire.send_str('["stdin", "?"]')
            await read_until(wire, b"Glossary")
            processes = server.apps()
        assert await asyncio.to_thread(ended, processes)


async def read_until(wire: aiohttp.ClientWebSocketResponse, words: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(40):
        async for message in wire:
            if message.type == aiohttp.WSMsgType.BINARY:
                seen += message.data
            if words in seen:
                return seen
    raise AssertionError(seen[-1000:])


@needs_textual_dev
@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["latency-tui", "latency-tui -m linear-svm --data iris", "python -m latency_tui", "textual run latency_tui"],
)
def test_a_browser_shows_the_app_and_closing_the_tab_ends_it(command: str, page: Page) -> None:
    with textual_serve(command) as server:
        page.route("**/*", lambda route: route.continue_() if server.url in route.request.url else route.abort())
        open_app(page, server.url)
        page.mouse.click(600, 700)
        page.keyboard.press("p")
        assert wait_for(lambda: len(server.apps()) >= 4, 120)  # a shell, the app, its engine, candidates
        processes = server.apps()
        page.close()
        assert ended(processes)
        assert server.popen.poll() is None


@needs_textual_dev
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_end_of_the_server_ends_the_app(number: signal.Signals, page: Page) -> None:
    with textual_serve("latency-tui -m linear-svm") as server:
        page.route("**/*", lambda route: route.continue_() if server.url in route.request.url else route.abort())
        open_app(page, server.url)
        page.mouse.click(600, 700)
        page.keyboard.press("p")
        assert wait_for(lambda: len(server.apps()) >= 4, 120)
        processes = server.apps()
        if number == signal.SIGINT:  # ctrl+c in a terminal goes to everything that runs there
            os.killpg(server.popen.pid, number)
        else:
            server.popen.send_signal(number)
        assert ended(processes)


# --- the app alone, with the test as its server ---------------------------------------------------------------------


def begin(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [LATENCY_TUI, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=WEB_DRIVER,
    )


def packet(payload: object) -> bytes:
    data = json.dumps(payload).encode()
    return b"M" + len(data).to_bytes(4, "big") + data


def packets(stream: bytes) -> list[tuple[bytes, bytes]]:
    """Take apart what an app wrote; fails where anything else was written in between."""
    assert stream.startswith(b"__GANGLION__\n"), stream[:200]
    rest, found = stream[len(b"__GANGLION__\n") :], []
    while rest:
        kind, size = rest[:1], int.from_bytes(rest[1:5], "big")
        assert kind in (b"D", b"M", b"P"), rest[:200]
        assert len(rest) >= 5 + size
        found.append((kind, rest[5 : 5 + size]))
        rest = rest[5 + size :]
    return found


@pytest.mark.slow
def test_stdout_carries_nothing_but_the_wire() -> None:
    app = begin("-m", "linear-svm", "-n", "10")
    assert app.stdin
    assert app.stdout
    seen = b""
    while b"linear kernel" not in seen:
        seen += os.read(app.stdout.fileno(), 1 << 16)
    app.stdin.write(b"D\0\0\0\1p")
    app.stdin.flush()
    while b"95 %" not in seen:
        chunk = os.read(app.stdout.fileno(), 1 << 16)
        assert chunk, seen[-2000:]
        seen += chunk
    app.stdin.write(b"D\0\0\0\1q")
    app.stdin.flush()
    rest, complaints = app.communicate(timeout=300)
    assert packets(seen + rest)[-1] == (b"M", b'{"type": "exit"}')
    assert complaints == b""
    assert app.returncode == 0


def test_a_mistake_in_the_command_is_shown_in_the_tab() -> None:
    app = begin("-m", "no-such-model")
    assert app.stdout
    seen = b""
    while b"Press q" not in seen:
        seen += os.read(app.stdout.fileno(), 1 << 16)
    rest, complaints = app.communicate(b"D\0\0\0\1q", timeout=300)
    assert b"latency-tui: There is no model" in packets(seen + rest)[0][1]
    assert complaints.count(b"\n") == 1
    assert app.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["-m", "linear-svm"], ["-m", "no-such-model"]])
def test_a_server_that_dies_at_once_leaves_no_app(arguments: list[str]) -> None:
    app = begin(*arguments)
    assert app.stdin
    assert app.stdout
    assert app.stderr
    for pipe in (app.stdin, app.stdout, app.stderr):
        pipe.close()
    app.wait(20)


@pytest.mark.slow
def test_an_app_that_nobody_reads_ends_when_it_is_told_to() -> None:
    """A server that stopped reading when the tab went away: the app cannot draw, and must leave all the same."""
    app = begin("-m", "linear-svm")
    assert app.stdin
    for width in range(40, 240):  # more than a pipe holds
        app.stdin.write(packet({"type": "resize", "width": width, "height": 40}))
        app.stdin.flush()
    app.stdin.write(packet({"type": "quit"}))
    app.stdin.flush()
    app.wait(20)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2])
def test_a_quit_while_the_app_opens_is_no_error(delay: float) -> None:
    app = begin("-m", "linear-svm")
    assert app.stdin
    assert app.stdout
    seen = b""
    while b"__GANGLION__\n" not in seen:
        seen += os.read(app.stdout.fileno(), 1 << 16)
    with contextlib.suppress(subprocess.TimeoutExpired):
        app.wait(delay)
    rest, complaints = app.communicate(packet({"type": "quit"}), timeout=300)
    packets(seen + rest)
    assert complaints == b""


def test_a_server_in_a_tab_is_refused() -> None:
    app = begin("serve")
    _, complaints = app.communicate(b"", timeout=300)
    assert b"cannot run inside textual serve" in complaints
    assert app.returncode == 2
