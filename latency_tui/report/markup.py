"""Escapes external text for HTML, SVG, XML and Markdown."""

from __future__ import annotations

import html
import re

from latency_tui.text.sanitize import clean

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~&!$])")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def without_illegal(text: str) -> str:
    """Return text in which characters that XML cannot contain are replaced."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def escape(text: str) -> str:
    """Return text on one line, escaped for the content or an attribute of HTML, SVG or XML."""
    return html.escape(without_illegal(clean(text)))


def escape_markdown(text: str) -> str:
    """Escape characters that have a meaning in Markdown, in HTML or in a table."""
    return _MARKDOWN.sub(r"\\\1", text)
