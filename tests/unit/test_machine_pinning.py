"""Keeping a process on cores that may be taken away while it measures."""

from __future__ import annotations

import os

import pytest

from latency_tui.engine import machine


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process on a core")
def test_a_core_that_was_taken_away_leaves_the_process_where_it_is() -> None:
    before = os.sched_getaffinity(0)
    machine.pin((1023,))
    assert os.sched_getaffinity(0) == before
