"""Sentences and cells about a load test: which candidates meet the limits, at which rates, and what was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

from latency_tui.text.formatting import NOTHING, format_duration, format_interval, join_names

if TYPE_CHECKING:
    from latency_tui.plan import LoadTest
    from latency_tui.result.load import HighestRate, LoadResult, LoadVerdict, TimeStatistics
    from latency_tui.result.result import Result

MAX_NAMES = 3
"""Most names that a sentence lists."""
WORDS = {"pass": "meets", "fail": "fails", "inconclusive": "undecided"}
"""The displayed word per verdict."""
OVERLOADED = "overloaded"


def format_rate(rate: float | None) -> str:
    """Return a request rate with three significant digits: `410/s`, `2,930/s`, `0.5/s`; a dash if it is None."""
    if rate is None:
        return NOTHING
    return f"{rate:,.0f}/s" if rate >= 99.5 else f"{rate:.3g}/s"


def format_limit_texts(result: Result) -> str:
    """Return the limits on response times, joined: `p50 < 1 ms and p99 < 5 ms`."""
    return " and ".join(dict.fromkeys(limit.text for limit in result.plan.load_limits))


def summarize_load(result: Result) -> str:
    """Return the answer of a load test in one or two sentences; empty if nothing was measured under load."""
    if result.plan.load is None or not result.load:
        return ""
    sentence = _summarize_highest_rates(result) if result.plan.load.find_rate else _summarize_rate(result)
    return " ".join(part for part in (sentence, describe_other_ranking(result)) if part)


# --- given rates ----------------------------------------------------------------------------------------------------


def _summarize_rate(result: Result) -> str:
    """Return what happened at the rate that says most: with limits, the highest that any candidate meets."""
    rates = sorted({one.rate for one in result.load})
    rate = next((one for one in reversed(rates) if any(_is_good(r) for r in result.load if r.rate == one)), rates[0])
    at = [one for one in result.load if one.rate == rate]
    if result.plan.load_limits:
        return f"At {format_rate(rate)} within {format_limit_texts(result)}: {_list_verdicts(result, at)}."
    valid = [one for one in at if one.valid]
    busy = [one for one in valid if one.overloaded]
    rest = sorted((one for one in valid if not one.overloaded), key=lambda one: one.response.p99 or 0.0)
    parts = []
    if rest:
        value, first = format_duration(rest[0].response.p99), _name(result, rest[0])
        alone = f"{first} responds with a p99 of {value}"
        parts.append(alone if len(rest) == 1 else f"{first} has the shortest p99 response time, {value}")
    if busy:
        parts.append(f"{_names(result, busy)} {'is' if len(busy) == 1 else 'are'} {OVERLOADED}")
    if spoiled := [one for one in at if not one.valid]:
        parts.append(f"the measurement of {_names(result, spoiled)} is invalid")
    return f"At {format_rate(rate)}: {'; '.join(parts)}."


def _is_good(one: LoadResult) -> bool:
    return one.valid and not one.overloaded and one.verdict in (None, "pass")


def _list_verdicts(result: Result, at: Sequence[LoadResult]) -> str:
    verdicts = [one for one in at if one.valid]
    passing = [one for one in verdicts if one.verdict == "pass"]
    failing = [one for one in verdicts if one.verdict == "fail"]
    unknown = [one for one in verdicts if one.verdict == "inconclusive"]
    spoiled = [one for one in at if not one.valid]
    parts = []
    for some, one_verb, more_verb in ((passing, "passes", "pass"), (failing, "fails", "fail")):
        if some:
            said = [f"{_name(result, one)} ({_figure(one)})" for one in some[:MAX_NAMES]]
            if len(some) > MAX_NAMES:
                said = [f"{len(some)} models"]
            parts.append(f"{_join(said)} {one_verb if len(some) == 1 else more_verb}")
    if unknown:
        more = _requests_to_decide(unknown)
        parts.append(f"{_names(result, unknown)} {'is' if len(unknown) == 1 else 'are'} undecided{more}")
    if spoiled:
        parts.append(f"the measurement of {_names(result, spoiled)} is invalid")
    return "; ".join(parts) or "nothing is decided"


def _figure(one: LoadResult) -> str:
    """Return the figure that decided: the value of the first limit with the worst verdict, or that it is overloaded."""
    if one.overloaded:
        return OVERLOADED
    worst = next((verdict for verdict in one.limits if verdict.verdict == one.verdict), None)
    return NOTHING if worst is None else f"{worst.limit.split()[0]} {format_duration(worst.value)}"


def _requests_to_decide(some: Sequence[LoadResult]) -> str:
    needed = [verdict.requests_to_decide for one in some for verdict in one.limits if verdict.verdict == "inconclusive"]
    known = [one for one in needed if one is not None]
    if not known or len(known) < len(needed):
        return ""
    return f" (about {_round_up(max(known)):,} more requests should decide)"


# --- the highest rate -------------------------------------------------------------------------------------------------


def _summarize_highest_rates(result: Result) -> str:
    if not result.highest_rates:
        return "The search for the highest rate did not end."
    ordered = sorted(result.highest_rates, key=lambda one: -(one.passes or 0.0))
    said = [describe_highest_rate(result, one) for one in ordered]
    return f"Within {format_limit_texts(result)}: {'; '.join(said)}."


def describe_highest_rate(result: Result, one: HighestRate) -> str:
    """Return `RBF SVM passes at 410/s and fails at 440/s (p99 6.2 ms)`, and whether that is not confirmed."""
    name = result.candidate(one.candidate).name
    if one.passes is None and one.fails is None:
        return f"{name} was not measured at any rate"
    fails = f"{format_rate(one.fails)}{_reason(result, one)}"
    is_open = _verdict_at(result, one, one.fails) == "inconclusive"
    if one.fails is not None and not _is_valid_at(result, one, one.fails):  # even if it seems to be overloaded
        fails, is_open = f"{format_rate(one.fails)} (invalid)", True
    if one.passes is None:
        return f"{name} is undecided even at {fails}" if is_open else f"{name} fails even at {fails}"
    doubt = "" if one.confirmed else ", not confirmed by a fresh launch"
    passes = format_rate(one.passes)
    if not _is_valid_at(result, one, one.passes):
        passes += " (invalid)"
    if one.fails is None:
        return f"{name} passes up to {passes}, the highest rate that was tried{doubt}"
    return f"{name} passes at {passes} and {'is undecided' if is_open else 'fails'} at {fails}{doubt}"


def _is_valid_at(result: Result, one: HighestRate, rate: float) -> bool:
    """Return whether the figures of the candidate at a rate, if there are any, are valid."""
    return all(r.valid for r in result.load if (r.candidate, r.rate) == (one.candidate, rate))


def _verdict_at(result: Result, one: HighestRate, rate: float | None) -> str | None:
    """Return the verdict of the candidate at a rate; None if it was not measured there or is overloaded."""
    found = next((r for r in result.load if (r.candidate, r.rate) == (one.candidate, rate)), None)
    return None if found is None or found.overloaded else found.verdict


def _reason(result: Result, one: HighestRate) -> str:
    """Return the figure at the failing rate in parentheses; empty if it is not known."""
    found = next((r for r in result.load if (r.candidate, r.rate) == (one.candidate, one.fails)), None)
    if found is None:
        return ""
    if found.overloaded:
        return f" ({OVERLOADED})"
    bounds = {limit.text: limit.bound for limit in result.plan.load_limits}
    broken = [v for v in found.limits if v.value is not None and v.value >= bounds.get(v.limit, 0.0)]
    return f" ({broken[0].limit.split()[0]} {format_duration(broken[0].value)})" if broken else ""


# --- rankings ---------------------------------------------------------------------------------------------------------


def describe_other_ranking(result: Result) -> str:
    """Return a sentence on a pair of candidates of which one is faster alone and the other one under load.

    Both differences must be certain: the intervals do not overlap. It is empty if there is no such pair.
    """
    for slower_alone, faster_alone in permutations(result.measured, 2):
        one, other = slower_alone.statistics, faster_alone.statistics
        if one is None or other is None or one.p50.low is None or other.p50.high is None:
            continue
        if one.p50.low <= other.p50.high:
            continue
        alone = f"Alone, {faster_alone.name} is faster than {slower_alone.name}"
        figures = f"p50 {format_duration(other.p50.value)} and {format_duration(one.p50.value)}"
        if why := _faster_under_load(result, slower_alone.slug, faster_alone.slug):
            return f"{alone} ({figures}); under load it is not ({why})."
    return ""


def _faster_under_load(result: Result, slug: str, other: str) -> str:
    """Return the figures that show that one candidate is faster under load than another; empty if it is not."""
    highest = {one.candidate: one for one in result.highest_rates if one.confirmed}
    mine, theirs = highest.get(slug), highest.get(other)
    if mine and theirs and mine.passes and theirs.fails and mine.passes >= theirs.fails:
        return f"it passes at {format_rate(theirs.passes)}, the other at {format_rate(mine.passes)}"
    if result.plan.load is None or result.plan.load.find_rate:
        return ""
    for one in result.load:
        against = next((r for r in result.load if (r.candidate, r.rate) == (other, one.rate)), None)
        if one.candidate != slug or against is None or not (one.valid and against.valid) or one.overloaded:
            continue
        high, low = one.response.p99_high, against.response.p99_low
        if against.overloaded or (high is not None and low is not None and high < low):
            theirs_shown = OVERLOADED if against.overloaded else f"p99 {format_duration(against.response.p99)}"
            return f"at {format_rate(one.rate)} {theirs_shown} against {format_duration(one.response.p99)}"
    return ""


# --- cells and notes --------------------------------------------------------------------------------------------------


def describe_load_test(load: LoadTest) -> str:
    """Return how the load was made: `2 processes per model, Poisson arrivals, 10 s per rate`."""
    arrivals = {"poisson": "Poisson arrivals", "constant": "arrivals at equal gaps", "recorded": "recorded arrivals"}
    return f"{describe_workers(load)}, {arrivals[load.arrivals]}, {load.duration:g} s per rate"


def describe_workers(load: LoadTest) -> str:
    """Return the number of workers and their kind: `2 processes per model`."""
    kinds = {"process": ("process", "processes"), "thread": ("thread", "threads")}[load.worker_kind]
    return f"{load.workers} {kinds[load.workers > 1]} per model"


def load_notes(result: Result) -> list[str]:
    """Return the notes on a load test: what was assumed, and what went wrong."""
    if result.plan.load is not None and result.offline:
        return [f"{describe_workers(result.plan.load)}, {result.plan.load.duration:g} s each, all requests at once."]
    if result.plan.load is None:
        return []
    if not result.load:
        return ["Nothing was measured under load."]
    arrivals = "recorded" if result.plan.load.arrivals == "recorded" else "assumed"
    how = describe_load_test(result.plan.load)
    notes = [f"{how}; one machine, no network, no serialisation; arrivals are {arrivals}."]
    notes += _spoiled(result)
    for one in result.highest_rates:
        name = result.candidate(one.candidate).name
        if not one.monotone:
            notes.append(f"{name}: a rate passed above one that failed; measure longer (--duration).")
        elif not one.confirmed and one.passes is not None:
            notes.append(f"{name}: a fresh launch did not confirm both rates; measure longer (--duration).")
    return notes


def _spoiled(result: Result) -> Iterator[str]:
    """Yield a note on the candidates whose windows the measurement itself has delayed."""
    late = [one for one in result.load if one.invalid_windows]
    if not late:
        return
    names = _join(list(dict.fromkeys(_name(result, one) for one in late)))
    total = sum(one.invalid_windows for one in late)
    some = "1 window was" if total == 1 else f"{total} windows were"
    yield (
        f"{some} left out or marked invalid, because workers began requests late without being busy: {names}; use an "
        "idle machine, or fewer workers than cores."
    )


def format_response(one: LoadResult, key: str) -> str:
    """Return a response time with its interval, or why there is none."""
    return OVERLOADED if one.overloaded else format_time(one.response, key)


def format_time(times: TimeStatistics, key: str) -> str:
    """Return a mean or a percentile, with its interval if there is one: `1.21 ms (1.18–1.25 ms)`."""
    value = getattr(times, key)
    low, high = getattr(times, f"{key}_low", None), getattr(times, f"{key}_high", None)
    if value is None or low is None:
        return format_duration(value)
    if high is None:
        return f"{format_duration(value)} ({format_interval(low, None)})"
    return f"{format_duration(value)} ({format_interval(low, high)})"


def format_verdict(one: LoadResult) -> str:
    """Return whether a candidate meets all limits at a rate."""
    if not one.valid:
        return "invalid"
    return NOTHING if one.verdict is None else WORDS[one.verdict]


def load_limit_notes(result: Result) -> list[str]:
    """Return a sentence per limit that a candidate fails or leaves undecided at a given rate; none for a search."""
    if result.plan.load is None or result.plan.load.find_rate:
        return []
    return [
        describe_load_verdict(result, one, verdict)
        for one in result.load
        if one.valid
        for verdict in one.limits
        if verdict.verdict != "pass"
    ]


def describe_load_verdict(result: Result, one: LoadResult, verdict: LoadVerdict) -> str:
    """Return a sentence on a limit that is failed or undecided: the figure, and what would decide it."""
    verb = {"pass": "meets", "fail": "fails", "inconclusive": "is undecided on"}[verdict.verdict]
    figure = OVERLOADED if one.overloaded else format_duration(verdict.value)
    share = "" if verdict.share_over is None else f"; {_format_share(verdict.share_over)} of responses took longer"
    more = ""
    if verdict.requests_to_decide is not None:
        more = f"; about {_round_up(verdict.requests_to_decide):,} more requests would likely decide"
    subject = f"{_name(result, one)} at {format_rate(one.rate)}"
    return f"{subject} {verb} {verdict.limit}: {figure}{share}{more}."


def _format_share(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 or not share else f"{100 * share:.2g} %"


def _round_up(count: int) -> int:
    """Round up to two significant digits, so that an estimate does not look like a count."""
    step = int(10 ** max(len(str(count)) - 2, 0))
    return -(-count // step) * step


def _name(result: Result, one: LoadResult) -> str:
    return result.candidate(one.candidate).name


def _names(result: Result, some: Sequence[LoadResult]) -> str:
    return _join([_name(result, one) for one in some])


def _join(names: Sequence[str]) -> str:
    if len(names) > MAX_NAMES:
        return f"{names[0]} and {len(names) - 1} others"
    return join_names(names)
