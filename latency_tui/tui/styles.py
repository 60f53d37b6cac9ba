"""The colour and the shape of each model; the colour is adjusted to be readable on the theme's surface."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

from textual.color import Color
from textual.theme import Theme

from latency_tui.plan import Plan
from latency_tui.plan.colors import PALETTE
from latency_tui.plan.sweep import without

MUTED = "$foreground 75%"
FAINT = "$foreground 50%"
KEY = "bold $text-accent"
LEVEL_STYLES = {"quiet": "$text-success", "disturbed": "$text-warning", "noisy": "$text-error"}
"""Styles of secondary text, of disabled items, of keys, and of the noise levels of a machine. Textual's `$text-muted`
is not used, because spans show it in white.
"""

SHAPES = "●■▲◆▼★✚○□△◇▽☆♣♠"
"""One shape for each colour of the palette, in the same order, and one additional shape."""

_READABLE = 4.5  # WCAG 2.1, level AA, for text of normal size

CandidateStyle = tuple[str, str]
"""A colour (`#rrggbb`, or a name such as `ansi_blue` in themes that use the terminal's colours) and a shape."""


def candidate_styles(
    colours: Mapping[str, str], theme: Theme, variables: Mapping[str, str]
) -> dict[str, CandidateStyle]:
    """Return the colour and the shape of each candidate for a theme.

    Args:
        colours: Slug and colour, `#rrggbb`, in the order listed.
        theme: The theme.
        variables: The variables of the theme, which define the surface.
    """
    surface = Color.parse(variables.get("background", "#000000"))
    found: dict[str, CandidateStyle] = {}
    marks = shapes(colours)
    for slug, colour in colours.items():
        wanted = Color.parse(colour)
        ink = readable(wanted, surface).hex
        if theme.ansi:
            ink = _nearest_ansi(wanted)
            if ink in {taken for taken, _ in found.values()}:
                ink = ink.replace("ansi_", "ansi_bright_") if ink != "ansi_default" else ink
        found[slug] = (ink, marks[slug])
    return found


def with_cells(found: Mapping[str, CandidateStyle], plan: Plan) -> Mapping[str, CandidateStyle]:
    """Return styles in which each cell and each curve of a sweep has the style of its model."""
    if not plan.sweeps:
        return found
    models: dict[str, str] = {}
    for cell in plan.candidates:
        model = without(cell, plan.swept).slug
        curves = [without(cell, [name]).slug for name in plan.swept]
        models |= dict.fromkeys([cell.slug, *curves], model)
    return {**found, **{slug: found[model] for slug, model in models.items() if model in found}}


def shapes(colours: Mapping[str, str]) -> dict[str, str]:
    """Return the shape of each candidate, which depends on its colour, so that built-in models keep their shapes.

    A colour that is used twice, or that is not in the palette, gets an unused shape, starting with the last one.

    Args:
        colours: Slug and colour, `#rrggbb`, in the order listed.
    """
    found: dict[str, str] = {}
    for slug, colour in colours.items():
        if colour in PALETTE and (shape := SHAPES[PALETTE.index(colour)]) not in found.values():
            found[slug] = shape
    for index, slug in enumerate(colours):
        if slug not in found:
            free = [shape for shape in SHAPES if shape not in found.values()]
            found[slug] = free[-1] if free else SHAPES[index % len(SHAPES)]
    return found


def readable(colour: Color, surface: Color) -> Color:
    """Return the colour with its lightness changed until its contrast with the surface is sufficient for text."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour.normalized)
    step = 0.02 if _luminance(surface) < 0.4 else -0.02
    while contrast(colour, surface) < _READABLE and 0 < lightness < 1:
        lightness = min(max(lightness + step, 0.0), 1.0)
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
        colour = Color(round(red * 255), round(green * 255), round(blue * 255))
    return colour


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.1)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _nearest_ansi(colour: Color) -> str:
    hue, _, saturation = colorsys.rgb_to_hls(*colour.normalized)
    if saturation < 0.15:
        return "ansi_default"
    degrees = hue * 360
    names = ((20, "red"), (75, "yellow"), (165, "green"), (205, "cyan"), (250, "blue"), (330, "magenta"), (361, "red"))
    return next(f"ansi_{name}" for limit, name in names if degrees < limit)
