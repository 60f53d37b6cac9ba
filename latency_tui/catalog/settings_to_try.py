"""Selects the settings that can affect a candidate, by its factory or the format of its file."""

from __future__ import annotations

from importlib.util import find_spec

import msgspec

from latency_tui.plan.candidates import NATIVE, Candidate
from latency_tui.plan.settings import NATIVE_ONLY, Setting

_USE_N_JOBS = ("Forest", "ExtraTrees", "Bagging", "Voting", "Stacking", "KNeighbors", "RadiusNeighbors")
"""Parts of the names of scikit-learn estimators whose predictions use `n_jobs`."""


def is_foreign(candidate: Candidate) -> bool:
    """Return whether a library other than scikit-learn runs the model, so that its settings have no effect."""
    return candidate.runtime != NATIVE or candidate.model.file_format not in ("", "skops", "pickle")


def settings_to_try(candidate: Candidate, *, batch_size: int = 2, sparse: bool = False) -> tuple[Candidate, ...]:
    """Return one candidate per setting that can affect the latency of the given candidate.

    Args:
        candidate: The candidate without the additional settings.
        batch_size: Rows per call; the memory order is tried only for more than one row.
        sparse: Whether the input is a sparse matrix, which has no memory order and does not fit into a data frame.
    """
    declares = candidate.runtime == "onnx" or candidate.model.file_format in ("onnx", "torchscript", "torch-export")
    added: list[dict[str, Setting]] = [
        {"assume_finite": True},
        {"skip_parameter_validation": True},
        {"assume_finite": True, "skip_parameter_validation": True},
        {"threads": 2},
    ]
    if not declares:  # otherwise the model file declares types and shapes
        added.append({"dtype": "float32"})
    if not declares and not sparse and batch_size > 1:
        added.append({"order": "F"})
    if not declares and not sparse and find_spec("pandas"):
        added.append({"input": "dataframe"})
    factory = candidate.model.factory
    if factory.startswith("sklearn.") and any(word in factory for word in _USE_N_JOBS):
        added += [{"n_jobs": 1}, {"n_jobs": -1}]
    foreign = is_foreign(candidate)
    return tuple(
        msgspec.structs.replace(candidate, settings={**candidate.settings, **one})
        for one in added
        if not one.keys() & candidate.settings.keys() and not (foreign and one.keys() & {*NATIVE_ONLY})
    )
