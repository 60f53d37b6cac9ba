from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latency_tui.stats.multiplicity import compact_letters, holm


def test_holm_reproduces_a_published_example() -> None:
    """Four p-values: 0.01, 0.04, 0.03 and 0.005 become 0.03, 0.06, 0.06 and 0.02."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_counts_a_missing_p_value_as_one() -> None:
    assert holm([0.01, float("nan")]) == pytest.approx([0.02, 1.0])
    assert holm([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= np.minimum(np.array(p) * len(p), 1) + 1e-12).all()


def test_letters_of_a_chain_overlap() -> None:
    """The ends differ, the middle could be either: the classical picture."""
    assert compact_letters(3, lambda i, j: (i, j) == (0, 2)) == ("a", "ab", "b")


def test_letters_if_all_or_no_pairs_differ() -> None:
    assert compact_letters(4, lambda _i, _j: True) == ("a", "b", "c", "d")
    assert compact_letters(4, lambda _i, _j: False) == ("a", "a", "a", "a")
    assert compact_letters(1, lambda _i, _j: True) == ("a",)
    assert compact_letters(0, lambda _i, _j: True) == ()


@settings(max_examples=200)
@given(st.integers(2, 7), st.data())
def test_two_items_share_a_letter_exactly_if_they_do_not_differ(count: int, data: st.DataObject) -> None:
    apart = {pair for pair in combinations(range(count), 2) if data.draw(st.booleans())}
    shown = compact_letters(count, lambda i, j: (i, j) in apart)
    for i, j in combinations(range(count), 2):
        assert bool(set(shown[i]) & set(shown[j])) == ((i, j) not in apart)
    assert "a" in shown[0]
