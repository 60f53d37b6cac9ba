"""Metrics of many resamples at once, in numpy: a scorer of scikit-learn takes milliseconds per resample.

The values are those of scikit-learn 1.9, with a share of nothing counted as 0 (`zero_division`); a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHARES: dict[str, Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]] = {
    "precision": lambda hits, predicted, _: (hits, predicted),
    "recall": lambda hits, _, actual: (hits, actual),
    "f1": lambda hits, predicted, actual: (2 * hits, predicted + actual),
    "jaccard": lambda hits, predicted, actual: (hits, predicted + actual - hits),
}
"""Numerator and denominator of a share per class, from correct, predicted and actual rows of the class."""


def confusion_matrices(targets: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix of each resample, `(n_resamples, n_classes, n_classes)`, targets first.

    Args:
        targets: Class numbers of the targets, `(n_resamples, n_rows)`.
        labels: Class numbers of the predictions, `(n_resamples, n_rows)`.
        classes: Number of classes.
    """
    cells = classes * classes
    offsets = np.arange(len(targets))[:, None] * cells
    counts = np.bincount((offsets + targets * classes + labels).ravel(), minlength=len(targets) * cells)
    return counts.reshape(len(targets), classes, classes)


def label_metric(scorer: str, matrices: NDArray[np.int64], positive: int) -> Floats | None:
    """Return a metric of labels for each confusion matrix, `(n_resamples,)`; None for other metrics.

    Args:
        scorer: Name of the scorer.
        matrices: Confusion matrices, `(n_resamples, n_classes, n_classes)`, targets first.
        positive: Number of the positive class, for metrics of two classes.
    """
    hits = np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64)
    actual, predicted = matrices.sum(axis=2).astype(np.float64), matrices.sum(axis=1).astype(np.float64)
    if scorer == "balanced_accuracy":
        return _mean(_share(hits, actual), actual > 0)
    name, _, average = scorer.partition("_")
    if name not in _SHARES or average == "samples":
        return None
    above, below = _SHARES[name](hits, predicted, actual)
    if average == "micro":
        above, below = above.sum(axis=1), below.sum(axis=1)
        if name == "jaccard":
            total = matrices.sum(axis=(1, 2))
            above, below = hits.sum(axis=1), 2 * total - hits.sum(axis=1)
        return _share(above, below)
    shares = _share(above, below)
    match average:
        case "":
            return shares[:, positive]
        case "macro":
            return _mean(shares, (actual + predicted) > 0)
        case "weighted":
            return np.asarray((shares * actual).sum(axis=1) / actual.sum(axis=1))
    return None


def area_under_roc(values: Floats, positives: NDArray[np.bool_], indices: NDArray[np.int64]) -> Floats:
    """Return the area under the ROC curve for each resample, `(n_resamples,)`; NaN if it has only one class.

    It is the share of pairs of a positive and a negative row in which the positive one has the larger value; equal
    values count half (Mann and Whitney 1947).

    Args:
        values: Probabilities or decision values, `(n_rows,)`.
        positives: Whether each row is of the positive class, `(n_rows,)`.
        indices: Row numbers of each resample, `(n_resamples, n_resampled)`.
    """
    levels, level_of = np.unique(values, return_inverse=True)
    found = np.full(len(indices), np.nan)
    for number, index in enumerate(indices):
        at, positive = level_of[index], positives[index]
        ours = np.bincount(at[positive], minlength=levels.size)
        theirs = np.bincount(at[~positive], minlength=levels.size)
        pairs = float(ours.sum()) * float(theirs.sum())
        if pairs:
            below = np.cumsum(theirs) - theirs
            found[number] = float((ours * (below + theirs / 2)).sum()) / pairs
    return found


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


def _mean(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Return the mean of the counted values of each row."""
    return np.asarray((values * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))
