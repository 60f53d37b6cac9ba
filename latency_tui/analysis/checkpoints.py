"""Creates the checkpoint of a recording: the state that a continuation needs in addition to the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latency_tui.analysis.candidate_record import CandidateRecord
from latency_tui.analysis.median_table import MedianTable
from latency_tui.result.checkpoint import CandidateCheckpoint, Checkpoint, InterimCheckpoint, Launch

if TYPE_CHECKING:
    from latency_tui.analysis.recorder import Recorder


def checkpoint_of(recording: Recorder) -> Checkpoint:
    """Return the state that is needed to continue a recording, in addition to the samples of its candidates."""
    comparer, noise, interim = recording.comparer, recording.noise_recorder, recording.limit_judge.interim
    return Checkpoint(
        asked=tuple(recording.asked),
        launches=tuple(
            Launch(
                number=number,
                planned=comparer.medians.planned(number),
                began_ns=began,
                ended_ns=ended,
                steal=noise.steal.get(number),
                lost_cores=noise.lost_cores.get(number, ()),
            )
            for number, (began, ended) in comparer.spans.items()
        ),
        round_launches=comparer.medians.launches.copy(),
        finished_rounds=comparer.finished.values.copy(),
        candidates=tuple(
            _candidate(record, comparer.medians, is_control=record is comparer.control)
            for record in recording.records.values()
        ),
        interim=InterimCheckpoint(count=interim.count, due=interim.next, decided=tuple(interim.decided.values())),
        next_look=comparer.next_check,
        environment=noise.machine,
        cores=noise.cores,
        timer_floor=noise.timer_floor,
        load=noise.load,
        refused_blocks=noise.refused,
        inputs=recording.inputs,
        max_replicas=comparer.max_replicas,
        rounds_per_replica=comparer.rounds_per_replica,
        calls_per_long_block=comparer.calls_per_long_block,
    )


def _candidate(record: CandidateRecord, medians: MedianTable, *, is_control: bool) -> CandidateCheckpoint:
    blocks = medians.columns(record.position)
    return CandidateCheckpoint(
        slug=record.candidate.slug,
        trained=record.trained,
        scored=record.scored,
        failed=record.failed,
        first_calls=tuple(record.first_calls),
        cold_starts=tuple(record.cold_starts),
        steps=tuple(record.steps),
        steady=record.steady,
        received=record.received,
        versions=record.versions,
        predictions=record.predictions,
        blocks=blocks,
        calls=record.buffer.columns(blocks.rounds),
        samples=record.buffer.subsample(None).samples.astype(np.int64) if is_control else None,
        batch_sizes=record.buffer.batch_sizes.copy() if is_control and record.buffer.batch_sizes.size else None,
    )
