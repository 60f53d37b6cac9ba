"""Says which model to ship, by score and latency, and why each other one is not; never more than the intervals show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.result.load import all_limit_verdicts
from latency_tui.text.formatting import format_duration, format_ratio, join_names
from latency_tui.text.limits import format_figures
from latency_tui.text.sanitize import clean
from latency_tui.text.scores import (
    format_difference,
    format_metric,
    format_score_interval,
    format_score_with_interval,
)

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.trade_off import TradeOff, TradeOffCandidate

TITLE = "Trade-off"
_OPEN = {
    "limits": "No model meets all limits, so there is none to ship.",
    "rounds": "There are too few runs to weigh latency against the score.",
}
_LIMIT_REASONS = {"limit": "fail", "undecided limit": "inconclusive"}
"""The reasons why a limit keeps a model from being the choice, with the verdict on that limit."""


def describe_trade_off(result: Result, *, limits_follow: bool = False) -> list[str]:
    """Return the answer, one sentence per other model, and how the scores were compared; empty without scores.

    Args:
        result: The result.
        limits_follow: Whether `limit_notes` are shown as well; models that these explain have no sentence then.
    """
    found = result.trade_off
    if found is None:
        return []
    explained = {verdict.candidate for verdict in result.limits if verdict.verdict != "pass"} if limits_follow else ()
    rows = [
        row
        for row in found.candidates
        if row.candidate != found.choice and not (row.reason in _LIMIT_REASONS and row.candidate in explained)
    ]
    return [
        describe_choice(result, found),
        *(describe_loser(result, found, row) for row in rows),
        *([_describe_front(result, found)] if found.open_because != "scores" else []),
        _describe_method(found),
    ]


def describe_choice(result: Result, found: TradeOff) -> str:
    """Return which model to ship, or why that is open."""
    if found.choice is not None:
        one = result.candidate(found.choice)
        return f"Ship {clean(one.name)}: {_latency(one)}, {_score(one)}."
    if found.open_because == "undecided limits":
        names = _names(result, [row.candidate for row in found.candidates if row.reason == "undecided limit"])
        return f"No model is shown to meet all limits; {names} may."
    if found.open_because == "scores":
        names = _names(result, [row.candidate for row in found.candidates if row.standing != "excluded"])
        return f"Only {names} has a score that can be weighed against latency."
    return _OPEN.get(found.open_because, _OPEN["rounds"])


def shorten_trade_off(result: Result) -> str:
    """Return the answer in one line: the model to ship, and the one with the best score or the fastest other one."""
    found = result.trade_off
    if found is None:
        return ""
    answer = describe_choice(result, found)
    rivals = [row for row in found.candidates if row.candidate != found.choice and row.difference is not None]
    if found.choice is None or not rivals:
        return answer
    sign = 1 if found.greater_is_better else -1
    best = max(rivals, key=lambda row: (row.standing != "excluded", sign * (row.difference or 0.0)))
    return f"{answer.removesuffix('.')}; {describe_loser(result, found, best)}"


def describe_loser(result: Result, found: TradeOff, row: TradeOffCandidate) -> str:
    """Return why a model is not the one to ship, in one sentence."""
    one = result.candidate(row.candidate)
    name = clean(one.name)
    if row.reason == "no score":
        return f"{name} has no score: {clean(one.score_problem or 'it could not be scored').rstrip('.')}."
    if row.reason == "other metric":
        return f"{name} is scored by {format_metric(one.metric)}, not by {format_metric(found.metric)}."
    if row.reason == "other rows":
        return f"{name} was scored on other test rows, so its score is not compared."
    wanted = _LIMIT_REASONS.get(row.reason)
    verdicts = [v for v in all_limit_verdicts(result) if v.candidate == row.candidate and v.verdict == wanted]
    if wanted and verdicts:
        verb = "fails" if wanted == "fail" else "is undecided on"
        return f"{name} {verb} {'; '.join(f'{v.limit}: {format_figures(v)}' for v in verdicts)}."
    if row.difference is None and row.ratio is None:
        return f"{name}: {_latency(one)}, {_score(one)}."
    score, latency = _score_words(found, row), _latency_words(row)
    if row.reason == "score":
        return f"{name} is {latency}, but {score}."
    return f"{name} is {score} and {latency}."


def _score_words(found: TradeOff, row: TradeOffCandidate) -> str:
    """Return how a score compares with that of the choice: `0.003 better (95 % CI −0.02 to 0.03, not significant)`."""
    if row.difference is None:
        return "not compared by its score"
    better = row.difference if found.greater_is_better else -row.difference
    if better == 0:
        return "equal in score"
    low, high = row.difference_low, row.difference_high
    if low is not None and high is not None and (better < 0) == found.greater_is_better:
        low, high = -high, -low
    interval = format_score_interval(low, high)
    notes = ([f"95 % CI {interval}"] if interval else []) + ([] if row.differs else ["not significant"])
    return f"{format_difference(better)} {'better' if better > 0 else 'worse'}" + (
        f" ({', '.join(notes)})" if notes else ""
    )


def _latency_words(row: TradeOffCandidate) -> str:
    if row.verdict == "same":
        return "as fast"
    words = format_ratio(row.ratio)
    return words if row.verdict != "inconclusive" else f"{words} (not significant)"


def _describe_front(result: Result, found: TradeOff) -> str:
    """Return which models are on the Pareto front, which may be, and which are dominated by which."""
    by = {standing: [r for r in found.candidates if r.standing == standing] for standing in ("front", "undecided")}
    parts = []
    if by["front"]:
        parts.append(f"On the Pareto front: {_names(result, [row.candidate for row in by['front']])}")
    if by["undecided"]:
        start = "undecided" if by["front"] else "it is undecided which models are on the Pareto front"
        parts.append(f"{start}: {_names(result, [row.candidate for row in by['undecided']])}")
    for row in found.candidates:
        if row.dominated_by is not None:
            one, other = (clean(result.candidate(slug).name) for slug in (row.candidate, row.dominated_by))
            parts.append(f"{one} is slower and scores worse than {other}")
    text = "; ".join(parts) or "No model is on the Pareto front"
    return f"{text[0].upper()}{text[1:]}."


def _describe_method(found: TradeOff) -> str:
    rows = f"{found.rows:,} test rows"
    if not found.resamples:
        return f"Scores: {format_metric(found.metric)} on {rows}, without intervals."
    return (
        f"Scores: {format_metric(found.metric)} on {rows}; 95 % intervals from {found.resamples:,} resamples of these "
        "rows (percentile bootstrap), the same for all models."
    )


def _names(result: Result, slugs: list[str]) -> str:
    return join_names([clean(result.candidate(slug).name) for slug in slugs])


def _latency(candidate: CandidateResult) -> str:
    """Return the p99 of a candidate, or its p50 if there are too few calls for a p99."""
    assert candidate.statistics is not None
    p99 = candidate.statistics.p99
    if p99.is_bound or p99.value is None or p99.calls_needed:
        return f"p50 {format_duration(candidate.statistics.p50.value)}"
    return f"p99 {format_duration(p99.value)}"


def _score(candidate: CandidateResult) -> str:
    score = format_score_with_interval(candidate.score, candidate.score_low, candidate.score_high)
    return f"{format_metric(candidate.metric)} {score}"
