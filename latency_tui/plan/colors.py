"""Which colour each candidate has, on every screen and in every report: its model's own, or one that is still free."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from latency_tui.plan.candidates import Candidate

PALETTE: tuple[str, ...] = (
    "#7aa2f7",
    "#f7768e",
    "#9ece6a",
    "#bb9af7",
    "#e0af68",
    "#7dcfff",
    "#ff5fd2",
    "#2fc49b",
    "#d95626",
    "#8f6bff",
    "#f0e68c",
    "#8a99b5",
    "#c2556f",
    "#c9bfb5",
)
"""The first six are those of the models that come with the program. All stay apart on dark and on light ground."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")


def colours(candidates: Iterable[Candidate], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a colour, `#rrggbb`, for each slug, no two the same as long as the palette lasts.

    The variants of a model share its spec: the first of them has the spec's colour.

    Args:
        candidates: Those to be told apart.
        known: Colours given before, which stay as they are.
    """
    found = dict(known or {})
    fresh = {c.slug: c.model.colour.lower() for c in candidates if c.slug not in found}
    found.update(dict.fromkeys(fresh, ""))  # in the order given
    for slug, own in fresh.items():
        if _COLOUR.fullmatch(own) and own not in found.values():
            found[slug] = own
    for index, slug in enumerate(found):
        if not found[slug]:
            free = [colour for colour in PALETTE if colour not in found.values()]
            found[slug] = free[0] if free else PALETTE[index % len(PALETTE)]
    return found
