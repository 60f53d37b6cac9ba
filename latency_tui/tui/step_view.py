"""What the dialog Where the time goes shows of one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from latency_tui.plan import Workload
    from latency_tui.result.result import Result
    from latency_tui.result.steps import Step, StepPass


class StepView(msgspec.Struct, frozen=True):
    """Where the time of a model's call goes.

    Attributes:
        slug: The candidate's slug.
        name: Its name.
        found: The pass in which its steps were timed; None before the first rounds.
        steps: Its steps so far.
        progress: What is being done; empty if the pass has ended.
        error: Why the model cannot be timed; empty if it can.
        workload: What a call computes; None for those of a result.
    """

    slug: str
    name: str
    found: StepPass | None = None
    steps: tuple[Step, ...] = ()
    progress: str = ""
    error: str = ""
    workload: Workload | None = None


def views_of(result: Result | None, slug: str) -> tuple[StepView, ...]:
    """Return what a result has of the candidate with a slug; of all its candidates if it has no such candidate."""
    if result is None:
        return ()
    names = {candidate.slug: candidate.name for candidate in result.candidates}
    views = tuple(
        StepView(
            slug=one.candidate,
            name=names.get(one.candidate, one.candidate),
            found=one,
            steps=tuple(step for step in result.steps if step.candidate == one.candidate),
        )
        for one in result.step_passes
    )
    return tuple(view for view in views if view.slug == slug) if slug in names else views
