"""Assigns a colour to each candidate: that of its model, or one from the palette."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from latency_tui.plan.candidates import Candidate
from latency_tui.plan.plan import Plan
from latency_tui.plan.sweep import without

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
"""Colours that can be distinguished on dark and light backgrounds; the first six are those of the built-in models."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")


def assign_colours(candidates: Iterable[Candidate], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a colour, `#rrggbb`, per slug; all differ unless there are more candidates than colours.

    Candidates with the same model share its description, so the first of them gets the model's colour.

    Args:
        candidates: Candidates that need a colour.
        known: Colours that were assigned before and do not change.
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


def colours_of(plan: Plan, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a colour per candidate of a plan; all cells of a model in a sweep have the colour of the model.

    Args:
        plan: The plan.
        known: Colours that were assigned before and do not change.
    """
    if not plan.sweeps:
        return assign_colours(plan.all_candidates, known)
    models = {candidate.slug: without(candidate, plan.swept) for candidate in plan.all_candidates}
    before = {models[slug].slug: colour for slug, colour in (known or {}).items() if slug in models}
    others = {slug: colour for slug, colour in (known or {}).items() if slug not in models}
    given = assign_colours({model.slug: model for model in models.values()}.values(), {**before, **others})
    return {slug: given[model.slug] for slug, model in models.items()}
