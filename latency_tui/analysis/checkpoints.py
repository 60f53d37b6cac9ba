"""Takes the checkpoint of a recording: what its result and samples do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latency_tui.analysis.candidate_record import CandidateRecord
from latency_tui.analysis.median_table import MedianTable
from latency_tui.result.checkpoint import CandidateCheckpoint, Checkpoint, Launch, LooksCheckpoint

if TYPE_CHECKING:
    from latency_tui.analysis.recorder import Recorder


def checkpoint_of(recording: Recorder) -> Checkpoint:
    """Return what a recording needs to be continued, besides the samples of its candidates."""
    race, conditions, looks = recording.race, recording.conditions, recording.looks
    return Checkpoint(
        asked=tuple(recording.asked),
        launches=tuple(
            Launch(
                number=number,
                planned=race.medians.planned(number),
                began_ns=began,
                ended_ns=ended,
                steal=conditions.steal.get(number),
                lost_cores=conditions.lost_cores.get(number, ()),
            )
            for number, (began, ended) in race.spans.items()
        ),
        round_launches=race.medians.launches.copy(),
        finished_rounds=race.finished.values.copy(),
        candidates=tuple(
            _candidate(entry, race.medians, is_control=entry is race.control) for entry in recording.everyone.values()
        ),
        looks=LooksCheckpoint(looks=looks.looks, due=looks.next, decided=tuple(looks.decided.values())),
        next_look=race.ask_again_at,
        environment=conditions.machine,
        cores=conditions.cores,
        timer_floor=conditions.timer_floor,
        load=conditions.load,
        refused_blocks=conditions.refused,
        inputs=recording.inputs,
        most_replicas=race.most_replicas,
        rounds_per_replica=race.rounds_per_replica,
        calls_per_long_block=race.calls_per_long_block,
    )


def _candidate(entry: CandidateRecord, medians: MedianTable, *, is_control: bool) -> CandidateCheckpoint:
    blocks = medians.columns(entry.position)
    return CandidateCheckpoint(
        slug=entry.candidate.slug,
        trained=entry.trained,
        failed=entry.failed,
        first_calls=tuple(entry.first_calls),
        cold_starts=tuple(entry.cold_starts),
        steady=entry.steady,
        received=entry.received,
        blocks=blocks,
        calls=entry.track.columns(blocks.rounds),
        samples=entry.track.excerpt(None).samples.astype(np.int64) if is_control else None,
    )
