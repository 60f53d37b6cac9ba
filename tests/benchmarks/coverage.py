"""How often each 95 % interval holds what it says it holds.

Prints the coverage of p50, p95 and p99 and of the ratio inside a launch (parts of a long measurement against the whole
of it), and of the ratio across launches (five launches against many). Targets: 93–99 % for p50, p99 and the ratio in
this measurement; at least 90 % for the ratio when measured again.

The machine drifts, so a short measurement can be right about its own moment and yet miss the whole. Therefore p50 and
the ratio are given twice, for parts whose rounds are spread over the time of the whole (they see the same machine) and
for parts of consecutive rounds (as a user's are). Tails are given for parts of 2 s a model with rounds spread, and for
consecutive ones of 30 s on the clock, which is when they are given an interval, against all long measurements together.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.stats.pair_evidence import pair_evidence
from latency_tui.stats.percentiles import TAIL_SECONDS as MIN_TAIL_SECONDS
from latency_tui.stats.percentiles import percentiles
from latency_tui.stats.prediction_interval import prediction_interval
from tests.benchmarks.harness import Report, Row, options, progress, rate, wilson
from tests.benchmarks.slowed_models import BASE, candidate
from tests.benchmarks.trials import Trial, measure_afresh

SLOWER = 280
"""Turns more than the base makes: about 2 %."""
SHORT_SECONDS = 0.5
TAIL_SECONDS = 2.0
ROWS = (0, 2)
"""Of the plan's candidates, the model and the different one."""
TAILS = ("p95", "p99")
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
LONG_SECONDS = 20.0
LAUNCHES = 5
SUBSETS = 400
PAIRS = {"a copy 2 % slower": (0, 1), "different models": (0, 2)}
Hits = defaultdict[tuple[str, str], list[bool]]


def plan_of(seconds: float, trial: int) -> Plan:
    """The model, its copy that is 2 % slower, and a different model."""
    candidates = (
        candidate("Model", BASE, trial),
        candidate("Slower", BASE + SLOWER, trial),
        Candidate(model=BUILTIN_MODELS[2]),
    )
    return Plan(candidates=candidates, runs=None, seconds=seconds, seed=trial, baseline="model")


def short_measurements(rounds: int, size: int) -> dict[str, list[NDArray[np.int64]]]:
    """Cut rounds into disjoint measurements of about `size` rounds, spread or consecutive."""
    count = rounds // size
    spread = [np.arange(first, count * size, count) for first in range(count)]
    return {"spread": spread, "consecutive": np.array_split(np.arange(count * size), count)}


def judge_long(trial: Trial, hits: Hits) -> None:
    """Hold the intervals of parts of a long measurement against the whole of it."""
    rounds = trial.logs.shape[1]
    for how, cuts in short_measurements(rounds, part_of(trial, SHORT_SECONDS)).items():
        for chosen in cuts:
            judge_percentiles(trial, chosen, whole_of([trial]), hits, ("p50",), how)
            judge_ratios(trial, chosen, how, hits)
    for chosen in short_measurements(rounds, part_of(trial, TAIL_SECONDS))["spread"]:
        judge_percentiles(trial, chosen, whole_of([trial]), hits, TAILS, "spread")


def judge_tails(trials: list[Trial], hits: Hits) -> None:
    """Hold the tails of parts that lasted long enough on the clock against all long measurements together."""
    whole = whole_of(trials)
    for trial in trials:
        rounds = trial.logs.shape[1]
        for chosen in short_measurements(rounds, math.ceil(rounds * MIN_TAIL_SECONDS / trial.seconds))["consecutive"]:
            judge_percentiles(trial, chosen, whole, hits, TAILS, "consecutive")


def part_of(trial: Trial, seconds: float) -> int:
    """Return how many rounds measure a model for so long."""
    return max(8, round(int(trial.logs.shape[1]) * seconds / (trial.plan.seconds or 1)))


def whole_of(trials: list[Trial]) -> list[NDArray[np.float64]]:
    """Return what all calls of the model and of the different one come to, for each share in `SHARES`."""
    return [
        np.quantile(np.concatenate([block for trial in trials for block in trial.blocks[row]]), list(SHARES.values()))
        for row in ROWS
    ]


def judge_percentiles(
    trial: Trial,
    chosen: NDArray[np.int64],
    whole: list[NDArray[np.float64]],
    hits: Hits,
    keys: tuple[str, ...],
    how: str,
) -> None:
    """Hold the percentiles of some rounds against those of the whole."""
    for row, trues in zip(ROWS, whole, strict=True):
        mine = [trial.blocks[row][index] for index in chosen]
        starts = np.concatenate(([0], np.cumsum([block.size for block in mine])[:-1]))
        found = percentiles(np.concatenate(mine), starts, clusters=trial.clusters[row][chosen])
        for key, true in zip(SHARES, trues, strict=True):
            if key not in keys:
                continue
            low, high = found[key].low, found[key].high
            hits[f"{key}, given", how].append(low is not None and high is not None)
            if low is not None and high is not None:
                hits[key, how].append(low <= true <= high)


def judge_ratios(trial: Trial, chosen: NDArray[np.int64], how: str, hits: Hits) -> None:
    """Hold the ratios of some rounds against those of the whole."""
    for name, pair in PAIRS.items():
        (short,) = pair_evidence(np.exp(trial.logs[:, chosen]), processes=trial.clusters[:, chosen], pairs=[pair])
        true = float(np.median(trial.logs[pair[1]] - trial.logs[pair[0]]))
        if short.low is not None and short.high is not None:
            hits[f"ratio in this measurement, {name}", how].append(short.low <= true <= short.high)


def judge_launches(trials: list[Trial], hits: Hits) -> None:
    """Take five launches at a time: their interval against the others' median, and against each of the others."""
    if len(trials) < 2 * LAUNCHES:
        return
    dice = np.random.default_rng(0)
    for name, (first, second) in PAIRS.items():
        cluster_medians = np.array([float(np.median(trial.logs[second] - trial.logs[first])) for trial in trials])
        for _ in range(SUBSETS):
            drawn = dice.permutation(len(trials))
            mine, others = drawn[:LAUNCHES], drawn[LAUNCHES:]
            logs = np.hstack([trials[index].logs for index in mine])
            launches = np.repeat(np.arange(LAUNCHES), [trials[index].logs.shape[1] for index in mine])
            (pair,) = pair_evidence(np.exp(logs), launches, pairs=[(first, second)])
            if pair.low is not None and pair.high is not None:
                true = float(np.median(cluster_medians[others]))
                hits[f"ratio over {LAUNCHES} launches, {name}", ""].append(pair.low <= true <= pair.high)
            again = prediction_interval(cluster_medians[mine])
            if again is not None:
                hits[f"ratio when measured again, {name}", ""].append(
                    again[0] <= cluster_medians[others[0]] <= again[1]
                )
        for trial in trials:
            (alone,) = pair_evidence(np.exp(trial.logs), processes=trial.clusters, pairs=[(first, second)])
            if alone.low is not None and alone.high is not None:
                true = float(np.median(cluster_medians))
                hits[f"ratio of one launch against {len(trials)}, {name}", ""].append(alone.low <= true <= alone.high)
        spread = float(cluster_medians.std(ddof=1))
        hits[f"spread between launches, {name}: {100 * spread:.2f} %", "note"] = []


async def measure(report: Report) -> Hits:
    """Long references first, then many launches, for as long as there is time."""
    chosen, hits = report.options, Hits(list)
    trials, longs, wanted = list[Trial](), list[Trial](), max(1, chosen.trials // 15)
    for number in range(wanted):
        if chosen.out_of_time:
            break
        progress(f"coverage: long reference {number + 1} of {wanted}")
        longs.append(await measure_afresh(plan_of(LONG_SECONDS, number), f"long-{number}"))
        judge_long(longs[-1], hits)
        _fill(report, hits)
        report.save()
    judge_tails(longs, hits)
    for number in range(chosen.trials):
        if chosen.out_of_time:
            break
        progress(f"coverage: launch {number + 1} of {chosen.trials}")
        trials.append(await measure_afresh(plan_of(SHORT_SECONDS, 1000 + number), f"launch-{number}"))
    judge_launches(trials, hits)
    return hits


def _fill(report: Report, hits: Hits) -> None:
    report.rows = []
    for (what, how), found in hits.items():
        target, note = "93–99 %", {"spread": "rounds spread", "consecutive": "consecutive rounds"}.get(how, "")
        if how == "note":
            continue
        if what.endswith(", given"):
            if not any(found):
                report.rows.append(Row(what.removesuffix(", given"), "–", target, f"{note}; never given, {len(found)}"))
            continue
        low, high = wilson(sum(found), len(found))
        if given := hits.get((f"{what}, given", how)):
            note += f"; given in {100 * sum(given) / len(given):.0f} %"
        if "measured again" in what:
            target = "≥ 90 %"
        elif "one launch" in what:
            target = ""
        report.rows.append(
            Row(what, rate(sum(found), len(found)), target, note, sum(found) / max(1, len(found)), low, high)
        )


def main() -> None:
    """Measure and print."""
    chosen, _ = options(__doc__ or "", trials=30, minutes=7)
    report = Report("Coverage of 95 % intervals", chosen)
    hits = asyncio.run(measure(report))
    _fill(report, hits)
    report.notes += [what.capitalize() + " (standard deviation)." for what, how in hits if how == "note"]
    expected = math.erf(1.96 / math.sqrt(1 + SHORT_SECONDS / LONG_SECONDS) / math.sqrt(2))
    report.notes += [
        (
            f"Parts of {SHORT_SECONDS:g} s a model out of {LONG_SECONDS:g} s; tails: with rounds spread of "
            f"{TAIL_SECONDS:g} s, consecutive of {MIN_TAIL_SECONDS:g} s on the clock, against all long measurements. "
            f"The reference is an estimate too, and holds the part: of {SHORT_SECONDS:g} s a perfect interval would "
            f"reach {100 * expected:.1f} % or a little more."
        ),
        f"Launches: {SUBSETS} random subsets of five, which overlap; the interval of the rate ignores that.",
    ]
    report.print()


if __name__ == "__main__":
    main()
