"""Output for a stream whose encoding lacks some of our characters: other words for them, and no question marks.

Where the encoding is UTF-8, as nearly everywhere, nothing is changed. For others the error handlers below are used:
`us` for µs, `x` for ×, `>=` for ≥, a letter without its accent, and in JSON an escape that says the same.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata

PLAIN = "latency-tui-plain"
"""Name of the error handler for text."""
JSON_ESCAPES = "latency-tui-json"
"""Name of the error handler for JSON, which loses nothing."""
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
    """Let stdout and stderr write other words for what their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # missing where a test or a notebook took its place
        if reconfigure is not None:
            reconfigure(errors=PLAIN)


def is_utf8(encoding: str | None) -> bool:
    """Return whether an encoding holds every character."""
    try:
        return codecs.lookup(encoding or "ascii").name in ("utf-8", "utf-16", "utf-32")
    except LookupError:
        return False


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replace one character; before a number, `>=` takes the space too, so that columns stay aligned."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character, end = error.object[error.start], error.start + 1
    word = _WORDS.get(character)
    if word is None:
        word = _without_accents(character)
    if word in (">=", "<=") and error.object[end : end + 1] == " " and error.object[end + 1 : end + 2].isdigit():
        end += 1
    return word, end


def _without_accents(character: str) -> str:
    kept = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return kept if kept.isprintable() and kept else "?"


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end


codecs.register_error(PLAIN, _plain)
codecs.register_error(JSON_ESCAPES, _json_escapes)
