"""Suggests what a user most likely meant to type."""

from __future__ import annotations

from collections.abc import Iterable

_MOST, _FEW = 8, 3


def closest_match(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar to the given one; None if none is similar."""
    from difflib import get_close_matches  # deferred: only needed after a mistake

    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.5) or [other for other in words if word and word in other]
    return near[0] if near else None


def hint(word: str, known: Iterable[str], *, listed_by: str = "") -> str:
    """Return `did you mean x?`, or the known words, as the end of a sentence; the most similar few if there are many.

    Args:
        word: The word that was typed.
        known: All known words.
        listed_by: A command that lists all known words.
    """
    from difflib import get_close_matches  # deferred: only needed after a mistake

    words = list(known)
    near = closest_match(word, words)
    if near:
        return f"did you mean {near}?"
    if len(words) <= _MOST:
        return f"there are {', '.join(words)}."
    few = get_close_matches(word, words, n=_FEW, cutoff=0)
    lister = f"; `{listed_by}` lists all" if listed_by else ""
    return f"the nearest of {len(words)} are {', '.join(few)}{lister}."
