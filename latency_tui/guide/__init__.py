"""The manual: one Markdown page per topic, shown in the app, printed by `latency-tui guide`, and read on the web."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
"""Where the pages are, as `TOPIC.md`."""

TOPICS: tuple[str, ...] = (
    "getting-started",
    "reading-results",
    "glossary",
    "keys",
    "options",
    "sweeps",
    "load",
    "own-models",
    "environments",
    "hosts",
    "python",
    "configuration",
    "history",
    "exporting",
    "automation",
    "browser",
    "where-the-time-goes",
    "measuring",
    "figures",
    "security",
    "troubleshooting",
)
"""Names of the pages, in reading order."""


class Page(NamedTuple):
    """One page of the manual.

    Attributes:
        topic: Its name.
        title: Its heading.
        summary: Its first sentence: what it is about.
        text: The whole page as Markdown.
    """

    topic: str
    title: str
    summary: str
    text: str


def read_page(topic: str) -> Page:
    """Read the page of a topic; the topic is one of `TOPICS`."""
    text = (FOLDER / f"{topic}.md").read_text(encoding="utf-8")
    heading, summary, *_ = text.split("\n\n", 2)
    return Page(topic, heading.removeprefix("# "), " ".join(summary.split()), text)
