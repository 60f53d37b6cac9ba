"""Formats the calls of a result as Parquet: one row per call; the rest of the result is in the metadata of the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from latency_tui.errors import UsageError
from latency_tui.report.call_samples import candidates_with_calls, number_calls

if TYPE_CHECKING:
    from latency_tui.report.call_samples import Latencies
    from latency_tui.result.result import CandidateResult, Result

METADATA_KEY = "latency-tui"
"""Key of the file metadata whose value is the result without samples, as JSON."""


def check_parquet() -> None:
    """Check that Parquet can be written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    _pyarrow()


def call_columns(result: Result, report_format: str) -> dict[str, Any]:  # Any: arrays of several types
    """Return the calls of all candidates that did not fail as columns: `candidate`, `launch`, `round`, `seconds`.

    In a request mix there is also `batch_size`, and in a sweep `sweep_NAME`, the value of each swept setting.

    The candidate is an index of `called_candidates`.

    Args:
        result: The result.
        report_format: Name of the format, for the message.

    Raises:
        UsageError: No candidate was measured, or the result has no samples.
    """
    found = candidates_with_calls(result, report_format)
    sizes = [samples.size for _, samples in found]
    rows = [one.batch_sizes for one, _ in found if one.batch_sizes is not None]
    mixed = {"batch_size": np.concatenate(rows)} if [one.size for one in rows] == sizes else {}
    return {
        "candidate": np.repeat(np.arange(len(found), dtype=np.int32), sizes),
        "launch": np.concatenate([number_calls(one.launches, samples.size) for one, samples in found]),
        "round": np.concatenate([number_calls(one.rounds, samples.size) for one, samples in found]),
        "seconds": np.concatenate([samples for _, samples in found]),
        **mixed,
        **_sweep_columns(result, found),
    }


def _sweep_columns(result: Result, found: list[tuple[CandidateResult, Latencies]]) -> dict[str, Any]:
    """Return the value of each swept setting per call: numbers, or texts if a value is none."""
    settings = {one.slug: one.settings for one in result.plan.candidates}
    columns = {}
    for name in result.plan.swept:
        values = [settings.get(one.slug, {}).get(name) for one, _ in found]
        numbers = all(isinstance(value, int | float) for value in values)
        cells = np.array(values) if numbers else np.array([str(value) for value in values], dtype=object)
        columns[f"sweep_{name}"] = np.repeat(cells, [samples.size for _, samples in found])
    return columns


def called_candidates(result: Result, report_format: str) -> list[str]:
    """Return the slugs of the candidates whose calls `call_columns` returns."""
    return [one.slug for one, _ in candidates_with_calls(result, report_format)]


def render_parquet(result: Result) -> bytes:
    """Return a Parquet file of all calls of the candidates that did not fail.

    Raises:
        UsageError: No candidate was measured, the result has no samples, or pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    columns = call_columns(result, "parquet")
    names = called_candidates(result, "parquet")
    columns["candidate"] = pyarrow.DictionaryArray.from_arrays(columns["candidate"], pyarrow.array(names))
    table = pyarrow.table(columns).replace_schema_metadata({METADATA_KEY: result.to_json(samples=False)})
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _pyarrow() -> Any:  # Any: pyarrow has no types
    try:
        import pyarrow  # deferred: optional, and takes 0.2 s
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed: pip install 'latency-tui[data]', or write CSV."
        ) from error
    return pyarrow
