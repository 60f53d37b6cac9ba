"""What is measured agrees with a plain loop around the library itself; the benchmark of that name has the figures."""

from __future__ import annotations

import pytest

from tests.benchmarks.plain_loop import ratio

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "kind", ["scikit-learn, texts", "ONNX, an input per column", "LightGBM", "CatBoost", "XGBoost"]
)
def test_the_median_is_that_of_a_plain_loop(kind: str) -> None:
    """The lowest of three on either side, so that other work on the machine matters little."""
    ours, plain = ratio(kind, pairs=3, runs=200)
    assert 0.5 < ours / plain < 2
