"""A headless Chromium, and how to see in it whether the app has drawn on its canvas."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.browser.conftest import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COUNT_COLOURS = """() => {
  const kinds = new Set();
  for (const canvas of document.querySelectorAll("canvas")) {
    if (!canvas.width || !canvas.height) continue;
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext("2d");
    context.drawImage(canvas, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, copy.width, copy.height).data.buffer);
    for (const pixel of pixels) if (kinds.size < 1000) kinds.add(pixel);
  }
  return kinds.size;
}"""


def open_app(page: Page, url: str) -> None:
    """Open the address and wait until the app has drawn with more than a few colours."""
    page.goto(url, wait_until="commit")
    page.wait_for_selector("body.-first-byte", timeout=120_000)
    assert wait_for(lambda: page.evaluate(COUNT_COLOURS) > 20, 120)
