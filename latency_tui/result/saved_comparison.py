"""The comparison of saved results, which come from separate measurements."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.stats.comparison import Verdict

Area = Literal["machine", "version", "plan", "input", "revision"]
NoVerdict = Literal["launches", "cpu", "same result"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that differs between two results.

    Attributes:
        area: What it belongs to.
        name: Its name, such as `CPU`, `numpy` or `batch size`.
        before: Its value in the baseline; None if it is unknown or does not exist there.
        after: Its value in the other result.
    """

    area: Area
    name: str
    before: str | None = None
    after: str | None = None


class CandidateRatio(msgspec.Struct, frozen=True, kw_only=True):
    """The latency of one candidate in two saved results; a ratio above 1 is slower than in the baseline.

    Attributes:
        candidate: Slug of the candidate in the other result.
        name: Its display name.
        baseline_p50: Its p50 in the baseline, in seconds.
        p50: Its p50 in the other result, in seconds.
        ratio: Estimate of the ratio.
        low: Lower end of its confidence interval; None if the variance between measurements is unknown.
        high: Upper end of its confidence interval.
        confidence: Confidence level of this interval alone.
        verdict: Verdict after Holm's correction over all candidates; None if there is none.
        no_verdict: Why there is none: there are too few `launches`, the `cpu` differs, or it is the `same result`.
        launches: Number of launches in the baseline and in the other result.
        earlier_results: Number of earlier results of the same plan that the interval uses.
    """

    candidate: str
    name: str
    baseline_p50: float
    p50: float
    ratio: float
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    verdict: Verdict | None = None
    no_verdict: NoVerdict | None = None
    launches: tuple[int, int] = (0, 0)
    earlier_results: int = 0


class SavedComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One saved result compared with another.

    Attributes:
        baseline: Where the baseline was read from.
        result: Where the other result was read from.
        equivalence: Half-width of the region of practical equivalence.
        candidates: Candidates of both, in the order of the baseline.
        only_in_baseline: Names of candidates that were measured only in the baseline.
        only_in_result: Names of candidates that were measured only in the other result.
        differences: What differs in machine, versions, plan and inputs.
    """

    baseline: str
    result: str
    equivalence: float
    candidates: tuple[CandidateRatio, ...] = ()
    only_in_baseline: tuple[str, ...] = ()
    only_in_result: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
