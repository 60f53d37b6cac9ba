"""Rows of any data frame that a caller hands over are taken in the kind that they come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars
import pyarrow
import pytest

from latency_tui.engine.data.rows import batches, count_rows, take

COLUMNS = {"a": [1.5, 2.5, 3.5], "b": ["x", "y", "z"]}


@pytest.mark.parametrize("frame", [polars.DataFrame(COLUMNS), pyarrow.table(COLUMNS)])
def test_rows_of_polars_and_arrow_keep_their_kind_and_values(frame: Any) -> None:
    taken = take(frame, np.array([2, 0]))
    assert type(taken) is type(frame)
    assert {name: list(map(str, taken[name].to_numpy())) for name in COLUMNS} == {"a": ["3.5", "1.5"], "b": ["z", "x"]}
    assert [count_rows(one) for one in batches(frame, 2, 0)][:2] == [2, 2]
