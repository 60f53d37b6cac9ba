"""Where the time of a call goes: the steps of each candidate's model, and the pass in which they were timed."""

from __future__ import annotations

from typing import Literal

import msgspec

StepKind = Literal["step", "rest"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A duration in seconds with its interval; the interval is None if there are too few rounds."""

    value: float
    low: float | None = None
    high: float | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The time of one step per call of the model, including the steps inside it.

    Steps with the same parent, their `rest` included, add up to that parent; those without a parent to the whole call.

    Attributes:
        candidate: The candidate's slug.
        name: Names of the steps that contain it, outermost first, and its own, joined by ` › `.
        seconds: Its time.
        share: Its share of the call, 0 to 1.
        low: Lower end of the interval of `seconds`.
        high: Upper end.
        kind: `step`, or `rest` for the time of its parent that is in no step.
        type: Its class, or the type of an ONNX operator; for a rest, that of its parent.
        parent: Name of the step that contains it; empty for the call itself.
        depth: Number of steps that contain it.
        calls: How often it runs per call.
    """

    candidate: str
    name: str
    seconds: float
    share: float
    low: float | None = None
    high: float | None = None
    kind: StepKind = "step"
    type: str = ""
    parent: str = ""
    depth: int = 0
    calls: float = 1.0

    @property
    def own_name(self) -> str:
        """Its name without those of the steps that contain it."""
        return self.name.removeprefix(f"{self.parent} › ") if self.parent else self.name


class StepPass(msgspec.Struct, frozen=True, kw_only=True):
    """The pass in which the steps of one candidate were timed.

    Attributes:
        candidate: The candidate's slug.
        call: Duration of a call whose steps are not timed, in the same process.
        overhead: How much longer a call takes because its steps are timed; None if it has no steps.
        validation: Time of scikit-learn's check for NaN and infinite values; None if it was not measured.
        data_frame: Time that is due to the data frame: an array with the same values is that much faster.
        adds_up: Whether the steps take no longer than the call, within the intervals.
        parallel: Whether steps ran at the same time as others.
        calls: Number of calls whose steps were timed.
        done: Rounds measured.
        total: Rounds planned.
        notes: What could not be timed, one sentence each.
        error: Why the pass ended early; empty if it did not.
    """

    candidate: str
    call: Estimate | None = None
    overhead: Estimate | None = None
    validation: Estimate | None = None
    data_frame: Estimate | None = None
    adds_up: bool = True
    parallel: bool = False
    calls: int = 0
    done: int = 0
    total: int = 0
    notes: tuple[str, ...] = ()
    error: str = ""
