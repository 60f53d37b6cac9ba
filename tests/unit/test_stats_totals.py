from __future__ import annotations

import numpy as np
import pytest

from latency_tui.stats.samples import validate_latencies, validate_starts
from latency_tui.stats.totals import Totals, compute_totals


def test_merged_totals_are_those_of_all_samples() -> None:
    random = np.random.default_rng(1)
    samples = random.integers(50_000, 5_000_000, 10_000)
    running = Totals()
    for part in np.array_split(samples, 317):
        running = running.merged(compute_totals(part))
    assert running.count == samples.size
    assert running.mean == pytest.approx(samples.mean(), rel=1e-12)
    assert running.std == pytest.approx(samples.std(ddof=1), rel=1e-12)
    assert (running.min, running.max) == (samples.min(), samples.max())
    assert running.total == pytest.approx(samples.sum())


def test_the_deviation_survives_a_large_mean() -> None:
    samples = np.array([10**15, 10**15 + 1, 10**15 + 2])
    assert compute_totals(samples[:1]).merged(compute_totals(samples[1:])).std == pytest.approx(1.0)


def test_totals_of_no_sample_and_of_one() -> None:
    assert compute_totals([]) == Totals()
    assert compute_totals([7]).std == 0
    assert Totals().merged(compute_totals([7])) == compute_totals([7]) == compute_totals([7]).merged(Totals())


@pytest.mark.parametrize("bad", [[5, 0], [5, -3], [5.0, float("nan")], [float("inf")], ["a"], [[1, 2]], [True]])
def test_invalid_latencies_are_refused_with_a_sentence(bad: list[object]) -> None:
    with pytest.raises(ValueError, match=r"[Ll]atenc.*\."):
        validate_latencies(bad)  # type: ignore[arg-type]  # rubbish on purpose


@pytest.mark.parametrize("bad", [[], [1, 2], [0, 2, 2], [0, 5], [0, 3, 1], [[0]]])
def test_invalid_starts_of_rounds_are_refused(bad: list[object]) -> None:
    with pytest.raises(ValueError, match="rounds"):
        validate_starts(bad, 5)  # type: ignore[arg-type]  # rubbish on purpose
