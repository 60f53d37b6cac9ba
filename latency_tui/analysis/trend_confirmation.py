"""Makes the plan that measures both sides of a change of a trend in turns, if both still exist."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from latency_tui.catalog.trust_store import digest_of
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.candidates import make_slugs_unique
from latency_tui.result.result import Result

CandidateOfResult = Callable[[Candidate, Result, str], Candidate]
"""Returns a candidate of a result as it was then, from its git commit; the text is `before` or `after`."""


def plan_to_confirm(
    slug: str, before: Result, since: Result, candidate_of_result: CandidateOfResult | None = None
) -> Plan | str:
    """Return the plan that compares a candidate of two results in turns, or in one sentence why there is none.

    Args:
        slug: The candidate.
        before: The last result before the change.
        since: The first result after it.
        candidate_of_result: Returns each side if both are commits of a git repository, and raises a `UsageError` if it
            does not exist any more; None to take nothing from git.
    """
    sides = [_candidate(result, slug) for result in (before, since)]
    old, new = sides
    if old is None or new is None:
        return "the model is not in both results."
    if old.model.is_temporary_pickle or new.model.is_temporary_pickle:
        return "it was measured from an object of a Python program; measure both objects with latency_tui.measure."
    if _place(old) == _place(new) and candidate_of_result is not None and _differ_in_commit(old, before, since):
        try:
            named = [candidate_of_result(old, before, "before"), candidate_of_result(new, since, "after")]
        except UsageError as error:
            return re.sub(r"^(The|There)\b", lambda word: word[0].lower(), str(error))
        return _plan(named, since)
    if _place(old) == _place(new):
        if _content(before, old) != _content(since, new):
            return (
                f"{old.model.file or old.model.factory} has another content now, and that of then does not exist any "
                "more; keep a copy of each version, or measure it in a git repository and commit each version."
            )
        return (
            "both results are of the same model, so there is nothing to measure in turns; to measure it with other "
            "versions of libraries, name their environment: 'latency-tui run -m MODEL -m MODEL[python=OLD]'."
        )
    for result, one in ((before, old), (since, new)):
        if missing := _missing(result, one):
            return missing
    named = [
        msgspec.structs.replace(one, model=msgspec.structs.replace(one.model, name=f"{one.model.name} {when}"))
        for one, when in ((old, "before"), (new, "after"))
    ]
    return _plan(named, since)


def _plan(sides: Iterable[Candidate], since: Result) -> Plan:
    """Return the plan of the newer result, with both sides as its candidates, until it is known whether they differ."""
    candidates = make_slugs_unique(sides)
    return msgspec.structs.replace(
        since.plan,
        candidates=candidates,
        baseline=candidates[0].slug,
        runs=None,
        seconds=None,
        until_known=True,
        limits=(),
        load=None,
        sweeps=(),
        control=False,
        cold_start=False,
        steps=False,
    )


def _candidate(result: Result, slug: str) -> Candidate | None:
    return next((one for one in result.plan.candidates if one.slug == slug), None)


def _place(candidate: Candidate) -> tuple[str, ...]:
    """Return where a candidate comes from: its file, its interpreter and the commit of its revision."""
    file = os.path.realpath(candidate.model.file) if candidate.model.file else ""
    return file, candidate.python, candidate.revision.commit if candidate.revision else ""


def _differ_in_commit(candidate: Candidate, before: Result, since: Result) -> bool:
    """Return whether both results of a candidate of the working tree are of different commits, or of changes to one."""
    one, other = before.working_tree, since.working_tree
    if candidate.python or one is None or other is None:
        return False
    is_own = bool(candidate.model.file) or _content(since, candidate) is not None
    return is_own and (one.commit != other.commit or one.is_modified or other.is_modified)


def _content(result: Result, candidate: Candidate) -> str | None:
    module = f"the module {candidate.model.factory.partition(':')[0]}"
    return result.inputs.get(candidate.model.file or module)


def _missing(result: Result, candidate: Candidate) -> str:
    """Return what of a candidate does not exist any more; empty if all does."""
    file, known = candidate.model.file, result.inputs.get(candidate.model.file, "")
    try:
        if file and digest_of(Path(file)) != known:
            return f"{file} has another content than in the result of {result.created_at.astimezone():%Y-%m-%d %H:%M}."
    except UsageError:
        return f"{file} does not exist any more."
    if os.sep in candidate.python and not os.path.exists(candidate.python):  # noqa: PTH110 (may not be a valid path)
        return f"the environment {candidate.python} does not exist any more."
    return ""
