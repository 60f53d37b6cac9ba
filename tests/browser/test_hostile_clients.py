"""What strangers and broken pages do to the server: each is answered or dropped, and the owner's tab opens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from latency_tui.serve import log as serve_log
from tests.browser.conftest import Served, is_alive, serving, wait_for
from tests.browser.test_socket import SIZE, cookie_of, first_frame

NOT_A_MESSAGE = ['["stdin", 5]', '["resize", {"width": 1e999, "height": 1}]', "[" * 100_000]
SIZES = ['{"width": 1e300, "height": 1}', '{"width": -5, "height": 0}', '{"width": 1.5, "height": true}']


async def closes(wire: aiohttp.ClientWebSocketResponse) -> None:
    ends = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR)
    async with asyncio.timeout(20):
        while (await wire.receive()).type not in ends:
            pass


@pytest.mark.parametrize("text", NOT_A_MESSAGE, ids=lambda text: text[:40])
async def test_what_is_no_message_closes_the_tab_and_nothing_else(served: Served, text: str) -> None:
    headers = {"Cookie": await cookie_of(served)}
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as wire,
    ):
        await wire.send_str(text)
        await closes(wire)
    await answers_the_owner(served)


@pytest.mark.slow
async def test_binary_frames_and_broken_utf_8_close_the_tab(served: Served) -> None:
    headers = {"Cookie": await cookie_of(served)}
    async with aiohttp.ClientSession() as client:
        for kind, payload in ((aiohttp.WSMsgType.BINARY, b"\x00\xff"), (aiohttp.WSMsgType.TEXT, b"\xff\xfe")):
            async with client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as wire:
                await wire._writer.send_frame(payload, kind)
                await closes(wire)
    await answers_the_owner(served)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
async def test_sizes_out_of_bounds_are_brought_into_them(served: Served, size: str) -> None:
    headers = {"Cookie": await cookie_of(served)}
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers, max_msg_size=0) as wire,
    ):
        await wire.send_str(f'["resize", {size}]')
        await wire.send_str('["resize", {"width": 80, "height": 24}]')
        await first_frame(wire)


@pytest.mark.slow
async def test_a_flood_of_messages_holds_up_nobody_else(served: Served) -> None:
    headers = {"Cookie": await cookie_of(served)}
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as wire,
    ):
        for number in range(3000):
            await wire.send_str(json.dumps(["resize", {"width": 60 + number % 60, "height": 30}]))
        async with client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as other:
            await first_frame(other)
        processes = served.apps()
    assert await asyncio.to_thread(wait_for, lambda: not any(map(is_alive, processes)), 10)


@pytest.mark.slow
async def test_a_tab_of_a_stuck_app_closes_however_much_was_typed(served: Served) -> None:
    headers = {"Cookie": await cookie_of(served)}
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as wire,
    ):
        await first_frame(wire)
        processes = served.apps()
        processes[0].suspend()
        for _ in range(4):
            await wire.send_str(json.dumps(["stdin", "x" * 500_000]))
    assert await asyncio.to_thread(wait_for, lambda: not any(map(is_alive, processes)), 10)


async def answers_the_owner(served: Served) -> None:
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as client,
        client.get(served.url, allow_redirects=False) as answer,
    ):
        assert answer.status == 303


# --- strangers without a token ---------------------------------------------------------------------------------------


def ask(served: Served, request: bytes, seconds: float = 120.0) -> bytes:
    """Send bytes over a connection; return what comes back until it closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=seconds) as connection:
        connection.sendall(request)
        answer = b""
        with contextlib.suppress(OSError):
            while chunk := connection.recv(65536):
                answer += chunk
        return answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: latency-tui-PORT=\xff\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: \xff\xfe=\xff; ;=;\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\xff\r\nCookie: a=b\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://\xff\xfe\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://[\r\n",
        b"GET /?token=%ff%fe HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /?token=%ed%b3%bf&token= HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /\xff?token=\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET http://[/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n",
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n",
        b"\x16\x03\x01 rubbish\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 20_000 + b"\r\n",
    ],
    ids=lambda head: repr(head[:60]),
)
def test_a_strange_request_is_refused_and_its_connection_closed(served: Served, head: bytes) -> None:
    answer = ask(served, head.replace(b"PORT", str(served.port).encode()) + b"\r\n")
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"Traceback" not in answer


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: y\r\n"])
def test_a_request_that_does_not_come_is_not_waited_for(served: Served, sent: bytes) -> None:
    assert ask(served, sent, seconds=30) == b""


def test_a_head_without_an_end_is_not_collected(served: Served) -> None:
    assert ask(served, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000) == b""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"], ids=["idle", "half a request"])
async def test_idle_strangers_do_not_lock_the_owner_out(sent: bytes, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(serving("-m", "linear-svm", descriptors=256, state=tmp_path))
        stop = time.monotonic() + 3
        strangers: list[socket.socket] = []
        while len(strangers) < 600 and time.monotonic() < stop:
            strangers.append(stack.enter_context(socket.socket()))
            strangers[-1].settimeout(1)
            with contextlib.suppress(OSError):
                strangers[-1].connect(("127.0.0.1", served.port))
                strangers[-1].sendall(sent)
        headers = {"Cookie": await cookie_of(served)}
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as wire,
        ):
            await first_frame(wire)
        assert served.process.num_fds() < 200
        assert list(tmp_path.rglob("*.log")) == []


# --- what apps write to stderr ---------------------------------------------------------------------------------------


@pytest.fixture
def talkative(tmp_path: Path) -> Iterator[Served]:
    """A server whose apps write 300 kB to stderr, and whose own output nobody reads."""
    program = tmp_path / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "for number in range(3000): os.write(2, b'complaint %5d ' % number + b'x' * 80 + b'\\n')\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n"
    )
    program.chmod(0o755)
    code = f"import sys; sys.executable = {str(program)!r}; from latency_tui.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", "0", "-m", "linear-svm"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    yield Served(psutil.Process(process.pid), said.split()[-1], said)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=300)


@pytest.mark.slow
async def test_what_apps_write_to_stderr_is_logged_and_holds_up_nobody(talkative: Served, tmp_path: Path) -> None:
    for _ in range(3):
        headers = {"Cookie": await cookie_of(talkative)}
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{talkative.origin}/ws?{SIZE}", headers=headers) as wire,
        ):
            await first_frame(wire)
    (file,) = tmp_path.rglob("serve.log")
    assert wait_for(lambda: "complaint  1000" in file.read_text(), 120)
    assert file.stat().st_size < 3 * 220_000


def test_the_log_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "serve.log"
    with serve_log.log_to_file(path):
        for _ in range(40):
            logging.getLogger("app").warning("x" * 100_000)
            time.sleep(0.01)
    assert sum(file.stat().st_size for file in path.parent.iterdir()) <= 2 * serve_log.MAX_BYTES
    assert len(list(path.parent.iterdir())) == 2


def test_a_log_that_cannot_be_written_is_no_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with serve_log.log_to_file(tmp_path / "file" / "serve.log"):
        logging.getLogger("app").warning("nobody will read this")
    assert capfd.readouterr() == ("", "")
