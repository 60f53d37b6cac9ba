"""What a model raises and warns of, as text that can be sent: of limited length, and encodable whatever it holds."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterable

from latency_tui.engine.candidate.error_messages import cause_of, one_line

LONGEST_MESSAGE = 1_000
LONGEST_NOTE = 500
LONGEST_TRACEBACK = 20_000
MOST_NOTES = 20
_WHOLE_NOTE = 4 * LONGEST_NOTE


def describe(error: BaseException) -> tuple[str, str]:
    """Return an exception as one line and its traceback, both limited in length; its `__str__` may raise anything."""
    try:
        said: str | None = str(error)
        message = one_line(error)
    except BaseException:  # noqa: BLE001 (whatever a model's own class raises)
        said, message = None, ""
    if said is None:
        message = f"{type(error).__name__}, whose message cannot be shown"
    return shorten(sendable(message), LONGEST_MESSAGE), _traceback_of(error, said)


def notes_of(caught: Iterable[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return warnings as single lines, each once."""
    return tuple(dict.fromkeys(_note_of(warning) for warning in caught))


def limited(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the first notes, each once and of limited length, and how many others there are."""
    different = dict.fromkeys(shorten(sendable(note), 2 * LONGEST_NOTE) for note in notes)
    kept = list(different)[:MOST_NOTES]
    left_out = len(different) - len(kept)
    return (*kept, f"{left_out:,} more warnings are not shown") if left_out else tuple(kept)


def sendable(text: str) -> str:
    """Return a text with escapes in place of what cannot be encoded, such as the bytes of a path that is not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def shorten(text: str, most: int) -> str:
    """Return the beginning of a text that is longer than `most` characters, and how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _note_of(warning: warnings.WarningMessage) -> str:
    name = getattr(warning.category, "__name__", "Warning")
    try:
        text = str(warning.message).strip()
        said, _, more = text.partition("\n")
        if more and len(text) < _WHOLE_NOTE and isinstance(warning.message, Warning):
            said = cause_of(warning.message)  # its sentence goes on in the next line
    except BaseException:  # noqa: BLE001 (as above)
        said = ""
    return f"{name}: {shorten(said.strip(), LONGEST_NOTE)}" if said else name


def _traceback_of(error: BaseException, said: str | None) -> str:
    try:
        story = _formatted(error, said)
    except BaseException:  # noqa: BLE001 (as above)
        story = f"{type(error).__name__}, whose traceback cannot be shown"
    if len(story) > LONGEST_TRACEBACK:
        half = LONGEST_TRACEBACK // 2
        story = f"{story[:half]}\n… {len(story) - 2 * half:,} characters left out …\n{story[-half:]}"
    return sendable(story)


def _formatted(error: BaseException, said: str | None) -> str:
    if said is None or len(said) > LONGEST_TRACEBACK:  # which Python takes long to format, if it can
        last = f"{type(error).__name__}: {shorten(said or '', LONGEST_MESSAGE)}"
        return "".join(traceback.format_tb(error.__traceback__)) + last
    return "".join(traceback.format_exception(error))
