"""Judges the limits of a measurement from its records, as often as anybody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from latency_tui.analysis.candidate_record import CandidateRecord
from latency_tui.analysis.comparer import Comparer
from latency_tui.analysis.limit_verdicts import InterimAnalyses, judge_limits
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.stats.comparison import Comparison


class LimitJudge:
    """Verdicts on the limits of a plan.

    Args:
        comparer: The plan, the records and the schedule.

    Attributes:
        interim: Interim analyses of an until-known plan.
    """

    def __init__(self, comparer: Comparer) -> None:
        self._comparer = comparer
        self.interim = InterimAnalyses()
        self._all_decided = False

    def reopen(self) -> None:
        """Judge again, because the measurement is continued."""
        self._all_decided = False

    def all_decided(self, rounds: int, compare: Callable[[], tuple[Comparison, ...]]) -> bool:
        """Return whether every limit has a final verdict; call it after any round of an until-known plan.

        Args:
            rounds: Number of rounds so far.
            compare: Returns the comparisons to which relative limits apply; called only if there are such limits.
        """
        if not self._all_decided and self.interim.due(rounds):
            measured = self._measured()
            if len(measured) < len(self._comparer.active()):
                return False
            comparisons = compare() if any(limit.relative for limit in self._comparer.plan.call_limits) else ()
            verdicts = self._judge(measured, comparisons, self.interim.confidence, None)
            self._all_decided = self.interim.add(rounds, verdicts)
        return self._all_decided

    def verdicts(self, comparisons: tuple[Comparison, ...], max_samples: int | None) -> tuple[LimitVerdict, ...]:
        """Return the verdict on each limit and candidate.

        Args:
            comparisons: The comparisons to which relative limits apply.
            max_samples: Approximate number of samples per candidate to use; None for all.
        """
        if not self._comparer.plan.call_limits:
            return ()
        if not self._comparer.plan.until_known:
            return tuple(self._judge(self._measured(), comparisons, 0.95, max_samples))
        return self.interim.with_final_verdicts(
            self._judge(self._measured(), comparisons, self.interim.confidence, max_samples)
        )

    def _measured(self) -> list[CandidateRecord]:
        return [record for record in self._comparer.active() if record.buffer.totals.count]

    def _judge(
        self,
        records: Iterable[CandidateRecord],
        comparisons: Iterable[Comparison],
        confidence: float,
        max_samples: int | None,
    ) -> list[LimitVerdict]:
        """Judge candidates by the limits, from intervals of a confidence level."""
        comparer, plan = self._comparer, self._comparer.plan
        compared = {comparison.candidate: comparison for comparison in comparisons}
        sizes, seconds, step = comparer.calls_per_long_block, comparer.seconds, comparer.clock_step()
        return [
            verdict
            for record in records
            for verdict in judge_limits(
                plan.call_limits,
                record,
                record.statistics(
                    max_samples,
                    calls_per_round=sizes.get(record.candidate.slug, 1),
                    seconds=seconds,
                    clock_step=step,
                    confidence=confidence,
                ),
                compared.get(record.candidate.slug),
                batch_size=plan.workload_of(record.candidate).mean_batch_size,
                seconds=seconds,
                confidence=confidence,
            )
        ]
