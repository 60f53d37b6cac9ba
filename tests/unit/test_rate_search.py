"""The search for the highest request rate, without a clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latency_tui.stats.rate_search import MAX_DOUBLINGS, MAX_HALVINGS, RESOLUTION, RateSearch


def run(search: RateSearch, highest: float) -> list[float]:
    """Answer that every rate up to `highest` passes; return the rates that were tried."""
    tried = []
    while (rate := search.rate) is not None:
        tried.append(rate)
        search.add(passes=rate <= highest)
        assert len(tried) < 30
    return tried


@given(st.floats(0.5, 1e5), st.floats(0.03, 12))
def test_the_search_ends_within_five_per_cent_of_the_highest_rate(start: float, factor: float) -> None:
    search = RateSearch(start)
    tried = run(search, start * factor)
    assert search.passes is not None
    assert search.fails is not None
    assert search.passes <= start * factor < search.fails
    assert search.fails <= search.passes * (1 + RESOLUTION) * 1.005
    assert len(tried) <= 14
    assert len(set(tried)) == len(tried), "no rate is tried twice"


def test_it_begins_at_the_capacity_and_halves_or_doubles() -> None:
    assert run(RateSearch(1000), 300)[:3] == [1000, 500, 250]
    assert run(RateSearch(1000), 3000)[:4] == [1000, 2000, 4000, 2830]


def test_it_gives_up_where_no_rate_passes_or_none_fails() -> None:
    none, all_ = RateSearch(1000), RateSearch(1000)
    assert len(run(none, 0)) == MAX_HALVINGS + 1
    assert none.passes is None
    assert len(run(all_, 1e9)) == MAX_DOUBLINGS + 1
    assert all_.fails is None


def test_it_ends_at_once_if_the_service_time_alone_breaks_the_limit() -> None:
    search = RateSearch(200)
    search.add(passes=False, is_hopeless=True)
    assert search.rate is None
    assert search.fails == 200
    with pytest.raises(ValueError, match="ended"):
        search.add(passes=True)


def test_the_number_of_remaining_rates_falls_to_none() -> None:
    search, left = RateSearch(1000), []
    while (rate := search.rate) is not None:
        left.append(search.remaining)
        search.add(passes=rate <= 640)
    assert search.remaining == 0
    assert left[-1] == 1
