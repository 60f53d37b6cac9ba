"""Restores recordings: from a result, to continue it, or from the journal of an unfinished measurement."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.journal import Begun, Continued, Entry, KeptBlock
from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.sample_buffer import MAX_SAMPLES
from latency_tui.errors import UsageError
from latency_tui.result.checkpoint import CandidateCheckpoint
from latency_tui.result.result import CandidateResult, Result

_NANOSECONDS = 1e9


def restore(result: Result | None, entries: Iterable[Entry], *, max_samples: int = MAX_SAMPLES) -> Recorder:
    """Return the recording of an unfinished measurement.

    Args:
        result: The result that it continued; None if it was a new one.
        entries: Its journal.
        max_samples: Largest number of samples kept, over all candidates.

    Raises:
        UsageError: The journal is incomplete, or the result cannot be continued.
    """
    recording = None if result is None else resume(result, max_samples=max_samples)
    for entry in entries:
        if isinstance(entry, Begun):
            if recording is None:
                recording = Recorder(entry.plan, max_samples=max_samples)
                recording.created_at = entry.created_at
        elif recording is None:
            break
        elif isinstance(entry, Continued):
            recording.continue_with(entry.more)
        elif isinstance(entry, KeptBlock):
            recording.add_kept(entry)
        else:
            recording.add(entry)
    if recording is None:
        raise UsageError("its beginning is missing")
    return recording


def resume(result: Result, *, max_samples: int = MAX_SAMPLES) -> Recorder:
    """Return the recording from which a result was computed, to continue it.

    Args:
        result: A result with its samples.
        max_samples: Largest number of samples kept, over all candidates.

    Raises:
        UsageError: The result lacks its samples or its checkpoint, or they do not match.
    """
    begun = result.checkpoint
    if begun is None:
        raise UsageError(
            "it lacks the samples or the order of their blocks: it was saved with --no-samples or by an earlier version"
        )
    known_colours = {candidate.slug: candidate.colour for candidate in result.candidates if candidate.colour}
    recording = Recorder(result.plan, known_colours, max_samples=max_samples)
    recording.created_at = result.created_at
    recording.load.earlier, recording.load.earlier_offline = (result.load, result.highest_rates), result.offline
    begun.check(tuple(recording.records))
    results = {candidate.slug: candidate for candidate in result.candidates}
    for one in begun.candidates:
        record = recording.records[one.slug]
        record.trained, record.failed, record.received = one.trained, one.failed, one.received
        record.scored = one.scored
        record.versions, record.predictions = one.versions, one.predictions
        record.steps = [*one.steps]
        record.first_calls, record.cold_starts, record.steady = [*one.first_calls], [*one.cold_starts], one.steady
        launches = begun.round_launches[one.blocks.rounds]
        samples = _samples(one, results.get(one.slug))
        record.buffer.resume(
            one.calls, one.blocks, launches, samples, _batch_sizes(one, results.get(one.slug), recording)
        )
    recording.comparer.resume(begun)
    noise, interim = recording.noise_recorder, recording.limit_judge.interim
    noise.machine, noise.cores, noise.refused = begun.environment, begun.cores, begun.refused_blocks
    noise.timer_floor, noise.load = begun.timer_floor, begun.load
    noise.steal = {one.number: one.steal for one in begun.launches if one.steal is not None}
    noise.lost_cores = {one.number: one.lost_cores for one in begun.launches if one.lost_cores}
    interim.decided = {(verdict.limit, verdict.candidate): verdict for verdict in begun.interim.decided}
    interim.count, interim.next = begun.interim.count, begun.interim.due
    recording.asked, recording.inputs = [*begun.asked], begun.inputs
    recording.working_tree = result.working_tree
    return recording


def _samples(one: CandidateCheckpoint, result: CandidateResult | None) -> NDArray[np.int64]:
    """Return the samples of a candidate in nanoseconds.

    Raises:
        UsageError: Their number differs from that of the blocks.
    """
    if result is None:
        found = one.samples
    else:
        seconds = result.samples
        found = None if seconds is None else np.rint(seconds * _NANOSECONDS).astype(np.int64)
    found = np.empty(0, dtype=np.int64) if found is None else found
    if found.size != one.calls.kept.sum() or (found <= 0).any():
        raise UsageError("its samples do not match its blocks")
    return found


def _batch_sizes(one: CandidateCheckpoint, result: CandidateResult | None, recording: Recorder) -> NDArray[np.int64]:
    """Return the batch sizes of the samples of a candidate; empty if there is no request mix.

    Raises:
        UsageError: They do not belong to the mix, or their number differs from that of the samples.
    """
    if recording.mix is None:
        return np.empty(0, dtype=np.int64)
    stored = one.batch_sizes if result is None else result.batch_sizes
    found = np.empty(0, dtype=np.int64) if stored is None else stored
    classes = len(recording.mix.classes)
    try:
        recording.mix.classify(found)
    except ValueError:
        found = found[:0]
    if found.size != one.calls.kept.sum() or {*map(len, msgspec.structs.astuple(one.calls.classes))} not in (
        {0},
        {classes},
    ):
        raise UsageError("its batch sizes do not match its samples")
    return found
