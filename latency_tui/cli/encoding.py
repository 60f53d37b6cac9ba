"""Codec error handlers that replace characters which the encoding of a stream lacks.

UTF-8 output is not changed. For other encodings, text gets ASCII replacements: `us` for µs, `x` for ×, `>=` for ≥,
letters without their accents. JSON gets escape sequences, which lose nothing.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata

PLAIN = "latency-tui-plain"
"""Name of the error handler for text."""
JSON_ESCAPES = "latency-tui-json"
"""Name of the error handler for JSON."""
_WORDS = {
    "µ": "u",
    "μ": "u",
    "×": "x",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "≠": "!=",
    "±": "+-",
    "–": "-",
    "—": "-",
    "−": "-",
    "·": "-",
    "…": "...",
    "─": "-",
    "━": "=",
    "│": "|",
    "→": "->",
    "←": "<-",
    "ρ": "rho",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}


def set_up_streams() -> None:
    """Install the error handler for text on stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # missing if a test or a notebook replaced the stream
        if reconfigure is not None:
            reconfigure(errors=PLAIN)


def is_utf8(encoding: str | None) -> bool:
    """Return whether an encoding can represent every character."""
    try:
        return codecs.lookup(encoding or "ascii").name in ("utf-8", "utf-16", "utf-32")
    except LookupError:
        return False


def _replace_with_ascii(error: UnicodeError) -> tuple[str, int]:
    """Replace one character; `>=` before a number also replaces the space, so that columns stay aligned."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character, end = error.object[error.start], error.start + 1
    word = _WORDS.get(character)
    if word is None:
        word = _remove_accents(character)
    if word in (">=", "<=") and error.object[end : end + 1] == " " and error.object[end + 1 : end + 2].isdigit():
        end += 1
    return word, end


def _remove_accents(character: str) -> str:
    kept = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return kept if kept.isprintable() and kept else "?"


def _escape_for_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end


codecs.register_error(PLAIN, _replace_with_ascii)
codecs.register_error(JSON_ESCAPES, _escape_for_json)
