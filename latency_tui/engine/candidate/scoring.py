"""Scores a model by metrics of scikit-learn, on the test rows and on seeded resamples of them. Never timed.

Runs only in a candidate's process. A mean over rows, such as accuracy, is computed with numpy; every other metric by
the scorer of scikit-learn, which gets the stored outputs of the model instead of the model.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.candidate.error_messages import extract_cause
from latency_tui.engine.candidate.model_outputs import ModelOutputs
from latency_tui.engine.score_events import MetricScore
from latency_tui.plan.metrics import (
    CLASSIFICATION_SCORERS,
    CLUSTERING_SCORERS,
    OWN_SCORE,
    REGRESSION_SCORERS,
    is_greater_better,
    scorer_of,
)
from latency_tui.stats.bootstrap import MAX_RESAMPLES, MAX_ROWS, resamples, rescaled
from latency_tui.stats.resampled_metrics import area_under_roc, confusion_matrices, label_metric

_SCORER_RESAMPLES = 500
"""Resamples that a scorer of scikit-learn scores; each takes milliseconds."""
_MAX_SECONDS = 3.0
"""Time after which no further resample is scored, such as by a metric over all pairs of a hundred classes."""
_BATCH_ROWS, _BATCH_RESAMPLES = 1_000_000, 50
"""Most rows, and most resamples, that are scored at once."""
_MAX_CLASSES = 50
"""Most classes for which confusion matrices of many resamples are computed at once."""
_WITHOUT_INTERVAL = ("neg_max_error",)
"""The largest error of a resample is never larger than that of all rows, so resamples do not show how it varies."""
_NEEDS_PROBABILITIES = ("neg_log_loss", "neg_brier_score", "d2_log_loss_score", "d2_brier_score")
_NEEDS_DECISIONS = ("roc_auc", "average_precision", "top_k_accuracy")
_TWO_CLASSES = {
    "f1": "f1_macro, f1_micro or f1_weighted",
    "jaccard": "jaccard_macro, jaccard_micro or jaccard_weighted",
    "precision": "precision_macro, precision_micro or precision_weighted",
    "recall": "recall_macro, recall_micro or recall_weighted",
    "roc_auc": "roc_auc_ovr or roc_auc_ovo",
    "positive_likelihood_ratio": "balanced_accuracy",
    "neg_negative_likelihood_ratio": "balanced_accuracy",
}
"""Metrics of two classes, and those to use if there are more."""
_ROOTS = ("neg_root_mean_squared_error",)
_FLOOR = float(np.finfo(np.float64).eps)

RowScores = NDArray[np.float64]


class NotScoredError(Exception):
    """A metric does not fit; the message says why, in a few words."""


def score_outputs(found: ModelOutputs, metrics: Sequence[str], seed: int) -> tuple[MetricScore, ...]:
    """Return the score of a model by each metric; one that does not fit has a problem instead of a value.

    Args:
        found: The outputs of the model, and the targets.
        metrics: Names of metrics; empty for the default of the task.
        seed: Seed of the resamples.
    """
    return tuple(_score(found, metric, seed) for metric in metrics)


def _score(found: ModelOutputs, asked: str, seed: int) -> MetricScore:
    metric = asked
    try:
        metric = asked or _default_metric(found)
        if metric == OWN_SCORE:
            value = float(found.model.score(found.rows, found.targets))
            return MetricScore(metric=metric, asked=asked, value=value, rows=len(found.targets))
        if not metric:
            return MetricScore(metric="", asked=asked)
        return _measure(found, metric, asked, seed)
    except NotScoredError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 (such as labels of another type; the latency can still be measured)
        problem = extract_cause(error) or type(error).__name__
    return MetricScore(metric=metric, asked=asked, problem=problem)


def _default_metric(found: ModelOutputs) -> str:
    """Return the metric of the task: accuracy of classes, R² of numbers, or the model's own score.

    Empty for a model of an unknown task whose outputs cannot be compared with the targets.
    """
    kind = found.is_classifier
    if kind is None and callable(getattr(found.model, "score", None)):
        return OWN_SCORE
    if kind is None:
        if not (callable(found.model) or callable(getattr(found.model, "predict", None))):
            return ""
        answers, targets = found.labels(), found.targets
        alike = answers.shape == targets.shape and _is_text(answers) == _is_text(targets)
        if not alike or (_has_fractions(answers) and not _has_fractions(targets)):
            return ""
        kind = not _has_fractions(targets)
    return "accuracy" if kind else "r2"


def _measure(found: ModelOutputs, metric: str, asked: str, seed: int) -> MetricScore:
    scorer = scorer_of(metric)
    _check_task(found, metric, scorer)
    answers = found.labels()
    targets = found.targets[: len(answers)]
    row_scores = _row_scores(found, scorer, answers, targets)
    rows = len(targets)
    combine = _combiner(scorer, row_scores) if row_scores is not None else _scorer(found, metric, scorer, targets)
    value = combine(np.arange(rows))
    if not np.isfinite(value):
        raise NotScoredError(f"{metric} is not defined for these rows")
    sign = 1.0 if is_greater_better(metric) else -1.0
    scores, drawn = np.empty(0), min(rows, MAX_ROWS)
    if scorer not in _WITHOUT_INTERVAL and rows > 1:
        quick = None if row_scores is not None else _quick_metric(found, scorer, answers, targets)
        count = _SCORER_RESAMPLES if row_scores is None and quick is None else MAX_RESAMPLES
        scores = rescaled(_resampled(quick or _one_by_one(combine), rows, count, seed), value, drawn, rows)
    return MetricScore(
        metric=metric,
        asked=asked,
        value=sign * value + 0.0,  # not -0.0
        rows=rows,
        effective_rows=_effective_rows(scorer, targets),
        targets=_digest(targets),
        resampled=np.asarray(sign * scores, dtype="<f8").tobytes(),
        resampled_rows=drawn if scores.size else 0,
    )


def _resampled(score: Callable[[Any], RowScores], rows: int, count: int, seed: int) -> RowScores:
    """Return the score on each resample, NaN if it has none; fewer resamples if the time is over."""
    end, size = time.monotonic() + _MAX_SECONDS, max(_BATCH_ROWS // min(rows, MAX_ROWS), 1)
    indices, found = resamples(rows, count, seed), list[RowScores]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of resamples that lack a class
        while (batch := [*islice(indices, min(size, _BATCH_RESAMPLES))]) and time.monotonic() < end:
            found.append(score(np.asarray(batch)))
    return np.concatenate(found)


def _one_by_one(combine: Callable[[Any], float]) -> Callable[[Any], RowScores]:
    """Return the function that scores several resamples one after the other; NaN if a resample has no score."""

    def score(indices: Any) -> RowScores:
        found = []
        for index in indices:
            try:
                found.append(combine(index))
            except ValueError:
                found.append(float("nan"))
        return np.asarray(found)

    return score


def _quick_metric(found: ModelOutputs, scorer: str, answers: Any, targets: Any) -> Callable[[Any], RowScores] | None:
    """Return the function that scores many resamples at once, for metrics of labels and for the area under the ROC."""
    if np.ndim(targets) != 1 or np.ndim(answers) != 1 or (classes := _classes(targets)) is None:
        return None
    if scorer == "roc_auc":
        values, chances = found.decisions(), found.probabilities()
        if values is None or values.ndim > 1:
            values = chances[:, 1]
        positives = targets == classes[0][-1]
        return lambda indices: area_under_roc(values[: len(targets)], positives, indices)
    known, numbers = np.unique(np.concatenate((targets, answers)), return_inverse=True)
    actual, predicted, count = numbers[: len(targets)], numbers[len(targets) :], len(known)
    positive = known.tolist().index(1) if 1 in known.tolist() else 0
    if count > _MAX_CLASSES or label_metric(scorer, np.ones((1, count, count), np.int64), positive) is None:
        return None

    def score(indices: Any) -> RowScores:
        matrices = confusion_matrices(actual[indices], predicted[indices], count)
        return np.asarray(label_metric(scorer, matrices, positive))

    return score


def _effective_rows(scorer: str, targets: Any) -> float:
    """Return the number of rows of a share of rows that varies as much as the score; 0 if there are no classes.

    A mean over classes of shares of n₁, n₂, … rows varies like a share of k² / (1/n₁ + 1/n₂ + …) rows.
    """
    if scorer in REGRESSION_SCORERS or (classes := _classes(targets)) is None:
        return 0.0
    names, counts = classes
    if scorer == "accuracy" or scorer.endswith(("_micro", "_weighted")):
        return float(len(targets))
    if scorer in ("f1", "precision", "recall", "jaccard"):
        return float(counts[names.tolist().index(1)])
    return float(len(counts) ** 2 / (1 / counts).sum())


def _check_task(found: ModelOutputs, metric: str, scorer: str) -> None:
    """Check that a metric fits the task, the outputs and the classes.

    Raises:
        NotScoredError: It does not.
    """
    kind, targets = found.is_classifier, found.targets
    if scorer in REGRESSION_SCORERS and (kind or _is_text(targets)):
        raise NotScoredError(f"{metric} is a metric of regression, and the model predicts classes")
    if scorer in CLUSTERING_SCORERS and (kind is False or _has_fractions(targets)):
        raise NotScoredError(f"{metric} is a metric of labels, and the model predicts numbers")
    if scorer in CLASSIFICATION_SCORERS and (kind is False or (kind is None and _has_fractions(targets))):
        raise NotScoredError(f"{metric} is a metric of classification, and the model predicts numbers")
    if (classes := _classes(targets)) is None or scorer not in CLASSIFICATION_SCORERS:
        return
    if scorer in _TWO_CLASSES and len(classes[0]) > 2:
        raise NotScoredError(
            f"{metric} is for two classes, and there are {len(classes[0]):,}; use {_TWO_CLASSES[scorer]}"
        )
    if scorer in _TWO_CLASSES and scorer != "roc_auc" and 1 not in classes[0].tolist():
        names = " and ".join(map(str, classes[0].tolist()))
        raise NotScoredError(f"{metric} needs a class 1, and the classes are {names}; use {_TWO_CLASSES[scorer]}")
    needs_more = scorer in _NEEDS_DECISIONS or scorer.startswith("roc_auc")
    if scorer in _NEEDS_PROBABILITIES or scorer.startswith("roc_auc_"):
        if found.probabilities() is None:
            raise NotScoredError(f"{metric} needs probabilities, and the model does not return any")
    elif needs_more and found.decisions() is None and found.probabilities() is None:
        raise NotScoredError(f"{metric} needs probabilities or decision values, and the model returns neither")


def _row_scores(found: ModelOutputs, scorer: str, answers: Any, targets: Any) -> RowScores | None:
    """Return the score of each row if the metric is a mean over rows, or R²; None for other metrics."""
    if np.ndim(targets) != 1 or np.ndim(answers) != 1:
        return None
    if scorer in CLASSIFICATION_SCORERS and _is_text(answers) != _is_text(targets):
        given, wanted = ("texts", "numbers") if _is_text(answers) else ("numbers", "texts")
        raise NotScoredError(f"the model predicts {given}, and the targets are {wanted}")
    match scorer:
        case "accuracy":
            if _has_fractions(answers):
                raise NotScoredError("the model predicts numbers with fractions, which are no labels")
            return np.asarray(answers == targets, dtype=np.float64)
        case "neg_log_loss":
            probabilities = found.probabilities()[: len(targets)]
            classes = found.classes(probabilities.shape[1])
            if classes is None or not np.isin(targets, classes).all():
                raise NotScoredError("the classes of the model's probabilities are unknown")
            chosen = np.argmax(np.asarray(targets)[:, None] == classes[None, :], axis=1)
            picked = probabilities[np.arange(len(targets)), chosen].astype(np.float64)
            return np.asarray(np.log(np.clip(picked, _FLOOR, 1.0)))
        case "neg_mean_absolute_error":
            return np.asarray(-np.abs(_difference(answers, targets)))
        case "neg_mean_squared_error" | "neg_root_mean_squared_error":
            return np.asarray(-np.square(_difference(answers, targets)))
        case "neg_mean_absolute_percentage_error":
            size = np.maximum(np.abs(np.asarray(targets, float)), _FLOOR)
            return np.asarray(-np.abs(_difference(answers, targets)) / size)
        case "r2":
            return np.column_stack((np.square(_difference(answers, targets)), np.asarray(targets, float)))
    return None


def _difference(answers: Any, targets: Any) -> RowScores:
    return np.asarray(np.subtract(answers, targets, dtype=np.float64))


def _combiner(scorer: str, rows: RowScores) -> Callable[[Any], float]:
    """Return the function that computes the score of some rows from the scores of single rows."""
    if scorer == "r2":
        return lambda index: _r2(rows[index])
    if scorer in _ROOTS:
        return lambda index: -float(np.sqrt(-rows[index].mean()))
    return lambda index: float(rows[index].mean())


def _r2(rows: RowScores) -> float:
    """Return R² from `(n_rows, 2)` squared errors and targets; scikit-learn's convention if the targets do not vary."""
    targets = rows[:, 1]
    errors, spread = float(rows[:, 0].sum()), float(np.square(targets - targets.mean()).sum())
    if len(rows) < 2:
        return float("nan")
    return 1.0 - errors / spread if spread else float(errors == 0)


def _scorer(found: ModelOutputs, metric: str, name: str, targets: Any) -> Callable[[Any], float]:
    """Return the function that computes the score of some rows by the scorer of scikit-learn."""
    try:
        from sklearn.metrics import get_scorer

        from latency_tui.engine.candidate.stored_outputs import stored_outputs
    except ImportError:
        raise NotScoredError(f"{metric} needs scikit-learn, which cannot be imported") from None
    scorer = get_scorer(name)
    stored = stored_outputs(found, name)
    return lambda index: float(scorer(stored, index, targets[index]))


def _classes(targets: Any) -> tuple[Any, Any] | None:
    """Return the classes and the number of rows of each; None if the targets are no classes."""
    if np.ndim(targets) != 1 or _has_fractions(targets) or not len(targets):
        return None
    try:
        return np.unique(targets, return_counts=True)
    except TypeError:  # numbers and text cannot be sorted
        return None


def _is_text(values: Any) -> bool:
    if values.dtype.kind == "O":
        return values.size > 0 and isinstance(values.flat[0], str)
    return bool(values.dtype.kind in "US")


def _has_fractions(values: Any) -> bool:
    return bool(values.dtype.kind == "f" and np.isfinite(values).all() and (values != np.floor(values)).any())


def _digest(targets: Any) -> str:
    """Return a short digest of the targets, equal for equal targets."""
    content = targets.tobytes() if targets.dtype.kind != "O" else repr(targets.tolist()).encode()
    return hashlib.sha256(f"{targets.shape}".encode() + content).hexdigest()[:16]
