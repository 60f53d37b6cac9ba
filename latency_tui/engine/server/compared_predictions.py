"""Compares predictions that must agree: under another interpreter, or with another batch size."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from latency_tui.engine.candidate.predictions import differing_rows
from latency_tui.engine.candidate_protocol import Predict, Predicted
from latency_tui.engine.environment_events import PredictionsCompared
from latency_tui.engine.protocol import Measure, MeasureSteps
from latency_tui.engine.server.channel import Channel
from latency_tui.engine.server.supervisor import CandidateLost, Supervisor

ROWS = 200
"""Rows whose predictions are compared."""
SECONDS = 1.0
"""Time after which no further prediction is made, per candidate."""


def compare_predictions(
    supervisor: Supervisor, channel: Channel, command: Measure | MeasureSteps, warm: Collection[str]
) -> None:
    """Ask candidates for predictions on the same rows, and send on how many rows they differ.

    Args:
        supervisor: Holds the candidates.
        channel: Events are sent through it.
        command: The measurement.
        warm: Slugs of the candidates that have been warmed up.

    Raises:
        JobStopped: The client wants the job to end.
    """
    pairs = {one: other for one, other in command.plan.prediction_pairs.items() if one in warm and other in warm}
    found: dict[str, Predicted] = {}
    for slug in dict.fromkeys(slug for pair in pairs.items() for slug in pair):
        timeout = command.plan.call_timeout + SECONDS
        with contextlib.suppress(CandidateLost):
            found[slug] = supervisor.ask(slug, Predict(rows=ROWS, seconds=SECONDS), Predicted, "warm-up", timeout)
    for slug, reference in pairs.items():
        if slug in found and reference in found and (compared := differing_rows(found[slug], found[reference])):
            rows, differing = compared
            channel.send(
                PredictionsCompared(
                    job=command.job, candidate=slug, reference=reference, rows=rows, differing=differing
                )
            )
