"""A server as a user starts it: the real command, on a free port, at the address that it prints."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

COMMAND = [sys.executable, "-P", "-m", "latency_tui.cli", "serve"]


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        process: The server's process.
        url: The printed address, with the token.
        said: Everything that it printed at the start.
    """

    process: psutil.Process
    url: str
    said: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.url).query)["token"][0]

    def apps(self) -> list[psutil.Process]:
        """The processes of open tabs: apps, engines, candidates."""
        return [child for child in self.process.children(recursive=True) if is_alive(child)]


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that waits to be reaped by init has ended."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether the condition came true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def serving(*arguments: str, descriptors: int | None = None, state: Path | None = None) -> Iterator[Served]:
    """Start a server and end it.

    Args:
        arguments: Options of the command.
        descriptors: How many files the server may open; None for as many as here.
        state: Where its log goes, in a folder of the program.
    """
    limit = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}"]
    process = subprocess.Popen(
        [*limit, *COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "XDG_STATE_HOME": str(state or os.devnull)},
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline() + process.stdout.readline()
        match = re.search(r"http\S+", said)
        assert match, said
        yield Served(psutil.Process(process.pid), match[0], said)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """A server of two models, for all tests that leave it as they found it."""
    with serving("-m", "logistic-regression", "-m", "linear-svm") as server:
        yield server


@pytest.fixture
def doomed() -> Iterator[Served]:
    """A server for one test that ends it."""
    with serving("-m", "linear-svm") as server:
        yield server


@pytest.fixture(autouse=True)
def _no_app_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the apps of its tabs are gone."""
    yield
    if "served" in request.fixturenames:
        server: Served = request.getfixturevalue("served")
        assert wait_for(lambda: server.apps() == [], 120)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; tests that need it are skipped where there is none."""
    from tests.browser.chromium import ARGUMENTS, CHROMIUM

    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of that Chromium, without cookies or history."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
