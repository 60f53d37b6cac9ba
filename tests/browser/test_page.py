"""The page in a real Chromium: it draws, it asks nobody else for anything, and closing it ends the app.

textual-serve draws on a canvas, so that there is no text to read in the page: its picture is looked at instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import open_app
from tests.browser.conftest import Served, is_alive, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_app_draws_and_nothing_is_fetched_from_elsewhere(served: Served, page: Page) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda wire: asked.append(wire.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_app(page, served.url)
    ours = (served.origin + "/", served.origin.replace("http:", "ws:") + "/", "data:", "blob:")
    assert any(url.endswith(".ttf") for url in asked)
    assert [url for url in asked if not url.startswith(ours)] == []
    assert complaints == []


@pytest.mark.slow
def test_the_token_leaves_the_address_and_reloading_still_works(served: Served, page: Page) -> None:
    open_app(page, served.url)
    assert "token" not in page.url
    page.reload()
    page.wait_for_selector("body.-first-byte", timeout=120_000)
    assert page.evaluate("document.cookie") == ""


@pytest.mark.slow
def test_closing_the_page_ends_the_app(served: Served, page: Page) -> None:
    open_app(page, served.url)
    processes = served.apps()
    assert processes
    page.close()
    assert wait_for(lambda: not any(map(is_alive, processes)), 30.0)


@pytest.mark.slow
def test_measuring_and_leaving_by_keys(served: Served, page: Page) -> None:
    open_app(page, served.url)
    page.keyboard.press("p")
    assert wait_for(lambda: len(served.apps()) >= 4, 120)
    page.keyboard.press("q")
    page.keyboard.press("q")  # it asks once while it measures
    page.wait_for_selector("#restart", state="visible", timeout=120_000)
    page.click("#restart")
    page.wait_for_selector("body.-first-byte", timeout=120_000)


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[str]:
    """A server of somebody else's on another port of this machine, such as a notebook; its address."""
    (tmp_path / "index.html").write_text("<p>neighbour")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_page_of_another_port_cannot_open_the_socket(served: Served, page: Page, neighbour: str) -> None:
    """The attack itself. To a browser two ports are one site, so that it sends our cookie along."""
    open_app(page, served.url)
    page.goto(neighbour)
    outcome = page.evaluate(
        """url => new Promise(done => {
          const socket = new WebSocket(url);
          socket.onopen = () => done("open");
          socket.onerror = () => done("refused");
        })""",
        served.origin.replace("http:", "ws:") + "/ws?width=80&height=24",
    )
    assert outcome == "refused"


@pytest.mark.slow
def test_without_the_token_the_page_says_where_to_find_it(served: Served, page: Page) -> None:
    answer = page.goto(served.origin)
    assert answer is not None
    assert answer.status == 403
    assert "Open the address that latency-tui serve printed" in page.content()
