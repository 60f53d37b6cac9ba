"""Notices in the corner of the screen; their text is not parsed as markup."""

from __future__ import annotations

from textual.dom import DOMNode

from latency_tui.errors import LatencyTuiError

_ERROR_SECONDS, _WARNING_SECONDS, _NOTE_SECONDS = 8, 4, 3  # long enough to read a sentence twice


def notify_error(node: DOMNode, error: LatencyTuiError, remedy: str = "") -> None:
    """Show an error and its remedy."""
    words = f"{error} {remedy}".strip()
    node.app.notify(words, title=error.title, severity="error", timeout=_ERROR_SECONDS, markup=False)


def notify_refusal(node: DOMNode, words: str, title: str = "Not now") -> None:
    """Show a warning with the reason why a command does nothing."""
    node.app.notify(words, title=title, severity="warning", timeout=_WARNING_SECONDS, markup=False)


def notify(node: DOMNode, words: str, title: str = "") -> None:
    """Show a note."""
    node.app.notify(words, title=title, timeout=_NOTE_SECONDS, markup=False)
