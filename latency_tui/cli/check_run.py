"""Runs a gate: measures a plan, measures again what failed, and returns the outcome."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import msgspec

from latency_tui.analysis.gate import (
    expected_lines,
    find_improvements,
    gate_verdict,
    judge_against_saved,
    make_lines,
)
from latency_tui.analysis.limit_verdicts import InterimAnalyses
from latency_tui.cli.headless import HeadlessRun
from latency_tui.cli.history_options import Place
from latency_tui.cli.saved_baselines import SavedBaseline
from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.plan.limits import COLD_START_METRICS, Acknowledgement, Limit
from latency_tui.result.check_outcome import CheckOutcome, GateLine, GateVerdict
from latency_tui.result.gate import Gate
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.load import all_limit_verdicts
from latency_tui.result.result import Result

FAILED = 3
UNDECIDED = 5


@dataclass(kw_only=True)
class Check:
    """A gate that is being run.

    Attributes:
        plan: The plan, with the limits that are judged within it.
        baselines: Slugs of the candidates with which others are compared.
        saved: A saved baseline; None if the baseline is measured in turns.
        saved_by_host: Saved baselines of several hosts, of which `saved` is the first; empty for one of all hosts.
        acknowledgements: Accepted slowdowns.
        until_decided: Whether launches are added until each limit against the saved baseline is decided.
        strict: Whether an undecided limit has an exit code.
        modules: Additional folder in which modules of models are searched.
        place: Where the result of the first measurement is kept; None to keep none.
        new_run: Creates each measurement; by default on this machine.
    """

    plan: Plan
    baselines: tuple[str, ...] = ()
    saved: SavedBaseline | None = None
    saved_by_host: Mapping[str, SavedBaseline] = field(default_factory=dict)
    acknowledgements: tuple[Acknowledgement, ...] = ()
    until_decided: bool = False
    strict: bool = False
    modules: Path | None = None
    place: Place | None = None
    new_run: Callable[..., HeadlessRun] = HeadlessRun

    def run(self) -> Gate:
        """Measure, measure again what failed, and return the outcome; see `measure`."""
        return asyncio.run(self.measure())

    async def measure(self) -> Gate:
        """Measure, measure again what failed, and return the outcome.

        Raises:
            UsageError: A setting is invalid, or the environment is not that of the saved baseline.
        """
        began, hangup = time.monotonic(), signal.getsignal(signal.SIGHUP)
        plan = msgspec.structs.replace(self.plan, max_seconds=_FIRST_SHARE * self.plan.max_seconds)
        first, result, verdicts = await self._measure(plan, self.place)
        code, confirmation, again = first.report_outcome(), None, list[LimitVerdict]()
        expected = expected_lines(self._limits, result, self.baselines)
        failed = [one for one in verdicts if one.verdict == "fail"]
        if failed and not (first.interruption.received or first.error):
            signal.signal(signal.SIGHUP, hangup)
            spent = min((time.monotonic() - began) / plan.launches, plan.max_seconds)
            plan = msgspec.structs.replace(self.plan, max_seconds=self.plan.max_seconds - spent)
            second, confirmation, again = await self._measure(plan_to_confirm(plan, failed, self.baselines))
            second.save(None)
            code = code or second.report_outcome()
        lines = make_lines(expected, verdicts, again, self.acknowledgements, today=date.today())
        verdict = gate_verdict(lines)
        baseline = self.saved.name if self.saved else self._baseline_name(lines)
        _keep(first, CheckOutcome(verdict=verdict, lines=lines, baseline=baseline))
        return Gate(
            verdict=verdict,
            exit_code=code or exit_code_of(verdict, strict=self.strict),
            lines=lines,
            strict=self.strict,
            improvements=find_improvements(
                result,
                verdicts if self.saved else (),
                () if self.saved else result.revision_comparisons or result.comparisons,
            )
            if any(limit.relative for limit in self._limits)
            else (),
            baseline=baseline,
            differences=tuple(self.saved.differences) if self.saved else (),
            environment=result.environment,
            seconds=time.monotonic() - began,
            result=result.without_samples(),
            confirmation=confirmation.without_samples() if confirmation else None,
        )

    @property
    def _limits(self) -> tuple[Limit, ...]:
        return (*self.plan.limits, *(self.saved.limits if self.saved else ()))

    def _baseline_name(self, lines: Iterable[GateLine]) -> str | None:
        if not any(line.first is not None and line.first.relative for line in lines):
            return None
        names = {one.slug: one.name for one in self.plan.candidates}
        return ", ".join(names[slug] for slug in self.baselines) or None

    async def _measure(self, plan: Plan, place: Place | None = None) -> tuple[HeadlessRun, Result, list[LimitVerdict]]:
        """Measure a plan and judge it; with a saved baseline, add launches until all is decided, if that is asked for.

        Repeated checks of an interval exceed its error rate, so `InterimAnalyses` divides that rate among them.
        """
        began = time.monotonic()
        measurement = await self._run(self.new_run(plan, self.modules, place=place, limits_only=True))
        if not self.until_decided or self.saved is None:
            return measurement, *self._judge(measurement)
        interim = InterimAnalyses()
        while True:
            result, verdicts = self._judge(measurement, interim.confidence)
            verdicts = [*interim.with_final_verdicts(verdicts)]
            decided = interim.add(measurement.recording.rounds, verdicts)
            late = (time.monotonic() - began) * (1 + _SHARE_ADDED) > plan.max_seconds
            if decided or late or measurement.cut_short or measurement.causes:
                return measurement, result, verdicts
            launches = max(round(measurement.recording.next_launch * _SHARE_ADDED), 1)
            more = msgspec.structs.replace(plan, launches=launches)
            measurement = await self._run(
                self.new_run(
                    more,
                    self.modules,
                    place=measurement.place,
                    continued=measurement.recording,
                    writer=measurement.writer,
                )
            )

    async def _run(self, measurement: HeadlessRun) -> HeadlessRun:
        if self.saved is not None:
            measurement.watch = self.saved.watch
        try:
            await measurement.run()
        except UsageError:  # refused before anything was measured
            measurement.save(None)
            raise
        return measurement

    def _judge(self, measurement: HeadlessRun, confidence: float = 0.95) -> tuple[Result, list[LimitVerdict]]:
        result = measurement.recording.result(samples=False)
        verdicts = [*all_limit_verdicts(result)]
        if self.saved is not None:
            saved = self.saved
            verdicts += judge_against_saved(
                saved.limits, result, saved.saved, earlier=saved.earlier(result), confidence=confidence
            )
        return result, verdicts


def _keep(measurement: HeadlessRun, outcome: CheckOutcome) -> None:
    """Keep the result of a measurement with what the check found, unless it has a temporary place."""
    if measurement.place.is_temporary:
        measurement.save(None)
    elif (result := measurement.result()) is None:
        measurement.abandon()
    else:
        measurement.save(msgspec.structs.replace(result, check=outcome))


_FIRST_SHARE = 2 / 3
"""Share of the time limit that the first measurement may use; the second one has what is left of the limit."""
_SHARE_ADDED = 0.5
"""Share of the launches so far that is added between two analyses."""


def plan_to_confirm(plan: Plan, failed: Sequence[LimitVerdict], baselines: Iterable[str]) -> Plan:
    """Return the plan that measures again what failed, in another order and in fresh launches."""
    slugs = {one.candidate for one in failed}
    pairs = plan.revision_pairs
    beside = {pairs[slug] for slug in slugs & pairs.keys()} if pairs else {*baselines}
    kept = slugs | (beside if any(one.relative for one in failed) else set())
    texts = {one.limit for one in failed}
    limits = tuple(limit for limit in plan.limits if limit.text in texts and limit.candidate in (None, *slugs))
    load = plan.load if set(limits) & set(plan.load_limits) else None
    return msgspec.structs.replace(
        plan,
        candidates=tuple(one for one in plan.candidates if one.slug in kept),
        baseline=plan.baseline if plan.baseline in kept else None,
        limits=limits,
        load=load,
        cold_start=any(one.metric in COLD_START_METRICS for one in failed),
        control=False,
        seed=(plan.seed + 1) % 2**32,
    )


def exit_code_of(verdict: GateVerdict, *, strict: bool) -> int:
    """Return the exit code of a verdict."""
    if verdict == "FAIL":
        return FAILED
    return UNDECIDED if verdict == "INCONCLUSIVE" and strict else 0
