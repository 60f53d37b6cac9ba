"""Summarizes a result in one sentence that never claims more than the confidence intervals support."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from latency_tui.stats.defaults import MAX_PROPOSED_SECONDS
from latency_tui.text.formatting import (
    format_duration,
    format_interval,
    format_ratio,
    format_ratio_either_way,
    format_ratio_ends,
    format_seconds,
)
from latency_tui.text.load import summarize_load
from latency_tui.text.mix import describe_average, describe_classes
from latency_tui.text.offline import summarize_offline
from latency_tui.text.sweeps import summarize_sweeps

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.comparison import Comparison

_MAX_NAMES = 3
"""Most names that a sentence lists."""
_SHOULD_DECIDE = " should decide "


def summarize(result: Result, against_fastest: Sequence[Comparison] = ()) -> str:
    """Return the answer: of a load test if there was one, then of the candidates alone; see `summarize_alone`."""
    sentences = (summarize_load(result), summarize_offline(result), summarize_alone(result, against_fastest))
    return " ".join(sentence for sentence in sentences if sentence)


def summarize_alone(result: Result, against_fastest: Sequence[Comparison] = ()) -> str:
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
        return _summarize_nothing(result)
    if result.sweeps and (sentence := summarize_sweeps(result)):
        return " ".join([sentence, *_describe_limits(result), *_describe_failures(result)])
    if len(measured) == 1:
        sentence = _summarize_one(result, measured[0])
    else:
        compared = msgspec.structs.replace(result, comparisons=tuple(against_fastest) or result.comparisons)
        sentence = _summarize_several(compared, measured, _to_baseline(result) if against_fastest else {})
    return " ".join([sentence, *_describe_limits(result), *_describe_failures(result)])


def _summarize_nothing(result: Result) -> str:
    failed = [c for c in result.candidates if c.status == "failed"]
    if not failed:
        return "Nothing was measured."
    reason = (failed[0].error or "it failed").strip().rstrip(".")
    if len(failed) == 1:
        how = f"failed after {_format_runs(failed[0])}" if failed[0].calls else "could not be measured"
        return f"{failed[0].name} {how}: {reason}."
    how = f"None of the {len(failed)} models could be measured{' to the end' if any(c.calls for c in failed) else ''}"
    return f"{how}: {reason}." if len({c.error for c in failed}) == 1 else f"{how}; {failed[0].name}: {reason}."


def _describe_failures(result: Result) -> list[str]:
    failed = [c.name for c in result.candidates if c.status == "failed"]
    if not failed:
        return []
    return [f"{failed[0]} failed." if len(failed) == 1 else f"{len(failed)} models failed."]


def _describe_limits(result: Result) -> list[str]:
    """Return a sentence on how many candidates, and which, meet all of their limits; empty if there are no limits."""
    verdicts: dict[str, set[str]] = {}
    for one in result.limits:
        verdicts.setdefault(one.candidate, set()).add(one.verdict)
    if not verdicts:
        return []
    met = [result.candidate(slug).name for slug, found in verdicts.items() if found == {"pass"}]
    limits = list(dict.fromkeys(limit.text for limit in result.plan.call_limits))
    what = limits[0] if len(limits) == 1 else "both limits" if len(limits) == 2 else f"all {len(limits)} limits"
    if len(limits) > 1 and any(limit.candidate or limit.relative for limit in result.plan.call_limits):
        what = "all its limits" if len(met) < 2 or len(verdicts) == 1 else "all their limits"
    undecided = sum("fail" not in found and "inconclusive" in found for found in verdicts.values())
    rest = f"; {undecided} undecided" if undecided else ""
    if len(verdicts) == 1:
        name = result.candidate(next(iter(verdicts))).name
        if undecided:
            return [f"Whether {name} meets {what} is undecided."]
        return [f"{name} {'meets' if met else 'does not meet'} {what}."]
    names = f": {', '.join(met)}" if 0 < len(met) <= _MAX_NAMES else ""
    count = f"{len(met)} of {len(verdicts)}" if met else f"None of the {len(verdicts)}"
    return [f"{count} models meet{'s' if len(met) < 2 else ''} {what}{names}{rest}."]


def _summarize_one(result: Result, candidate: CandidateResult) -> str:
    assert candidate.statistics is not None
    if result.plan.workload.mix:
        return (
            f"{candidate.name}: {'; '.join(filter(None, (describe_average(candidate), describe_classes(candidate))))}."
        )
    p50 = candidate.statistics.p50
    if p50.low is not None and p50.high is not None:
        interval = f"(95 % CI {format_interval(p50.low, p50.high)}{_launch_note(result)})"
        return f"{candidate.name}: {_latency(result, candidate)} {interval}."
    few = f"{_format_runs(candidate)} {_are(candidate)} too few for an interval"
    return f"{candidate.name}: {_latency(result, candidate)}; {few}."


def _to_baseline(result: Result) -> dict[str, Comparison]:
    """Return the comparison of each candidate with the baseline, by slug."""
    return {comparison.candidate: comparison for comparison in result.comparisons}


def _summarize_several(result: Result, measured: Sequence[CandidateResult], to_named: dict[str, Comparison]) -> str:
    """Return the sentence on two or more candidates.

    `to_named` has the comparisons with a baseline that the user named.
    """
    ranking = _Ranking.of(result, measured)
    first, to_baseline, count = ranking.order[0], ranking.to_baseline, len(ranking.order)
    if ranking.too_short:
        least = min(measured, key=lambda c: c.typical_seconds)
        few = f"{_format_runs(least)} {_are(least)} too few for a verdict"
        what = "average call of the mix" if least.mix_average is not None else "p50"
        return f"{least.name} has the lowest {what} ({_duration(result, least)}), but {few}."
    if not ranking.rivals:
        return f"{_describe_winner(result, first, ranking.order[1], to_baseline, to_named)}."
    close, between = ranking.close, ranking.between
    if not close:  # the pairs differ one by one, but not yet after the correction for many pairs
        doubt = _describe_doubt(result, first, ranking.open_pairs)
        return f"{first.name} looks fastest ({_latency(result, first)}), but {doubt}."
    if ranking.equally_fast:
        rest = f"; {more}{_SHOULD_DECIDE}the rest" if (more := _effort(ranking.open_pairs)) else ""
        return f"{_describe_equality(result, first, close, between[0].baseline, count)}{rest}."
    preposition = "between" if len(close) == 1 else "among"
    sentence = f"No clear winner {preposition} {_join_names([first, *close], count)} after {_format_runs(first)}"
    if len(close) == 1 and between:
        return f"{sentence}: ratio {_format_undirected(between[0])}{_effort_clause(between)}."
    return f"{sentence}: {_latencies(result, [first, *close])}{_effort_clause(ranking.open_pairs)}."


class _Ranking(NamedTuple):
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
    def of(cls, result: Result, measured: Sequence[CandidateResult]) -> _Ranking:
        to_baseline = _to_baseline(result)
        order = sorted(measured, key=lambda c: _ratio_to_baseline(to_baseline.get(c.slug)))
        first, ranking = order[0], cls(order, to_baseline)
        if not to_baseline or any(pair.low is None for c in order if (pair := to_baseline.get(c.slug)) is not None):
            return ranking._replace(too_short=True)
        rivals = [c for c in order[1:] if set(c.group) & set(first.group) or not first.group]
        if not rivals:
            return ranking
        pairs = [pair for c in [first, *rivals] if (pair := to_baseline.get(c.slug)) is not None]
        undecided = [p for p in pairs if p.verdict == "inconclusive"] if len(pairs) == len(rivals) else []
        beyond = _interval_to_baseline(to_baseline.get(first.slug))[1] * (1 + result.equivalence)
        close = [c for c in rivals if _interval_to_baseline(to_baseline.get(c.slug))[0] <= beyond]
        among = {c.slug for c in [first, *close]}
        between = [pair for pair in pairs if {pair.baseline, pair.candidate} <= among]
        ranking = ranking._replace(rivals=rivals, close=close, between=between, open_pairs=undecided)
        if not close or ranking.equally_fast:
            return ranking
        undecided = [p for p in between if p.verdict == "inconclusive"] if len(between) == len(close) else []
        return ranking._replace(open_pairs=undecided)


def open_pairs(result: Result) -> Sequence[Comparison]:
    """Return the comparisons of a result that prevent its answer from being decided; empty if it is decided."""
    measured = tuple(c for c in result.measured if c.status == "measured")
    return _Ranking.of(result, measured).open_pairs if len(measured) > 1 else ()


def _describe_equality(
    result: Result, first: CandidateResult, close: Sequence[CandidateResult], base: str, measured: int
) -> str:
    within = f"(within {100 * result.equivalence:.2g} %{_launch_note(result)})"
    if len(close) == 1:
        return f"{_join_names([first, *close], measured)} are equally fast {within}: {_latency(result, first)}"
    # All were compared with the baseline; the difference between two others may be twice as large.
    baseline = result.candidate(base)
    others = _join_names([c for c in [first, *close] if c is not baseline], measured - 1)
    subject = "All others" if others.startswith("all ") else others
    return f"{subject} are as fast as {baseline.name} {within}: {_latency(result, baseline)}"


def _describe_doubt(result: Result, first: CandidateResult, open_pairs: Sequence[Comparison]) -> str:
    """Return why it is not certain that each of these pairs differs."""
    if not _effort(open_pairs):
        models = "" if len(result.comparisons) < 2 else " for this many models"
        return f"the difference is not significant{models}"
    few = f"{_format_runs(first)} {_are(first)}"
    if any(pair.launches_to_decide for pair in open_pairs):
        few = f"{result.complete_launches} launches are"
    return f"{few} too few to be sure{_effort_clause(open_pairs)}"


def _describe_winner(
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
        ratio, low, high = _invert(pair)
    other = result.candidate(slug).name
    if slug in {comparison.baseline for comparison in to_named.values()} or (
        pair.candidate == first.slug and not to_named
    ):
        other = f"the baseline {other}"
    words, _, interval = format_ratio(ratio, low, high).partition(" (")
    inside = f" ({interval.removesuffix(')')}{_launch_note(result)}{_prediction_note(pair)})" if interval else ""
    rest = ""
    if named is not None and named.baseline != slug:
        rest = f" and {format_ratio(named.ratio)} than the baseline {result.candidate(named.baseline).name}"
    return f"{first.name} is fastest: {_latency(result, first)}, {words} than {other}{inside}{rest}"


def _interval_to_baseline(to_baseline: Comparison | None) -> tuple[float, float]:
    """Return the interval of a candidate's ratio to the baseline; (1, 1) for the baseline itself."""
    if to_baseline is None:
        return 1.0, 1.0
    return to_baseline.low or 0.0, to_baseline.high or math.inf


def _ratio_to_baseline(to_baseline: Comparison | None) -> float:
    """Return a candidate's ratio to the baseline, by which candidates are sorted; 1 for the baseline itself."""
    if to_baseline is None:
        return 1.0
    return to_baseline.ratio if to_baseline.ratio is not None else math.inf


def _invert(pair: Comparison) -> tuple[float | None, float | None, float | None]:
    if pair.ratio is None or pair.low is None or pair.high is None:
        return (1 / pair.ratio if pair.ratio else None), None, None
    return 1 / pair.ratio, 1 / pair.high, 1 / pair.low


def _format_undirected(pair: Comparison) -> str:
    """Return a ratio of at least 1 with its interval, without a direction."""
    ratio, low, high = (pair.ratio, pair.low, pair.high) if (pair.ratio or 0) >= 1 else _invert(pair)
    if ratio is None or low is None or high is None:
        return format_ratio(pair.ratio)
    return format_ratio_either_way(ratio, low, high)


def _effort_clause(pairs: Sequence[Comparison]) -> str:
    """Return how much more measuring should decide all open pairs, or that more is unlikely to."""
    if more := _effort(pairs):
        return f"; {more}{_SHOULD_DECIDE}it"
    return "; measuring longer is unlikely to decide it" if pairs else ""


def describe_effort(result: Result, pairs: Sequence[Comparison]) -> str:
    """Return a sentence on how much more measuring should decide all inconclusive pairs.

    It is empty if the amount is unknown or too large, or if the answer of the result contains it.
    """
    more = _effort(pairs)
    if not more or _SHOULD_DECIDE in result.answer:
        return ""
    return f"{more[0].upper()}{more[1:]}{_SHOULD_DECIDE}the inconclusive comparisons."


def _effort(pairs: Sequence[Comparison]) -> str:
    """Return how much more measuring should decide all open pairs: `about 2,000 more runs (3 s)`.

    If launches differ too much, more runs per launch do not help, so it is a number of launches, which also covers the
    pairs that need runs. It is empty if the amount is unknown for a pair, or takes too long.
    """
    seconds = [pair.seconds_to_decide for pair in pairs if pair.seconds_to_decide is not None]
    if not seconds or len(seconds) < len(pairs) or max(seconds) > MAX_PROPOSED_SECONDS:
        return ""
    per_launch = [
        second / p.launches_to_decide for second, p in zip(seconds, pairs, strict=True) if p.launches_to_decide
    ]
    if per_launch:  # their number, because a launch takes longer than its measuring time
        launches = math.ceil(max(seconds) / per_launch[0] - 1e-9)
        return f"about {launches:,} more {'launch' if launches == 1 else 'launches'}"
    runs = round_estimate(max((pair.runs_to_decide or 0 for pair in pairs), default=0))
    return f"about {runs:,} more {'run' if runs == 1 else 'runs'} ({format_seconds(max(seconds))})" if runs else ""


def round_estimate(runs: int) -> int:
    """Round up to one significant digit, or to two above 1,000, so that an estimate does not look like a count."""
    step = 1
    while runs / step >= (10 if runs < 1000 else 100):
        step *= 10
    return -(-runs // step) * step


def _latency(result: Result, candidate: CandidateResult) -> str:
    return describe_average(candidate) if result.plan.workload.mix else f"p50 {_duration(result, candidate)}"


def _duration(result: Result, candidate: CandidateResult) -> str:
    rows = result.plan.rows_per_call(candidate.slug)
    return format_duration(candidate.typical_seconds) + _per_call(rows)


def _latencies(result: Result, candidates: Sequence[CandidateResult]) -> str:
    """Return the range of the p50 of several candidates, or `about` the value if all are the same."""
    medians = sorted(c.typical_seconds for c in candidates if c.statistics is not None)
    low, high = medians[0], medians[-1]
    shown = format_duration(low)
    shown = f"about {shown}" if shown == format_duration(high) else format_interval(low, high)
    rows = {result.plan.rows_per_call(candidate.slug) for candidate in candidates}
    what = "average call" if result.plan.workload.mix else "p50"
    return f"{what} {shown}" + (_per_call(rows.pop()) if len(rows) == 1 else "")


def _per_call(rows: int) -> str:
    return "" if rows == 1 else f" for {rows:,} rows"


def _launch_note(result: Result) -> str:
    """Return a note that an interval holds only for the measured launches, if there are fewer than three."""
    launches = result.complete_launches or result.plan.launches
    return " in this launch" if launches < 2 else " in these 2 launches" if launches == 2 else ""


def _prediction_note(pair: Comparison) -> str:
    """Return the prediction interval of the ratio, as a number above 1; empty if there are too few launches."""
    if not (pair.predicted_low and pair.predicted_high and pair.ratio):
        return ""
    ends = (
        (pair.predicted_low, pair.predicted_high)
        if pair.ratio >= 1
        else (1 / pair.predicted_high, 1 / pair.predicted_low)
    )
    return f"; {format_ratio_ends(*ends)} in another launch"


def _join_names(candidates: Sequence[CandidateResult], measured: int) -> str:
    names = [c.name for c in candidates]
    if len(names) <= _MAX_NAMES:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"all {len(names)} models" if len(names) == measured else f"{names[0]} and {len(names) - 1} others"


def _are(candidate: CandidateResult) -> str:
    return "is" if candidate.calls == 1 else "are"


def _format_runs(candidate: CandidateResult) -> str:
    return "1 run" if candidate.calls == 1 else f"{candidate.calls:,} runs"
