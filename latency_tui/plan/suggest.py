"""Finds what someone most likely meant to type."""

from __future__ import annotations

from collections.abc import Iterable

_MOST, _FEW = 8, 3


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word nearest to the one given, or None where none is near."""
    from difflib import get_close_matches  # deferred: only a mistake needs it

    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.5) or [other for other in words if word and word in other]
    return near[0] if near else None


def hint(word: str, known: Iterable[str], *, listed_by: str = "") -> str:
    """Return `did you mean x?`, or what there is, as the end of a sentence: the nearest few where there is much.

    Args:
        word: What was typed.
        known: What there is.
        listed_by: A command that lists all of it.
    """
    from difflib import get_close_matches  # deferred: only a mistake needs it

    words = list(known)
    near = nearest(word, words)
    if near:
        return f"did you mean {near}?"
    if len(words) <= _MOST:
        return f"there are {', '.join(words)}."
    few = get_close_matches(word, words, n=_FEW, cutoff=0)
    lister = f"; `{listed_by}` lists all" if listed_by else ""
    return f"the nearest of {len(words)} are {', '.join(few)}{lister}."
