"""`latency-tui serve` over real HTTP and a real web socket: who may come in, and what is left when they leave."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from http.cookies import SimpleCookie
from urllib.parse import quote

import aiohttp
import psutil
import pytest

from tests.browser.conftest import COMMAND, Served, is_alive, serving, wait_for

SIZE = "width=100&height=30"


async def status(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def cookie_of(served: Served) -> str:
    """Open the printed address as a browser does; return the cookie to send from then on."""
    async with aiohttp.ClientSession() as client, client.get(served.url, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/"
        (morsel,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert morsel["httponly"]
        assert morsel["samesite"] == "Strict"
        assert morsel.value != served.token
        return f"{morsel.key}={morsel.value}"


async def first_frame(connection: aiohttp.ClientWebSocketResponse) -> bytes:
    """Read until the app has drawn its title."""
    seen = b""
    async with asyncio.timeout(20):
        async for message in connection:
            if message.type == aiohttp.WSMsgType.BINARY:
                seen += message.data
            if b"latency-tui" in seen:
                return seen
    raise AssertionError(seen[-500:])


async def refused(url: str, **headers: str) -> int:
    """Open a web socket that is refused; return the status."""
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(url, headers=headers)
        return int(caught.value.status)


async def test_with_the_cookie_the_app_draws(served: Served) -> None:
    cookie = await cookie_of(served)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers={"Cookie": cookie, "Origin": served.origin}) as wire,
    ):
        assert b"latency-tui" in await first_frame(wire)
        assert served.apps()


@pytest.mark.slow
async def test_a_tunnel_may_change_the_port(served: Served) -> None:
    cookie = await cookie_of(served)
    headers = {"Cookie": cookie, "Host": "localhost:9000", "Origin": "http://localhost:9000"}
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers=headers) as wire,
    ):
        await first_frame(wire)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1.evil.example", "http://127.0.0.1:1", "null", "", "file://", "http://["],
)
async def test_pages_of_another_origin_are_refused_even_with_the_token(served: Served, origin: str) -> None:
    cookie = await cookie_of(served)
    assert await refused(f"{served.origin}/ws?{SIZE}", Cookie=cookie, Origin=origin) == 403
    assert await status(served.url, Origin=origin) == 403
    assert served.apps() == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "a b", "["]
)
async def test_a_name_that_was_rebound_to_this_machine_is_refused(served: Served, host: str) -> None:
    cookie = await cookie_of(served)
    same = f"http://{host}"
    assert await refused(f"{served.origin}/ws?{SIZE}", Cookie=cookie, Host=host, Origin=same) in (400, 403)
    assert await status(served.url, Host=host) in (400, 403)
    assert served.apps() == []


@pytest.mark.parametrize(
    "path", ["/", "/download/key", "/static/js/textual.js", "/page/page.js", "/nothing", "/?token=x"]
)
async def test_nothing_is_answered_without_the_token(served: Served, path: str) -> None:
    assert await status(served.origin + path) == 403


@pytest.mark.parametrize("cookie", [None, "latency-tui-{port}=guess", "latency-tui-{port}=", "other=1"])
async def test_no_web_socket_without_the_token(served: Served, cookie: str | None) -> None:
    headers = {"Cookie": cookie.format(port=served.port)} if cookie else {}
    assert await refused(f"{served.origin}/ws?{SIZE}", Origin=served.origin, **headers) == 403
    assert served.apps() == []


async def test_the_page_may_load_from_here_only_and_not_stand_in_a_frame(served: Served) -> None:
    headers = {"Cookie": await cookie_of(served)}
    async with aiohttp.ClientSession() as client, client.get(served.origin, headers=headers) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "//" not in page.replace("<!doctype html>", "")
    assert served.token not in page


async def test_static_folders_are_not_listed(served: Served) -> None:
    for path in ("/static/", "/page/", "/static/js/", "/page/../server.py", "/page/%2e%2e/server.py"):
        assert await status(f"{served.origin}{path}?token={quote(served.token)}") == 403
        assert await status(f"{served.origin}{path}", Cookie=await cookie_of(served)) in (403, 404)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["width=0&height=0", "width=-5&height=nan", "width=999999999&height=1", "x=y"])
async def test_any_size_in_the_address_is_survived(served: Served, size: str) -> None:
    cookie = await cookie_of(served)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{size}", headers={"Cookie": cookie}) as wire,
    ):
        async with asyncio.timeout(20):
            assert (await wire.receive()).type == aiohttp.WSMsgType.BINARY


async def test_the_address_with_the_token_is_exchanged_for_one_without(served: Served) -> None:
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{served.url}&fontsize=20", allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/?fontsize=20"
        async with client.get(served.url, headers={"Sec-Fetch-Site": "cross-site"}, allow_redirects=False) as answer:
            assert answer.status == 200  # a redirect would come without the strict cookie
            assert 'content="0; url=/"' in await answer.text()
            assert "Set-Cookie" in answer.headers


@pytest.mark.slow
async def test_resizing_draws_anew(served: Served) -> None:
    cookie = await cookie_of(served)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers={"Cookie": cookie}) as wire,
    ):
        await first_frame(wire)
        await wire.send_str(json.dumps(["resize", {"width": 80, "height": 24}]))
        await first_frame(wire)


@pytest.mark.slow
@pytest.mark.parametrize("measuring", [False, True], ids=["idle", "measuring"])
async def test_closing_the_tab_ends_the_app_and_its_engine(served: Served, measuring: bool) -> None:
    cookie = await cookie_of(served)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers={"Cookie": cookie}) as wire,
    ):
        await first_frame(wire)
        if measuring:
            await wire.send_str(json.dumps(["stdin", "p"]))
            await _draw_until(wire, lambda: len(served.apps()) >= 4)
        processes = served.apps()
    assert len(processes) >= (4 if measuring else 1)
    assert await asyncio.to_thread(wait_for, lambda: not any(map(is_alive, processes)), 60.0)


@pytest.mark.slow
async def test_a_connection_that_is_cut_ends_the_app_as_well(served: Served) -> None:
    cookie = await cookie_of(served)
    client = aiohttp.ClientSession()
    wire = await client.ws_connect(f"{served.origin}/ws?{SIZE}", headers={"Cookie": cookie})
    await first_frame(wire)
    processes = served.apps()
    transport = wire._response.connection.transport  # type: ignore[union-attr]  # no other way to cut it off rudely
    transport.abort()  # type: ignore[union-attr]
    assert await asyncio.to_thread(wait_for, lambda: not any(map(is_alive, processes)), 60.0)
    await client.close()


@pytest.mark.slow
async def test_leaving_the_app_closes_the_socket(served: Served) -> None:
    cookie = await cookie_of(served)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{served.origin}/ws?{SIZE}", headers={"Cookie": cookie}) as wire,
    ):
        await first_frame(wire)
        await wire.send_str(json.dumps(["stdin", "q"]))
        async with asyncio.timeout(10):
            while (await wire.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                pass


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_ending_the_server_ends_all(doomed: Served, number: signal.Signals) -> None:
    cookie = await cookie_of(doomed)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{doomed.origin}/ws?{SIZE}", headers={"Cookie": cookie}) as wire,
    ):
        await first_frame(wire)
        processes = [doomed.process, *doomed.apps()]
        doomed.process.send_signal(number)
        assert await asyncio.to_thread(wait_for, lambda: not any(map(is_alive, processes)), 60.0)


async def _draw_until(wire: aiohttp.ClientWebSocketResponse, condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(30):
        while not condition():
            await wire.receive()


@pytest.mark.slow
def test_a_stuck_app_is_ended_all_the_same(served: Served) -> None:
    async def scenario() -> list[psutil.Process]:
        cookie = await cookie_of(served)
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{served.origin}/ws?{SIZE}", headers={"Cookie": cookie}) as wire,
        ):
            await first_frame(wire)
            processes = served.apps()
            processes[0].suspend()
            return processes

    processes = asyncio.run(scenario())
    assert wait_for(lambda: not any(map(is_alive, processes)), 2.5)


# --- the command itself ---------------------------------------------------------------------------------------------


def refuse(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.slow
def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is in use" in refuse("--port", str(port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "8.8.8.8"])
def test_another_address_than_loopback_has_to_be_allowed(host: str) -> None:
    sentence = refuse("--host", host)
    assert "whoever reaches the port runs this program as you" in sentence
    assert "--allow-remote" in sentence


@pytest.mark.parametrize(
    "arguments",
    [["--host", "no.such.host.invalid"], ["--public-url", "ftp://a"], ["--public-url", "https://a/b"], ["-n", "0"]],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    assert refuse(*arguments).startswith("latency-tui: ")


@pytest.mark.slow
async def test_behind_a_proxy_its_origin_counts() -> None:
    with serving("--public-url", "https://latency.example.org", "-m", "linear-svm") as served:
        assert "https://latency.example.org/?token=" in served.said
        port = next(c.laddr.port for c in served.process.net_connections() if c.status == psutil.CONN_LISTEN)
        local = f"http://127.0.0.1:{port}"
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{local}/?token={served.token}", allow_redirects=False) as answer,
        ):
            assert "Secure" in answer.headers["Set-Cookie"]
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        headers = {"Cookie": cookie, "Host": "latency.example.org", "Origin": "https://latency.example.org"}
        async with aiohttp.ClientSession() as client, client.ws_connect(f"{local}/ws?{SIZE}", headers=headers) as wire:
            await first_frame(wire)
        assert await refused(f"{local}/ws?{SIZE}", **headers | {"Origin": "https://example.org"}) == 403


@pytest.mark.slow
async def test_with_remote_allowed_any_address_is_ours_but_no_foreign_name() -> None:
    with serving("--host", "0.0.0.0", "--allow-remote") as served:
        local = f"http://127.0.0.1:{served.port}/?token={served.token}"
        assert await status(local, Host=f"10.1.2.3:{served.port}") == 303
        assert await status(local, Host=f"{socket.gethostname()}:{served.port}") == 303
        assert await status(local, Host="evil.example") == 403
