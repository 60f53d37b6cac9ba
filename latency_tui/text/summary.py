"""Summarizes a result in one sentence that never claims more than the confidence intervals support."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from latency_tui.text.formatting import (
    format_duration,
    format_interval,
    format_ratio,
    format_ratio_either_way,
    format_ratio_ends,
    format_seconds,
)

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.comparison import Comparison

_MAX_NAMES = 3
"""Most names that a sentence lists."""
_MAX_WAIT = 1800.0
"""Longest additional measurement that is proposed, in seconds."""


def summarize(result: Result, against_fastest: Sequence[Comparison] = ()) -> str:
    """Return a sentence on which candidate is fastest and how certain that is, and short ones on limits and failures.

    The sentence is the same for every baseline, except that the ratio of the fastest to a baseline that it would not
    mention is added.

    A candidate is called fastest only if it shares no group letter with another one: its interval is outside the region
    of equivalence for every pair. One launch is enough for that. Candidates that failed are left out.

    Args:
        result: The result.
        against_fastest: Comparisons of all other candidates with the fastest; if empty, those with the baseline are
            used.
    """
    measured = tuple(c for c in result.measured if c.status == "measured")
    if not measured:
        return _nothing(result)
    if len(measured) == 1:
        sentence = _alone(result, measured[0])
    else:
        contest = msgspec.structs.replace(result, comparisons=tuple(against_fastest) or result.comparisons)
        sentence = _compared(contest, measured, _to_baseline(result) if against_fastest else {})
    return " ".join([sentence, *_limits(result), *_failures(result)])


def _nothing(result: Result) -> str:
    failed = [c for c in result.candidates if c.status == "failed"]
    if not failed:
        return "Nothing was measured."
    reason = (failed[0].error or "it failed").strip().rstrip(".")
    if len(failed) == 1:
        how = f"failed after {_runs(failed[0])}" if failed[0].calls else "could not be measured"
        return f"{failed[0].name} {how}: {reason}."
    how = f"None of the {len(failed)} models could be measured{' to the end' if any(c.calls for c in failed) else ''}"
    return f"{how}: {reason}." if len({c.error for c in failed}) == 1 else f"{how}; {failed[0].name}: {reason}."


def _failures(result: Result) -> list[str]:
    failed = [c.name for c in result.candidates if c.status == "failed"]
    if not failed:
        return []
    return [f"{failed[0]} failed." if len(failed) == 1 else f"{len(failed)} models failed."]


def _limits(result: Result) -> list[str]:
    """Return a sentence on how many candidates, and which, meet all of their limits; empty if there are no limits."""
    verdicts: dict[str, set[str]] = {}
    for one in result.limits:
        verdicts.setdefault(one.candidate, set()).add(one.verdict)
    if not verdicts:
        return []
    met = [result.candidate(slug).name for slug, found in verdicts.items() if found == {"pass"}]
    limits = list(dict.fromkeys(limit.text for limit in result.plan.limits))
    what = limits[0] if len(limits) == 1 else f"all {len(limits)} limits"
    if len(limits) > 1 and any(limit.candidate or limit.relative for limit in result.plan.limits):
        what = "all limits on it" if 1 in (len(met), len(verdicts)) else "all limits on them"
    undecided = sum("fail" not in found and "inconclusive" in found for found in verdicts.values())
    rest = f"; {undecided} undecided" if undecided else ""
    if len(verdicts) == 1:
        state = "meets" if met else "may meet" if undecided else "does not meet"
        rest = ", which is undecided" if undecided else ""
        return [f"{result.candidate(next(iter(verdicts))).name} {state} {what}{rest}."]
    names = f": {', '.join(met)}" if 0 < len(met) <= _MAX_NAMES else ""
    count = f"{len(met)} of {len(verdicts)}" if met else f"None of {len(verdicts)}"
    return [f"{count} models meet{'s' if len(met) == 1 else ''} {what}{names}{rest}."]


def _alone(result: Result, candidate: CandidateResult) -> str:
    assert candidate.statistics is not None
    p50 = candidate.statistics.p50
    if p50.low is not None and p50.high is not None:
        interval = f"(95 % CI {format_interval(p50.low, p50.high)}{_launch(result)})"
        return f"{candidate.name} answers in {_latency(result, candidate)} {interval}."
    few = f"{_runs(candidate)} {_are(candidate)} too few for an interval"
    return f"{candidate.name} answered in {_latency(result, candidate)}; {few}."


def _to_baseline(result: Result) -> dict[str, Comparison]:
    """Return the comparison of each candidate with the baseline, by slug."""
    return {comparison.candidate: comparison for comparison in result.comparisons}


def _compared(result: Result, measured: Sequence[CandidateResult], to_named: dict[str, Comparison]) -> str:
    """Return the sentence on two or more candidates.

    `to_named` has the comparisons with a baseline that the user named.
    """
    contest = _Contest.of(result, measured)
    first, to_baseline, count = contest.order[0], contest.to_baseline, len(contest.order)
    if contest.too_short:
        least = min(measured, key=lambda c: c.statistics.p50.value or 0.0 if c.statistics else 0.0)
        few = f"{_runs(least)} {_are(least)} too few to tell"
        return f"{least.name} had the lowest median, {_latency(result, least)}, but {few}."
    if not contest.rivals:
        return f"{_winner(result, first, contest.order[1], to_baseline, to_named)}."
    close, between = contest.close, contest.between
    if not close:  # the pairs differ one by one, but not yet after the correction for many pairs
        return (
            f"{first.name} looks fastest, {_latency(result, first)}, but {_unsure(result, first, contest.open_pairs)}."
        )
    if contest.equally_fast:
        rest = f"; {more} would settle the rest" if (more := _more(contest.open_pairs)) else ""
        return f"{_equally_fast(result, first, close, between[0].baseline, count)}{rest}."
    sentence = f"Too close to call between {_names([first, *close], count)} after {_runs(first)}"
    if len(close) == 1 and between:
        return f"{sentence}: {_either_way(between[0])}{_wait(between)}."
    return f"{sentence}: {_latencies(result, [first, *close])}{_wait(contest.open_pairs)}."


class _Contest(NamedTuple):
    """The candidates that may be the fastest.

    Attributes:
        order: All measured candidates, in ascending order of their ratio to the baseline.
        to_baseline: The comparison of each with the baseline, by slug.
        too_short: Whether a comparison has no interval.
        rivals: Candidates that are not shown to be slower than the first.
        close: Rivals whose own interval overlaps that of the first.
        between: Comparisons among the first and the close rivals.
        open_pairs: Inconclusive comparisons that prevent a verdict.
    """

    order: list[CandidateResult]
    to_baseline: dict[str, Comparison]
    too_short: bool = False
    rivals: Sequence[CandidateResult] = ()
    close: Sequence[CandidateResult] = ()
    between: Sequence[Comparison] = ()
    open_pairs: Sequence[Comparison] = ()

    @property
    def equally_fast(self) -> bool:
        """Whether all close rivals are shown to match."""
        return len(self.between) == len(self.close) and all(pair.verdict == "same" for pair in self.between)

    @classmethod
    def of(cls, result: Result, measured: Sequence[CandidateResult]) -> _Contest:
        to_baseline = _to_baseline(result)
        order = sorted(measured, key=lambda c: _place(to_baseline.get(c.slug)))
        first, contest = order[0], cls(order, to_baseline)
        if not to_baseline or any(pair.low is None for c in order if (pair := to_baseline.get(c.slug)) is not None):
            return contest._replace(too_short=True)
        rivals = [c for c in order[1:] if set(c.group) & set(first.group) or not first.group]
        if not rivals:
            return contest
        pairs = [pair for c in [first, *rivals] if (pair := to_baseline.get(c.slug)) is not None]
        unsettled = [p for p in pairs if p.verdict == "inconclusive"] if len(pairs) == len(rivals) else []
        beyond = _ends(to_baseline.get(first.slug))[1] * (1 + result.equivalence)
        close = [c for c in rivals if _ends(to_baseline.get(c.slug))[0] <= beyond]
        among = {c.slug for c in [first, *close]}
        between = [pair for pair in pairs if {pair.baseline, pair.candidate} <= among]
        contest = contest._replace(rivals=rivals, close=close, between=between, open_pairs=unsettled)
        if not close or contest.equally_fast:
            return contest
        undecided = [p for p in between if p.verdict == "inconclusive"] if len(between) == len(close) else []
        return contest._replace(open_pairs=undecided)


def open_pairs(result: Result) -> Sequence[Comparison]:
    """Return the comparisons of a result that prevent its answer from being settled; empty if it is settled."""
    measured = tuple(c for c in result.measured if c.status == "measured")
    return _Contest.of(result, measured).open_pairs if len(measured) > 1 else ()


def _equally_fast(
    result: Result, first: CandidateResult, close: Sequence[CandidateResult], base: str, measured: int
) -> str:
    within = f"(within {100 * result.equivalence:.2g} %{_launch(result)})"
    if len(close) == 1:
        return f"{_names([first, *close], measured)} answer equally fast {within}: {_latency(result, first)}"
    # All were compared with the baseline; the difference between two others may be twice as large.
    baseline = result.candidate(base)
    others = _names([c for c in [first, *close] if c is not baseline], measured - 1)
    subject = "All others" if others.startswith("all ") else others
    return f"{subject} answer as fast as {baseline.name} {within}: {_latency(result, baseline)}"


def _unsure(result: Result, first: CandidateResult, open_pairs: Sequence[Comparison]) -> str:
    """Return why it is not certain that each of these pairs differs."""
    if not _more(open_pairs):
        return "not surely so" if len(result.comparisons) < 2 else "not surely so with this many models"
    runs = f"{_runs(first)} {_are(first)}"
    launches = any(pair.launches_to_settle for pair in open_pairs)
    return f"{f'{result.whole_launches} launches are' if launches else runs} too few to be sure{_wait(open_pairs)}"


def _winner(
    result: Result,
    first: CandidateResult,
    second: CandidateResult,
    to_baseline: dict[str, Comparison],
    to_named: dict[str, Comparison],
) -> str:
    """Return the ratio of the fastest to the second, or to the baseline if that is not known."""
    named = to_named.get(first.slug)
    if (pair := to_baseline.get(first.slug)) is not None:
        slug = pair.baseline
        ratio, low, high = pair.ratio, pair.low, pair.high
    else:
        pair = to_baseline[second.slug]
        slug = second.slug
        ratio, low, high = _inverse(pair)
    other = result.candidate(slug).name
    if slug in {comparison.baseline for comparison in to_named.values()} or (
        pair.candidate == first.slug and not to_named
    ):
        other = f"the baseline {other}"
    words, _, interval = format_ratio(ratio, low, high).partition(" (")
    inside = f" ({interval.removesuffix(')')}{_launch(result)}{_prediction(pair)})" if interval else ""
    rest = ""
    if named is not None and named.baseline != slug:
        rest = f" and {format_ratio(named.ratio)} than the baseline {result.candidate(named.baseline).name}"
    return f"{first.name} answers first: {_latency(result, first)}, {words} than {other}{inside}{rest}"


def _ends(to_baseline: Comparison | None) -> tuple[float, float]:
    """Return the interval of a candidate's ratio to the baseline; (1, 1) for the baseline itself."""
    if to_baseline is None:
        return 1.0, 1.0
    return to_baseline.low or 0.0, to_baseline.high or math.inf


def _place(to_baseline: Comparison | None) -> float:
    """Return a candidate's ratio to the baseline, by which candidates are sorted; 1 for the baseline itself."""
    if to_baseline is None:
        return 1.0
    return to_baseline.ratio if to_baseline.ratio is not None else math.inf


def _inverse(pair: Comparison) -> tuple[float | None, float | None, float | None]:
    if pair.ratio is None or pair.low is None or pair.high is None:
        return (1 / pair.ratio if pair.ratio else None), None, None
    return 1 / pair.ratio, 1 / pair.high, 1 / pair.low


def _either_way(pair: Comparison) -> str:
    """Return a ratio of at least 1 with its interval, without a direction."""
    ratio, low, high = (pair.ratio, pair.low, pair.high) if (pair.ratio or 0) >= 1 else _inverse(pair)
    if ratio is None or low is None or high is None:
        return format_ratio(pair.ratio)
    return format_ratio_either_way(ratio, low, high)


def _wait(pairs: Sequence[Comparison]) -> str:
    """Return how much more measuring would settle all open pairs, or that more will hardly help."""
    if more := _more(pairs):
        return f"; {more} would settle it"
    return "; measuring longer will hardly settle it" if pairs else ""


def what_would_settle(pairs: Sequence[Comparison]) -> str:
    """Return a sentence on what would settle all open pairs; empty if it is unknown or takes too long."""
    more = _more(pairs)
    return f"{more[0].upper()}{more[1:]} would settle what is inconclusive." if more else ""


def _more(pairs: Sequence[Comparison]) -> str:
    """Return what would settle all open pairs: `about 2,000 more runs (3 s)`.

    If launches differ too much, more runs per launch do not help, so it is a number of launches; pairs that need runs
    get them there, too. It is empty if the amount is unknown for a pair, or takes too long.
    """
    seconds = [pair.seconds_to_settle for pair in pairs if pair.seconds_to_settle is not None]
    if not seconds or len(seconds) < len(pairs) or max(seconds) > _MAX_WAIT:
        return ""
    per_launch = [
        second / p.launches_to_settle for second, p in zip(seconds, pairs, strict=True) if p.launches_to_settle
    ]
    if per_launch:  # their number, because a launch takes longer than its measuring time
        launches = math.ceil(max(seconds) / per_launch[0] - 1e-9)
        return f"about {launches:,} more {'launch' if launches == 1 else 'launches'}"
    runs = round_up(max((pair.runs_to_settle or 0 for pair in pairs), default=0))
    return f"about {runs:,} more {'run' if runs == 1 else 'runs'} ({format_seconds(max(seconds))})" if runs else ""


def round_up(runs: int) -> int:
    """Round up to one significant digit, or to two above 1,000, so that an estimate does not look like a count."""
    step = 1
    while runs / step >= (10 if runs < 1000 else 100):
        step *= 10
    return -(-runs // step) * step


def _latency(result: Result, candidate: CandidateResult) -> str:
    assert candidate.statistics is not None
    return format_duration(candidate.statistics.p50.value) + _per_call(result.plan.workload.batch_size)


def _latencies(result: Result, candidates: Sequence[CandidateResult]) -> str:
    """Return the range of the p50 of several candidates, or `about` the value if all are the same."""
    medians = sorted(c.statistics.p50.value or 0.0 for c in candidates if c.statistics is not None)
    low, high = medians[0], medians[-1]
    shown = format_duration(low)
    shown = f"about {shown}" if shown == format_duration(high) else format_interval(low, high)
    return shown + _per_call(result.plan.workload.batch_size)


def _per_call(rows: int) -> str:
    return "" if rows == 1 else f" for {rows:,} rows"


def _launch(result: Result) -> str:
    """Return a note that an interval holds only for the measured launches, if there are fewer than three."""
    launches = result.whole_launches or result.plan.launches
    return " in this launch" if launches < 2 else " in these 2 launches" if launches == 2 else ""


def _prediction(pair: Comparison) -> str:
    """Return the prediction interval of the ratio, as a number above 1; empty if there are too few launches."""
    if not (pair.predicted_low and pair.predicted_high and pair.ratio):
        return ""
    ends = (
        (pair.predicted_low, pair.predicted_high)
        if pair.ratio >= 1
        else (1 / pair.predicted_high, 1 / pair.predicted_low)
    )
    return f"; {format_ratio_ends(*ends)} when measured again"


def _names(candidates: Sequence[CandidateResult], measured: int) -> str:
    names = [c.name for c in candidates]
    if len(names) <= _MAX_NAMES:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"all {len(names)} models" if len(names) == measured else f"{names[0]} and {len(names) - 1} others"


def _are(candidate: CandidateResult) -> str:
    return "is" if candidate.calls == 1 else "are"


def _runs(candidate: CandidateResult) -> str:
    return "1 run" if candidate.calls == 1 else f"{candidate.calls:,} runs"
