"""Datasets: synthetic, bundled with scikit-learn, read from a file, or passed to the Python API."""

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
"""Datasets that are part of scikit-learn; nothing is downloaded."""


class SyntheticDataset(msgspec.Struct, frozen=True, kw_only=True, tag="synthetic", tag_field="kind"):
    """A dataset from `make_classification` or `make_regression`, split and standardised once for all candidates.

    Attributes:
        samples: Number of rows.
        features: Number of columns.
        classes: Number of classes, for classification.
        test_fraction: Share of held-out rows.
        seed: Seed of the data and of the split.
        task: Whether the target is a class or a number.
        sparse: Whether the rows are a sparse matrix (CSR) in which 90 % of the values are zero.
    """

    samples: int = 1000
    features: int = 20
    classes: int = 2
    test_fraction: float = 0.25
    seed: int = 42
    task: Task = "classification"
    sparse: bool = False

    def check(self) -> None:
        """Check that the dataset can be generated.

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
        """Whether the number of columns is the default, which a fitted model may override with what it expects."""
        return self.features == SyntheticDataset().features and not self.sparse

    @property
    def title(self) -> str:
        """Short description for a heading."""
        extra = ("" if self.task == "classification" else " regression") + (" sparse" if self.sparse else "")
        return f"synthetic{extra} {self.samples:,} × {self.features:,}"


class BundledDataset(msgspec.Struct, frozen=True, kw_only=True, tag="bundled", tag_field="kind"):
    """A dataset of scikit-learn, standardised for models that are fitted here, otherwise unchanged."""

    name: str
    test_fraction: float = 0.25
    seed: int = 42

    def __post_init__(self) -> None:
        if self.name not in BUNDLED:
            raise UsageError(f"There is no bundled dataset {self.name!r}; {hint(self.name, BUNDLED)}")
        _check_fraction(self.test_fraction)

    @property
    def title(self) -> str:
        """Short description for a heading."""
        return self.name

    @property
    def task(self) -> Task:
        """Whether the target is a class or a number."""
        return BUNDLED[self.name]


class FileDataset(msgspec.Struct, frozen=True, kw_only=True, tag="file", tag_field="kind"):
    """A table in a file: every column except the target is a feature, and is passed to the model unchanged.

    Attributes:
        path: CSV, Parquet, Feather, NPZ, NPY, JSON, JSON lines, Excel, LIBSVM or a trusted pickle.
        target: Target column: its name, or its index (from 0; -1 is the last) if columns have no names; the name of an
            array in an NPZ file. None for rows without targets (`y` in an NPZ file is found automatically).
        test_fraction: Share of rows held out from fitting; a fitted model is measured on all rows.
        seed: Seed of the split.
        task: Whether the target is a class or a number; None if it was not given.
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
        """Short description for a heading."""
        return Path(self.path).name


class StoredDataset(msgspec.Struct, frozen=True, kw_only=True, tag="stored", tag_field="kind"):
    """Inputs and targets passed to the Python API, stored in a temporary file.

    Attributes:
        path: A pickle of `(X, y)`, written by the process that started the engine.
        rows: Number of rows.
        features: Number of columns; 0 if the inputs have no second axis.
    """

    path: str
    rows: int
    features: int

    @property
    def title(self) -> str:
        """Short description for a heading."""
        return f"data {self.rows:,} × {self.features}"


Dataset = SyntheticDataset | BundledDataset | FileDataset | StoredDataset


def task_of(dataset: Dataset) -> Task | None:
    """Return whether the target is a class or a number; None if only the data determine it."""
    return None if isinstance(dataset, StoredDataset) else dataset.task


def _check_fraction(fraction: float) -> None:
    if not (math.isfinite(fraction) and 0 < fraction < 1):
        raise UsageError(f"The share of rows held out must be between 0 and 1, not {fraction:g}.")


def _check_task(task: str) -> None:
    if task not in ("classification", "regression"):
        raise UsageError(f"The task must be classification or regression, not {task!r}.")
