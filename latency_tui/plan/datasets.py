"""Datasets: made, bundled with scikit-learn, read from a file, or handed over by the caller of the Python API."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.suggest import hint

Task = Literal["classification", "regression"]

BUNDLED: dict[str, Task] = {
    "breast-cancer": "classification",
    "iris": "classification",
    "wine": "classification",
    "digits": "classification",
    "diabetes": "regression",
}
"""Sets that come with scikit-learn; nothing is downloaded."""


class SyntheticDataset(msgspec.Struct, frozen=True, kw_only=True, tag="synthetic", tag_field="kind"):
    """`make_classification` or `make_regression`, split once and standardised once, the same for every candidate.

    Attributes:
        samples: Rows in all.
        features: Columns.
        classes: Of a classification.
        test_fraction: Share of rows held out.
        seed: Of the numbers and of the split.
        task: What is to be predicted, a class or a number.
        sparse: Whether rows are a sparse matrix (CSR) with nine of ten values zero.
    """

    samples: int = 1000
    features: int = 20
    classes: int = 2
    test_fraction: float = 0.25
    seed: int = 42
    task: Task = "classification"
    sparse: bool = False

    def check(self) -> None:
        """Refuse what cannot be made.

        Raises:
            UsageError: A number is out of range.
        """
        if not 20 <= self.samples <= 100_000_000:
            raise UsageError(f"Samples must be a whole number from 20 to 100,000,000, not {self.samples:,}.")
        if not 1 <= self.features <= 1_000_000:
            raise UsageError(f"Features must be a whole number from 1 to 1,000,000, not {self.features:,}.")
        if self.samples * self.features > 2_000_000_000:
            raise UsageError(f"{self.samples:,} samples of {self.features:,} features do not fit into memory.")
        _check_task(self.task)
        most = min(2 ** min(self.features, 10), self.samples // 10)
        if self.task == "classification" and not 2 <= self.classes <= most:
            raise UsageError(
                f"Classes must be a whole number from 2 to {most:,} with {self.samples:,} samples of "
                f"{self.features:,} features, not {self.classes:,}."
            )
        _check_fraction(self.test_fraction)

    @property
    def has_default_width(self) -> bool:
        """Whether nobody asked for a number of columns: a fitted model that takes something else gets that instead."""
        return self.features == SyntheticDataset().features and not self.sparse

    @property
    def title(self) -> str:
        """What a header shows of it."""
        extra = ("" if self.task == "classification" else " regression") + (" sparse" if self.sparse else "")
        return f"synthetic{extra} {self.samples:,} × {self.features:,}"


class BundledDataset(msgspec.Struct, frozen=True, kw_only=True, tag="bundled", tag_field="kind"):
    """A set that comes with scikit-learn: standardised once for models that are fitted here, else as it is."""

    name: str
    test_fraction: float = 0.25
    seed: int = 42

    def __post_init__(self) -> None:
        if self.name not in BUNDLED:
            raise UsageError(f"There is no bundled dataset {self.name!r}; {hint(self.name, BUNDLED)}")
        _check_fraction(self.test_fraction)

    @property
    def title(self) -> str:
        """What a header shows of it."""
        return self.name

    @property
    def task(self) -> Task:
        """What is to be predicted."""
        return BUNDLED[self.name]


class FileDataset(msgspec.Struct, frozen=True, kw_only=True, tag="file", tag_field="kind"):
    """A table in a file: every column but the target is a feature, and reaches the model as it is.

    Attributes:
        path: CSV, Parquet, Feather, NPZ, NPY, JSON, JSON lines, Excel, LIBSVM or a trusted pickle.
        target: Column of what is to be predicted: its name, or its number (from 0, or from the end: -1) where columns
            have no names; an array's name in an NPZ file. None for rows without targets (an NPZ's `y` is found).
        test_fraction: Share of rows held out of what a model is fitted on; a model fitted already is asked all.
        seed: Of the split.
        task: What is to be predicted, a class or a number; None where that was not said.
    """

    path: str
    target: str | None = None
    test_fraction: float = 0.25
    seed: int = 42
    task: Task | None = None

    def __post_init__(self) -> None:
        if self.task is not None:
            _check_task(self.task)
        _check_fraction(self.test_fraction)

    @property
    def title(self) -> str:
        """What a header shows of it."""
        return Path(self.path).name


class StoredDataset(msgspec.Struct, frozen=True, kw_only=True, tag="stored", tag_field="kind"):
    """Inputs and targets that the caller of the Python API handed over, in a file of its own making.

    Attributes:
        path: A pickle of `(X, y)`, written by the very process that started the engine.
        rows: Number of rows.
        features: Number of columns, 0 where the inputs have no second axis.
    """

    path: str
    rows: int
    features: int

    @property
    def title(self) -> str:
        """What a header shows of it."""
        return f"data {self.rows:,} × {self.features}"


Dataset = SyntheticDataset | BundledDataset | FileDataset | StoredDataset


def task_of(dataset: Dataset) -> Task | None:
    """Return what is to be predicted; None where only the data themselves say."""
    return None if isinstance(dataset, StoredDataset) else dataset.task


def _check_fraction(fraction: float) -> None:
    if not (math.isfinite(fraction) and 0 < fraction < 1):
        raise UsageError(f"The share of rows held out must lie between 0 and 1, not be {fraction:g}.")


def _check_task(task: str) -> None:
    if task not in ("classification", "regression"):
        raise UsageError(f"The task must be classification or regression, not {task!r}.")
