"""The latencies of single calls, grouped by process, for formats that contain them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.errors import NothingToExportError
from latency_tui.result.json_arrays import encode_array

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

Latencies = NDArray[np.float64]


def candidates_with_calls(result: Result, report_format: str) -> list[tuple[CandidateResult, Latencies]]:
    """Return the candidates that did not fail, each with its latencies in the order measured, `(n_samples,)` seconds.

    Args:
        result: The result.
        report_format: The format that needs them, for the message.

    Raises:
        NothingToExportError: No candidate was measured, or the result has no samples.
    """
    measured = [one for one in result.candidates if one.status == "measured" and one.statistics is not None]
    if not measured:
        raise NothingToExportError(f"No model was measured, so that there is nothing to write as {report_format}.")
    found = [(one, one.samples) for one in measured if one.samples is not None and one.samples.size]
    if not found:
        raise NothingToExportError(
            f"The result has no samples, which {report_format} needs; measure again without --no-samples."
        )
    return [(one, samples) for one, samples in found]


def split_processes(result: Result, candidate: CandidateResult, samples: Latencies) -> list[Latencies]:
    """Return the latencies of each process of a candidate, `(n,)` seconds each and in the order of their first calls.

    Without a checkpoint the processes are unknown, so launches are used instead.
    """
    checkpoint = result.checkpoint
    kept = next((one for one in checkpoint.candidates if one.slug == candidate.slug), None) if checkpoint else None
    if checkpoint is None or kept is None or kept.calls.kept.sum() != samples.size:
        return [part for part in np.split(samples, candidate.launches[1:]) if part.size]
    launches = checkpoint.round_launches[kept.blocks.rounds]
    blocks = np.split(samples, np.cumsum(kept.calls.kept)[:-1])
    processes: dict[tuple[int, int], list[Latencies]] = {}
    for launch, replica, block in zip(launches.tolist(), kept.blocks.replicas.tolist(), blocks, strict=True):
        if block.size:
            processes.setdefault((launch, replica), []).append(block)
    return [np.concatenate(parts) for parts in processes.values()]


def number_calls(starts: tuple[int, ...], count: int) -> NDArray[np.int64]:
    """Return for each call the index of the round or launch to which it belongs, `(count,)`.

    Args:
        starts: Index of the first call of each round or launch.
        count: Number of calls.
    """
    return np.searchsorted(np.asarray(starts or (0,), dtype=np.int64), np.arange(count), side="right") - 1


def json_pieces(document: object, *, indent: int | None = None) -> Iterator[str]:
    """Yield a document as JSON and a newline, in pieces, so that millions of samples are never in memory as text.

    Args:
        document: Dictionaries, lists, strings, numbers, and arrays of numbers, each of which is written on one line.
        indent: Indentation; None for none.
    """
    mark, rows = uuid.uuid4().hex, list[NDArray[Any]]()

    def encode_as_mark(row: NDArray[Any]) -> str:
        rows.append(row)
        return mark

    first, *others = json.dumps(document, indent=indent, default=encode_as_mark).split(f'"{mark}"')
    yield first
    for row, after in zip(rows, others, strict=True):
        yield from encode_array(row)
        yield after
    yield "\n"
