"""Converts exceptions and warnings of models to text of limited length that can be encoded."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterable

from latency_tui.engine.candidate.error_messages import extract_cause, summarize_exception

MAX_MESSAGE = 1_000
MAX_NOTE = 500
MAX_TRACEBACK = 20_000
MAX_NOTES = 20
_MAX_MULTILINE_NOTE = 4 * MAX_NOTE


def describe(error: BaseException) -> tuple[str, str]:
    """Return an exception as one line and its traceback, both limited in length; its `__str__` may raise anything."""
    try:
        formatted: str | None = str(error)
        message = summarize_exception(error)
    except BaseException:  # noqa: BLE001 (a class of the user may raise anything)
        formatted, message = None, ""
    if formatted is None:
        message = f"{type(error).__name__}, whose message cannot be shown"
    return shorten(escape_unencodable(message), MAX_MESSAGE), _format_traceback(error, formatted)


def format_warnings(caught: Iterable[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return warnings as distinct single lines."""
    return tuple(dict.fromkeys(_format_warning(warning) for warning in caught))


def limited(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the first distinct notes with limited length, and the number of further ones."""
    different = dict.fromkeys(shorten(escape_unencodable(note), 2 * MAX_NOTE) for note in notes)
    kept = list(different)[:MAX_NOTES]
    left_out = len(different) - len(kept)
    return (*kept, f"{left_out:,} more warnings are not shown") if left_out else tuple(kept)


def escape_unencodable(text: str) -> str:
    """Replace characters that cannot be encoded, such as the bytes of a path that is not UTF-8, by escape sequences."""
    return text.encode("utf-8", "backslashreplace").decode()


def shorten(text: str, most: int) -> str:
    """Return a text, shortened to `most` characters and with its length appended if it is longer."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _format_warning(warning: warnings.WarningMessage) -> str:
    name = getattr(warning.category, "__name__", "Warning")
    try:
        text = str(warning.message).strip()
        formatted, _, more = text.partition("\n")
        if more and len(text) < _MAX_MULTILINE_NOTE and isinstance(warning.message, Warning):
            formatted = extract_cause(warning.message)  # the message continues in the next line
    except BaseException:  # noqa: BLE001 (as above)
        formatted = ""
    return f"{name}: {shorten(formatted.strip(), MAX_NOTE)}" if formatted else name


def _format_traceback(error: BaseException, formatted: str | None) -> str:
    try:
        story = _formatted(error, formatted)
    except BaseException:  # noqa: BLE001 (as above)
        story = f"{type(error).__name__}, whose traceback cannot be shown"
    if len(story) > MAX_TRACEBACK:
        half = MAX_TRACEBACK // 2
        story = f"{story[:half]}\n… {len(story) - 2 * half:,} characters left out …\n{story[-half:]}"
    return escape_unencodable(story)


def _formatted(error: BaseException, formatted: str | None) -> str:
    if formatted is None or len(formatted) > MAX_TRACEBACK:  # formatting it may be slow or fail
        last = f"{type(error).__name__}: {shorten(formatted or '', MAX_MESSAGE)}"
        return "".join(traceback.format_tb(error.__traceback__)) + last
    return "".join(traceback.format_exception(error))
