"""Scores by the metrics of scikit-learn: the same values, a clear reason where a metric does not fit, and resamples."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.svm import LinearSVC

from latency_tui.engine.candidate.model_outputs import ModelOutputs
from latency_tui.engine.candidate.scoring import _one_by_one, _quick_metric, _scorer
from latency_tui.plan.metrics import SCORERS, is_greater_better, scorer_of
from latency_tui.stats.bootstrap import resamples
from tests.engine.scored_models import score_of, scores_of
from tests.parameters import one_quick

TWO_CLASSES = make_classification(200, 8, flip_y=0.2, random_state=0)
THREE_CLASSES = load_iris(return_X_y=True)
NUMBERS = load_diabetes(return_X_y=True)
LABELS = (
    *("balanced_accuracy", "f1_macro", "f1_micro", "f1_weighted", "jaccard_macro", "jaccard_micro", "jaccard_weighted"),
    *("precision_macro", "precision_micro", "precision_weighted", "recall_macro", "recall_weighted"),
)


def fitted(model: Any, data: tuple[Any, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(data[0][::2], data[1][::2])


def test_the_names_of_the_metrics_are_those_of_scikit_learn() -> None:
    assert sorted(SCORERS) == sorted(get_scorer_names())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "model", "data"),
    [
        *((name, LogisticRegression(), TWO_CLASSES) for name in ("accuracy", "f1", "recall", "roc_auc", "log_loss")),
        *((name, LogisticRegression(), THREE_CLASSES) for name in ("neg_log_loss", "roc_auc_ovr", "f1_macro")),
        *((name, Ridge(), NUMBERS) for name in ("r2", "neg_mean_absolute_error", "root_mean_squared_error")),
        *((name, Ridge(), NUMBERS) for name in ("max_error", "mean_absolute_percentage_error")),
        ("average_precision", LinearSVC(), TWO_CLASSES),
        ("top_k_accuracy", LogisticRegression(), THREE_CLASSES),
    ],
)
def test_a_score_is_that_of_scikit_learn(metric: str, model: Any, data: tuple[Any, Any]) -> None:
    model = fitted(model, data)
    expected = get_scorer(scorer_of(metric))(model, *data) * (1 if is_greater_better(metric) else -1)
    (score,) = scores_of(model, *data, metric)
    assert score.value == pytest.approx(expected)
    assert (score.metric, score.asked, score.rows, score.problem) == (metric, metric, len(data[1]), "")


@pytest.mark.parametrize(
    ("metric", "data"),
    [
        *((name, THREE_CLASSES) for name in LABELS),
        *((name, TWO_CLASSES) for name in ("f1", "precision", "recall", "jaccard", "roc_auc", "balanced_accuracy")),
    ],
)
def test_many_resamples_at_once_score_as_scikit_learn_one_by_one(metric: str, data: tuple[Any, Any]) -> None:
    outputs = ModelOutputs(fitted(LinearSVC(C=0.01), data), *data)
    answers, targets = outputs.labels(), data[1]
    indices = np.array([*resamples(len(targets), 20, 1)])[:, :12]  # so few rows that some resamples lack a class
    quick = _quick_metric(outputs, metric, answers, targets)
    assert quick is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slow = _one_by_one(_scorer(outputs, metric, metric, targets))(indices)
    np.testing.assert_allclose(quick(indices), slow)


@pytest.mark.parametrize(
    ("metric", "model", "data", "problem"),
    one_quick(
        [
            ("r2", LogisticRegression(), TWO_CLASSES, "r2 is a metric of regression"),
            ("accuracy", Ridge(), NUMBERS, "accuracy is a metric of classification"),
            ("log_loss", LinearSVC(), TWO_CLASSES, "needs probabilities, and the model does not return any"),
            ("f1", LogisticRegression(), THREE_CLASSES, "f1 is for two classes, and there are 3; use f1_macro"),
            ("roc_auc", LogisticRegression(), THREE_CLASSES, "use roc_auc_ovr or roc_auc_ovo"),
        ]
    ),
)
def test_a_metric_that_does_not_fit_says_why(metric: str, model: Any, data: tuple[Any, Any], problem: str) -> None:
    (score,) = scores_of(fitted(model, data), *data, metric)
    assert score.value is None
    assert problem in score.problem


def test_two_classes_of_text_have_no_positive_one() -> None:
    rows, classes = TWO_CLASSES
    words = np.where(classes == 1, "yes", "no")
    model = fitted(LogisticRegression(), (rows, words))
    (score, macro, area) = scores_of(model, rows, words, "f1", "f1_macro", "roc_auc")
    assert "needs a class 1, and the classes are no and yes; use f1_macro" in score.problem
    assert macro.value == pytest.approx(get_scorer("f1_macro")(model, rows, words))
    assert area.value == pytest.approx(get_scorer("roc_auc")(model, rows, words))


def test_the_default_is_accuracy_of_classes_and_r2_of_numbers() -> None:
    classifier, regressor = fitted(LogisticRegression(), TWO_CLASSES), fitted(Ridge(), NUMBERS)
    assert score_of(classifier, *TWO_CLASSES) == classifier.score(*TWO_CLASSES)
    assert score_of(regressor, *NUMBERS) == pytest.approx(regressor.score(*NUMBERS))
    assert [scores_of(m, *d, "")[0].metric for m, d in ((classifier, TWO_CLASSES), (regressor, NUMBERS))] == [
        "accuracy",
        "r2",
    ]


def test_a_function_is_scored_by_what_it_returns() -> None:
    rows, classes = TWO_CLASSES
    right = dict(zip(map(bytes, rows), classes, strict=True))
    assert score_of(lambda some: np.array([right[bytes(row)] for row in some]), rows, classes) == 1.0
    (chances,) = scores_of(lambda some: np.full(len(some), 0.3), rows, classes, "")
    assert (chances.value, chances.problem) == (None, ""), "probabilities are no labels"
    assert scores_of(lambda some: some @ np.ones(10), *NUMBERS, "mean_absolute_error")[0].value is not None


def test_the_index_of_the_largest_output_is_the_label_of_a_network() -> None:
    rows, classes = THREE_CLASSES
    model = fitted(LogisticRegression(), THREE_CLASSES)
    assert score_of(model.decision_function, rows, classes, "accuracy") == model.score(rows, classes)


def test_a_model_that_is_neither_keeps_its_own_score_without_interval() -> None:
    model = fitted(KMeans(2, random_state=0), TWO_CLASSES)
    (score,) = scores_of(model, *TWO_CLASSES, "")
    assert (score.metric, score.value, score.resampled) == ("score", model.score(TWO_CLASSES[0]), b"")


def test_texts_are_not_compared_with_numbers() -> None:
    rows, classes = TWO_CLASSES
    model = fitted(LogisticRegression(), (rows, np.where(classes == 1, "yes", "no")))
    assert "the model predicts texts, and the targets are numbers" in scores_of(model, rows, classes, "")[0].problem


def test_the_same_rows_have_the_same_resamples_and_others_do_not() -> None:
    one, two = fitted(LogisticRegression(), TWO_CLASSES), fitted(LinearSVC(), TWO_CLASSES)
    rows, classes = TWO_CLASSES
    scores = [scores_of(model, rows, classes, "accuracy")[0] for model in (one, one, two)]
    fewer = scores_of(one, rows[:150], classes[:150], "accuracy")[0]
    assert scores[0] == scores[1]
    assert scores[0].targets == scores[2].targets != fewer.targets
    loss, negative = scores_of(one, rows, classes, "log_loss", "neg_log_loss")
    np.testing.assert_array_equal(np.frombuffer(loss.resampled), -np.frombuffer(negative.resampled))
