"""Reduces the message of an exception to one line that names the cause, whichever library raised it."""

from __future__ import annotations

import re

from latency_tui.errors import LatencyTuiError

MAX_CHARACTERS = 400
"""Maximum number of characters: four lines of a terminal."""

_MAX_READ = 50_000
_LONG_WORD = re.compile(r"(\S{300})\S+")
"""Applied first, because the time of the other searches grows quadratically with the length of a word."""
_TRACEBACK = re.compile(r"^\s*(Traceback\b|The above (operation|exception) |.*in the TorchScript interpreter)")
_RAISED = re.compile(r"^\s*(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit|Warning)\b(?::|$)")
_NOISE = re.compile(
    r"^\s*(Stack ?trace:|\[bt\]|frame #\d|Exception raised from|C\+\+ CapturedTraceback|File \"|[-=~^\s]+$|https?://\S+$"
    r"|.*<--- HERE|~*\^~*|[~^]+|See:$|for more info\.$|Please fix either the inputs/outputs or the model)"
)
_ORT_CODE = re.compile(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")
_LOAD_FAILED = re.compile(r"^Load model from .*? failed: ?")
_PLACE = re.compile(r"(?:\[\d\d:\d\d:\d\d\] )?(?:\S*/)?[\w+-]+\.(?:cc|cpp|cu|cuh|h|hpp):\d+:? ?")
_ASIDE = re.compile(r" ?Please fix either the inputs/outputs or the model\.?")


def summarize_exception(error: BaseException) -> str:
    """Return an exception as one line: its type and cause, or the whole message of an error of this package."""
    cause = extract_cause(error)
    if isinstance(error, LatencyTuiError):
        return cause
    kind = type(error).__name__
    return f"{kind}: {cause.removeprefix(f'{kind}: ')}" if cause else kind


def extract_cause(error: BaseException) -> str:
    """Return the part of an exception's message that names the cause, in one line; empty if it has no message.

    That is the last line of an embedded traceback (TorchScript, joblib), or else the message without stack traces,
    source locations and C++ signatures. Long messages are shortened.
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (__str__ of the exception may raise)
        return ""
    if isinstance(error, LatencyTuiError):
        return " ".join(text.split())
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        return _cut("; ".join([error.message, *(summarize_exception(one) for one in error.exceptions[:3])]))
    if len(text) > 2 * _MAX_READ:
        text = f"{text[:_MAX_READ]}\n{text[-_MAX_READ:]}"
    text = _LONG_WORD.sub(r"\1…", text)
    lines = text.encode(errors="replace").decode().strip().splitlines()
    if any(_TRACEBACK.match(line) for line in lines):
        raised = [number for number, line in enumerate(lines) if _RAISED.match(line)]
        lines = lines[raised[-1] :] if raised else lines[:1]
    lines = [line.strip() for line in lines if line.strip() and not _NOISE.match(line)]
    return _cut(_remove_source_locations(_join_lines(lines)))


def _join_lines(lines: list[str]) -> str:
    """Join lines to sentences: list items are separated by commas, sentences by semicolons."""
    text = ""
    for line in lines:
        separator = " "
        if text.endswith(("following indices",)):
            separator = ": "
        elif line.startswith("- "):
            line, separator = line[2:], " " if text.endswith(":") else ", "
        elif text and text[-1].isalnum() and line[:1].isupper():
            separator = "; "
        text += separator + line if text else line
    return " ".join(text.split())


def _remove_source_locations(text: str) -> str:
    """Remove file, line and function signature from a message of a C++ library."""
    text = _LOAD_FAILED.sub("", _ASIDE.sub("", _ORT_CODE.sub("", text)))
    kept = ""
    while place := _PLACE.search(text):
        kept, text = kept + text[: place.start()], _remove_signature(text[place.end() :])
    return f"{kept}{text}".strip()


def _remove_signature(text: str) -> str:
    """Remove a C++ signature at the beginning of a message."""
    start = text.find("(")
    if start < 0 or not re.match(r"^[\w:~<>,&*\s\[\]{}=.-]+$", text[:start]) or "::" not in text[:start]:
        return text
    depth = 0
    for position, letter in enumerate(text[start:], start):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            rest = re.sub(r"^(?: const| noexcept| \[with [^\]]*\]|::<lambda\(.*?\)>)+", "", text[position + 1 :])
            return rest.strip() or text
    return text


def _cut(text: str) -> str:
    """Shorten a text to `MAX_CHARACTERS`, after a sentence if possible."""
    if len(text) <= MAX_CHARACTERS:
        return text
    end = max(text.rfind(mark, MAX_CHARACTERS // 4, MAX_CHARACTERS) for mark in (". ", "! ", "? "))
    return text[: end + 1] if end > 0 else text[: MAX_CHARACTERS - 1].rstrip() + "…"
