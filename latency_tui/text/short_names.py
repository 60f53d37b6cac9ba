"""Shortens the names of models to a width, so that they stay distinct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from latency_tui.text.sanitize import cell_width, shorten

_MAX_INITIALS = 3


def split_settings(names: Sequence[str]) -> tuple[list[str], str]:
    """Return names without the settings that all of them share, and these settings: `batch=1`; empty if there are none.

    A single name keeps its settings.
    """
    shared = {name.partition(" [")[2] for name in names}
    if len({*names}) < 2 or len(shared) != 1 or not (settings := shared.pop()):
        return [*names], ""
    return [name.partition(" [")[0] for name in names], settings.removesuffix("]")


def short_names(names: Sequence[str], width: int, *, keep_settings: bool = False) -> list[str]:
    """Return names shortened to at most `width` cells; distinct names stay distinct.

    First the settings that all names share are left out, unless nothing else on the screen shows them
    (`keep_settings`), then words become initials, then there is an ellipsis.
    """
    if not keep_settings and any(cell_width(name) > width for name in names):
        names, _ = split_settings(names)
    distinct = [*dict.fromkeys(names)]
    short = [name if cell_width(name) <= width else _with_initials(name, width) for name in distinct]
    for cut in (shorten, _cut_in_the_middle):
        count = Counter(short)
        short = [
            cut(name, width) if count[seen] > 1 and cell_width(name) > width else seen
            for name, seen in zip(distinct, short, strict=True)
        ]
    shown = dict(zip(distinct, short, strict=True))
    for text, times in Counter(short).items():
        if times > 1:
            alike = [name for name in distinct if shown[name] == text]
            shown |= zip(alike, _cut_before_difference(alike, width), strict=True)
    return [shown[name] for name in names]


def _with_initials(name: str, width: int) -> str:
    """Return `Small NN` for `Small Neural Network`; cut the name if that does not shorten it."""
    model, bracket, settings = name.partition(" [")
    first, *rest = model.split() or [model]
    if 2 <= len(rest) <= _MAX_INITIALS and all(word[0].isalpha() for word in rest):
        model = f"{first} {''.join(word[0] for word in rest)}"
    return shorten(model + bracket + settings, width)


def _cut_before_difference(names: Sequence[str], width: int) -> list[str]:
    """Return the beginning of each name, and what follows from the first character on in which the names differ."""
    columns = enumerate(zip(*names, strict=False))
    start = next((place for place, letters in columns if len({*letters}) > 1), min(map(len, names)))
    tails = [shorten(name[start:], width - width // 4 - 1) for name in names]
    heads = [shorten(name, width - cell_width(tail)) for name, tail in zip(names, tails, strict=True)]
    return [head + tail for head, tail in zip(heads, tails, strict=True)]


def _cut_in_the_middle(name: str, width: int) -> str:
    if width <= 2:
        return "…"
    head, tail = shorten(name, width // 2 + 1).removesuffix("…"), ""
    for letter in reversed(name):
        if cell_width(letter + tail) > width - width // 2 - 1:
            break
        tail = letter + tail
    return f"{head}…{tail}"
