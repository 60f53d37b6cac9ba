"""Scores of a plan in real processes: sent with every measurement, and computed again if the plan has other metrics."""

from __future__ import annotations

import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import Measure, TrainingFinished
from latency_tui.engine.score_events import CandidateScored
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.plan.limits import parse_limit

LOGISTIC, LINEAR = (
    next(spec for spec in BUILTIN_MODELS if spec.name == name) for name in ("Logistic Regression", "Linear SVM")
)


def plan_of(metric: str | None, *limits: str) -> Plan:
    return Plan(
        candidates=(Candidate(model=LOGISTIC), Candidate(model=LINEAR)),
        runs=2,
        metric=metric,
        limits=tuple(parse_limit(limit) for limit in limits),
        pinning="none",
    )


@pytest.mark.slow
async def test_another_metric_is_computed_without_training_again() -> None:
    plans = (plan_of(None), plan_of(None), plan_of("log_loss", "accuracy > 0.5"))
    trained, scored = [], []
    async with Engine() as engine:
        for number, plan in enumerate(plans):
            events = [event async for event in engine.run(Measure(job=str(number), plan=plan))]
            trained.append(sum(isinstance(event, TrainingFinished) for event in events))
            scored.append({e.candidate: e for e in events if isinstance(e, CandidateScored)})
    assert trained == [2, 0, 0]
    assert [set(found) for found in scored] == [{"logistic-regression", "linear-svm"}] * 3
    assert [score.metric for score in scored[0]["logistic-regression"].scores] == ["accuracy"]
    assert scored[0]["linear-svm"].scores == scored[1]["linear-svm"].scores
    loss, accuracy = scored[2]["logistic-regression"].scores
    assert (loss.metric, accuracy.metric) == ("log_loss", "accuracy")
    assert accuracy.value == scored[0]["logistic-regression"].scores[0].value
    refused = scored[2]["linear-svm"].scores[0]
    assert refused.value is None
    assert refused.problem == "log_loss needs probabilities, and the model does not return any"
    one, two = (found.scores[1] for found in scored[2].values())
    assert one.targets == two.targets
    assert len(one.resampled) == len(two.resampled) == 8000
