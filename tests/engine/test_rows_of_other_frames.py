"""Rows of any data frame that a caller hands over are taken in the kind that they come in."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest

from latency_tui.engine.data.rows import batches, count_rows, describe, is_frame, is_series, take

COLUMNS = {"a": [1.5, 2.5, 3.5], "b": ["x", "y", "z"]}


@pytest.mark.parametrize("frame", [polars.DataFrame(COLUMNS), pyarrow.table(COLUMNS)])
def test_rows_of_polars_and_arrow_keep_their_kind_and_values(frame: Any) -> None:
    taken = take(frame, np.array([2, 0]))
    assert type(taken) is type(frame)
    assert {name: list(map(str, taken[name].to_numpy())) for name in COLUMNS} == {"a": ["3.5", "1.5"], "b": ["z", "x"]}
    assert [count_rows(one) for one in batches(frame, 2, 0)][:2] == [2, 2]


def test_only_pandas_frames_and_series_count_as_such() -> None:
    class Indexed:
        iloc, columns, dtype = (), (), "O"

    frame = pandas.DataFrame({"a": [1.0, 2.0]})
    assert [is_frame(rows) for rows in (frame, frame["a"], Indexed(), frame.to_numpy())] == [True, False, False, False]
    assert [is_series(rows) for rows in (frame, frame["a"], Indexed(), frame.to_numpy())] == [False, True, False, False]
    assert [describe(rows, 2).kind for rows in (frame, frame["a"])] == ["data frame", "series"]


def test_rows_that_are_arrays_load_neither_pandas_nor_narwhals() -> None:
    program = (
        "import sys, numpy; from latency_tui.engine.data.rows import describe, take; rows = numpy.eye(2)\n"
        "take(rows, [1]), describe(rows, 2); print({'pandas', 'narwhals'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"
