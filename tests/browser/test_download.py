"""Saving in a browser tab: the file arrives as a download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from latency_tui.result.result import load
from tests.browser.chromium import open_app
from tests.browser.conftest import Served

if TYPE_CHECKING:
    from playwright.sync_api import Download, Page, WebSocket


class Drawn:
    """What the app has drawn into a page since the last look."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames = bytearray()
        page.on("websocket", self._listen)

    def _listen(self, wire: WebSocket) -> None:
        wire.on("framereceived", lambda frame: self._frames.extend(frame if isinstance(frame, bytes) else b""))

    def appears(self, text: str, milliseconds: int) -> bool:
        """Return whether the app draws a text within that time."""
        for _ in range(0, milliseconds, 100):
            if text.encode() in self._frames:
                self._frames.clear()
                return True
            self._page.wait_for_timeout(100)
        return False


def download(page: Page, drawn: Drawn, name: str) -> Download:
    """Save under a name as soon as there is something to save."""
    for _ in range(60):
        page.keyboard.press("s")
        if drawn.appears("Download the result as", 2000):
            break
    with page.expect_download(timeout=60_000) as arriving:
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    return arriving.value


@pytest.mark.slow
def test_a_saved_result_arrives_as_a_download(served: Served, page: Page, tmp_path: Path) -> None:
    drawn = Drawn(page)
    open_app(page, served.url)
    page.keyboard.press("p")
    kept = download(page, drawn, "sub/my result;x.json")
    assert kept.suggested_filename == "my-result-x.json"
    kept.save_as(tmp_path / "kept.json")
    assert {one.slug for one in load(tmp_path / "kept.json").measured} <= {"logistic-regression", "linear-svm"}
    assert not Path("sub").exists()
    page.close()
