"""Finds what someone most likely meant to type."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word nearest to the one given, or None where none is near."""
    from difflib import get_close_matches  # deferred: only a mistake needs it

    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.5) or [other for other in words if word and word in other]
    return near[0] if near else None


def hint(word: str, known: Iterable[str]) -> str:
    """Return `did you mean x?`, or what there is, as the end of a sentence."""
    words = list(known)
    near = nearest(word, words)
    return f"did you mean {near}?" if near else f"there are {', '.join(words)}."
