"""Sentences on the environments of candidates: versions that differ, and predictions that differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from latency_tui.text.formatting import format_ratio_either_way

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result


def differing_versions(result: Result) -> dict[str, dict[str, str]]:
    """Return the versions that are not the same in all environments of a result, by slug and name.

    Packages that an environment lacks are left out: no model that was measured there needs them.
    """
    known = {candidate.slug: candidate.versions for candidate in result.candidates if candidate.versions}
    everywhere = set.intersection(*map(set, known.values())) if known else set[str]()
    names = dict.fromkeys(name for versions in known.values() for name in versions if name in everywhere)
    differing = [name for name in names if len({versions[name] for versions in known.values()}) > 1]
    return {slug: {name: versions[name] for name in differing} for slug, versions in known.items()}


def format_versions(versions: Mapping[str, str]) -> str:
    """Return versions as text, such as `Python 3.12.1, scikit-learn 1.6.1 and numpy 2.2.6`."""
    words = [f"{name} {version}" for name, version in versions.items()]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def describe_versions(result: Result) -> dict[str, str]:
    """Return a note on the versions of each candidate, by slug; empty if the result has one environment."""
    return {
        slug: f"measured with {format_versions(versions)}"
        if versions
        else "the environments have the same versions of Python and all libraries"
        for slug, versions in differing_versions(result).items()
    }


def describe_predictions(result: Result, candidate: CandidateResult) -> str:
    """Return a note on predictions that differ from those of the counterpart; empty if they do not."""
    found = candidate.predictions
    if found is None or not found.differing:
        return ""
    other = next((one.name for one in result.candidates if one.slug == found.reference), found.reference)
    return f"predictions differ from those of {other} on {found.differing:,} of {found.rows:,} rows"


def describe_revisions(result: Result) -> list[str]:
    """Return a sentence on each candidate and itself at a revision, if the result has several such pairs."""
    names = {candidate.slug: candidate.name for candidate in result.candidates}
    failed = {candidate.slug for candidate in result.candidates if candidate.status == "failed"}
    return [
        f"{names[pair.candidate]} is {_VERDICTS[pair.verdict].format(names[pair.baseline])}: "
        f"{format_ratio_either_way(pair.ratio, pair.low, pair.high)}"
        for pair in result.revision_comparisons
        if len(result.revision_comparisons) > 1
        and not {pair.candidate, pair.baseline} & failed
        and pair.ratio is not None
        and pair.low is not None
        and pair.high is not None
    ]


_VERDICTS = {
    "slower": "slower than {}",
    "faster": "faster than {}",
    "same": "as fast as {}",
    "inconclusive": "not yet shown to differ from {} or to match it",
}
