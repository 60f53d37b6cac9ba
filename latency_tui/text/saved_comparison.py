"""Sentences on the comparison of saved results: what differs, and why there is no verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.text.formatting import NOTHING, format_ratio_either_way, format_times
from latency_tui.text.sanitize import clean, shorten

if TYPE_CHECKING:
    from latency_tui.result.saved_comparison import CandidateRatio, Difference, SavedComparison

_MAX_VALUE = 60
_SHA_256_DIGITS = 64
_SHIFTED_MODELS = 3
"""Fewest models that all differ in one direction for a note on it."""


def format_saved_ratio(one: CandidateRatio) -> str:
    """Return the ratio with its interval: `1.05× (1.03–1.07)`."""
    if one.low is None or one.high is None:
        return format_times(one.ratio)
    return format_ratio_either_way(one.ratio, one.low, one.high).replace("95 % CI ", "")


def describe_difference(one: Difference) -> str:
    """Return what differs between two results: `numpy was 2.1 and is 2.2`."""
    name = clean(one.name)
    if one.area == "input" or len(one.before or "") == len(one.after or "") == _SHA_256_DIGITS:
        return f"the content of {name} differs"
    if one.name.startswith("definition of "):
        return f"the {name} differs"
    if one.before is None or one.after is None:
        known = clean(one.after or one.before or "")
        if one.area == "version":
            return f"{name} {known} was {'not installed before' if one.before is None else 'installed only before'}"
        return f"{name} is {shorten(known, _MAX_VALUE)} in one and unknown in the other"
    was, now = (shorten(clean(value), _MAX_VALUE) for value in (one.before, one.after))
    return f"{name} was {was} and is {now}"


def notes_of(comparison: SavedComparison) -> list[tuple[str, str]]:
    """Return the lines below a comparison, as kind and text: what differs, and where intervals come from."""
    notes: list[tuple[str, str]] = [(one.area, describe_difference(one)) for one in comparison.differences]
    notes += [
        ("missing", f"{clean(name)} is only in {clean(comparison.baseline)}") for name in comparison.only_in_baseline
    ]
    notes += [("missing", f"{clean(name)} is only in {clean(comparison.result)}") for name in comparison.only_in_result]
    if not comparison.candidates:
        notes.append(("note", "The two have no measured model in common."))
    sentences = [*no_verdicts(comparison), describe_interval(comparison), describe_shift(comparison)]
    return [*notes, *(("note", sentence) for sentence in sentences if sentence)]


def no_verdicts(comparison: SavedComparison) -> list[str]:
    """Return why there are no verdicts, and what would give some; empty if there are verdicts."""
    reasons = {one.no_verdict for one in comparison.candidates} - {None}
    found = []
    if "same result" in reasons:
        found.append("Both are the same result, so there is nothing to compare.")
    if "cpu" in reasons:
        found.append(
            "No verdict: the two were measured on different CPU models, and such a ratio says little about the models. "
            "'latency-tui compare --force' gives a verdict."
        )
    few = [one for one in comparison.candidates if one.no_verdict == "launches"]
    if few:
        launches = {one.launches for one in few}
        count = "" if len(launches) > 1 else f" ({_launches(few[0].launches)})"
        found.append(
            f"No verdict: the results were not measured in turns, and these launches{count} do not show how much "
            "launches differ. Measure five launches (--launches 5), or both in one run."
        )
    return found


def describe_shift(comparison: SavedComparison) -> str | None:
    """Return a note if all of several models became slower, or all faster: the machine may have changed."""
    verdicts = {one.verdict for one in comparison.candidates}
    if len(comparison.candidates) < _SHIFTED_MODELS or verdicts not in ({"slower"}, {"faster"}):
        return None
    return (
        f"All {len(comparison.candidates)} models are {verdicts.pop()}, so the state of the machine may differ. "
        "Measure both sides in one run to know."
    )


def describe_interval(comparison: SavedComparison) -> str | None:
    """Return where the intervals come from; None without intervals."""
    known = [one for one in comparison.candidates if one.low is not None]
    if not known:
        return None
    earlier = max(one.earlier_results for one in known)
    over = [f"launches ({_launches(known[0].launches)})"] if max(known[0].launches) >= MIN_CLUSTERS else []
    over += [f"{earlier} earlier results of the same plan"] if earlier else []
    rest = "" if earlier else "; they do not contain a change of the machine between the two measurements"
    return f"Ratios and intervals are over {' and '.join(over)}{rest}."


def _launches(launches: tuple[int, int]) -> str:
    one, other = launches
    if one == other:
        return f"{one:,} each" if one else NOTHING
    return f"{one:,} and {other:,}"
