"""The metrics by which models can be scored: the names of scikit-learn's scorers, as plain text.

scikit-learn is imported only where models run, so the names stand here; a test compares them with scikit-learn.
"""

from __future__ import annotations

from latency_tui.errors import UsageError
from latency_tui.plan.suggest import hint

_AVERAGES = ("", "_macro", "_micro", "_samples", "_weighted")
CLASSIFICATION_SCORERS = (
    *("accuracy", "balanced_accuracy", "average_precision", "matthews_corrcoef", "top_k_accuracy"),
    *(f"{name}{average}" for name in ("f1", "jaccard", "precision", "recall") for average in _AVERAGES),
    *("roc_auc", "roc_auc_ovo", "roc_auc_ovo_weighted", "roc_auc_ovr", "roc_auc_ovr_weighted"),
    *("neg_log_loss", "neg_brier_score", "d2_log_loss_score", "d2_brier_score"),
    *("positive_likelihood_ratio", "neg_negative_likelihood_ratio"),
)
REGRESSION_SCORERS = (
    *("r2", "explained_variance", "d2_absolute_error_score", "neg_max_error", "neg_median_absolute_error"),
    *("neg_mean_absolute_error", "neg_mean_absolute_percentage_error"),
    *("neg_mean_squared_error", "neg_root_mean_squared_error"),
    *("neg_mean_squared_log_error", "neg_root_mean_squared_log_error"),
    *("neg_mean_gamma_deviance", "neg_mean_poisson_deviance"),
)
CLUSTERING_SCORERS = (
    *("adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score"),
    *("homogeneity_score", "mutual_info_score", "normalized_mutual_info_score", "rand_score", "v_measure_score"),
)
SCORERS = (*CLASSIFICATION_SCORERS, *REGRESSION_SCORERS, *CLUSTERING_SCORERS)
"""Names of all scorers of scikit-learn; a greater score is better."""
_LOSSES = {name.removeprefix("neg_"): name for name in SCORERS if name.startswith("neg_")}
"""The same without `neg_`, as the functions of scikit-learn are called; a smaller value is better."""
METRIC_NAMES = (*SCORERS, *_LOSSES)
"""All names that `--metric` and limits accept."""
OWN_SCORE = "score"
"""The metric of a model that is neither a classifier nor a regressor but has a method `score`."""


def check_metric(text: str) -> str:
    """Return the name of a metric as it is written in `METRIC_NAMES`.

    Raises:
        UsageError: There is no such metric.
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in METRIC_NAMES:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise UsageError(f"There is no metric {shown!r}; {hint(name, METRIC_NAMES)}")
    return name


def scorer_of(metric: str) -> str:
    """Return the name of the scorer that computes a metric."""
    return _LOSSES.get(metric, metric)


def is_greater_better(metric: str) -> bool:
    """Return whether a greater value of a metric is better; it is not for losses such as `log_loss`."""
    return metric not in _LOSSES
