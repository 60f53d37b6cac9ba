"""Recordings of earlier measurements: from a result, to be continued, or from the samples of one that was cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.sample_store import MOST_SAMPLES
from latency_tui.errors import UsageError
from latency_tui.result.checkpoint import CandidateCheckpoint
from latency_tui.result.result import CandidateResult, Result
from latency_tui.result.spool import Continued, KeptBlock, read

_NANOSECONDS = 1e9


def restore(path: Path, *, most_samples: int = MOST_SAMPLES) -> Recorder:
    """Return the recording of a measurement whose events are in a spool.

    Args:
        path: The spool.
        most_samples: How many samples are kept at the most, all candidates together.

    Raises:
        UsageError: The file cannot be read, or is no spool.
    """
    begun, events = read(path)
    recording = Recorder(begun.plan, most_samples=most_samples)
    recording.created_at = begun.created_at
    for event in events:
        if isinstance(event, Continued):
            if event.result is not None:
                recording = resume(event.result, most_samples=most_samples)
            recording.continue_with(event.more)
        elif isinstance(event, KeptBlock):
            recording.add_kept(event)
        else:
            recording.add(event)
    return recording


def resume(result: Result, *, most_samples: int = MOST_SAMPLES) -> Recorder:
    """Return the recording that a result was computed from, so that it can be continued.

    Args:
        result: A result with its samples.
        most_samples: How many samples are kept at the most, all candidates together.

    Raises:
        UsageError: It lacks its samples or what else a continuation needs, or these do not fit together.
    """
    begun = result.checkpoint
    if begun is None:
        raise UsageError(
            "it lacks the samples or the order of their blocks, as a result of --no-samples or of an earlier version "
            "does"
        )
    known_colours = {candidate.slug: candidate.colour for candidate in result.candidates if candidate.colour}
    recording = Recorder(result.plan, known_colours, most_samples=most_samples)
    recording.created_at = result.created_at
    begun.check(tuple(recording.everyone))
    results = {candidate.slug: candidate for candidate in result.candidates}
    for one in begun.candidates:
        entry = recording.everyone[one.slug]
        entry.trained, entry.failed, entry.received = one.trained, one.failed, one.received
        entry.first_calls, entry.cold_starts, entry.steady = [*one.first_calls], [*one.cold_starts], one.steady
        launches = begun.round_launches[one.blocks.rounds]
        entry.track.resume(one.calls, one.blocks, launches, _samples(one, results.get(one.slug)))
    recording.race.resume(begun)
    conditions, looks = recording.conditions, recording.looks
    conditions.machine, conditions.cores, conditions.refused = begun.environment, begun.cores, begun.refused_blocks
    conditions.timer_floor, conditions.load = begun.timer_floor, begun.load
    conditions.steal = {one.number: one.steal for one in begun.launches if one.steal is not None}
    conditions.lost_cores = {one.number: one.lost_cores for one in begun.launches if one.lost_cores}
    looks.decided = {(verdict.limit, verdict.candidate): verdict for verdict in begun.looks.decided}
    looks.looks, looks.next = begun.looks.looks, begun.looks.due
    recording.asked, recording.inputs = [*begun.asked], begun.inputs
    return recording


def _samples(one: CandidateCheckpoint, result: CandidateResult | None) -> NDArray[np.int64]:
    """Return the samples of a candidate in nanoseconds.

    Raises:
        UsageError: They are not as many as the blocks have.
    """
    if result is None:
        found = one.samples
    else:
        seconds = result.samples
        found = None if seconds is None else np.rint(seconds * _NANOSECONDS).astype(np.int64)
    found = np.empty(0, dtype=np.int64) if found is None else found
    if found.size != one.calls.kept.sum() or (found <= 0).any():
        raise UsageError("its samples and its blocks do not fit together")
    return found
