"""Generates or reads a dataset and splits it into training and test rows. Runs in the engine's processes only."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.engine.data.rows import count_columns, count_rows
from latency_tui.engine.data.tables import read
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import DataError
from latency_tui.plan import BundledDataset, Dataset, FileDataset, StoredDataset, SyntheticDataset, Trust
from latency_tui.plan.datasets import Task


@dataclass(frozen=True)
class Data:
    """Inputs and targets in memory; None if there are none.

    Attributes:
        X_train: Training rows.
        y_train: Targets of the training rows.
        X_test: Test rows, with which the model is called.
        y_test: Targets of the test rows.
        X_all: All rows, unchanged, for models that are already fitted; None if these are the test rows.
        y_all: Targets of all rows; None if they do not apply to such a model.
        kind: Kind of dataset: `synthetic`, `bundled`, `file` or `stored`.
        columns: Column names of arrays; empty if there are none.
        task: Classification or regression; None if it is unknown.
        notes: Notes on the data for the user, one sentence each.
        index: Data frame of the columns that were left out because they only number the rows; None if there are none.
        default: Whether the dataset is the default one, so that a fitted model may get generated inputs instead.
        standardised: The data with standardised columns, once `standardized.standardised` has computed it.
    """

    X_train: Any  # Any: an array, a data frame or a list
    y_train: Any
    X_test: Any
    y_test: Any
    X_all: Any = None
    y_all: Any = None
    kind: str = "stored"
    columns: tuple[str, ...] = ()
    task: Task | None = None
    notes: tuple[str, ...] = ()
    index: Any = None
    default: bool = False
    standardised: Data | None = field(default=None, compare=False, repr=False)

    def for_fitted(self) -> Data:
        """Return the data for a model that is already fitted: all rows are test rows."""
        if self.X_all is None:
            return self
        return replace(self, X_train=None, y_train=None, X_test=self.X_all, y_test=self.y_all)

    @property
    def features(self) -> int:
        """Number of columns; 0 if rows have none."""
        return count_columns(self.X_test)


def prepare(dataset: Dataset, trust: Trust | None = None, folders: Sequence[str] = ()) -> Data:
    """Generate or read a dataset, and split it into training and test rows.

    Args:
        dataset: The dataset.
        trust: Which pickles may be read; None for none.
        folders: Folders in which modules that a pickle needs are searched.

    Raises:
        DataError: A file cannot be read, or has no such column.
    """
    if isinstance(dataset, SyntheticDataset):
        return _synthetic(dataset)
    if isinstance(dataset, BundledDataset):
        return _bundled(dataset)
    if isinstance(dataset, FileDataset):
        return _from_file(dataset, trust, folders)
    return _stored(dataset, folders)


def _synthetic(dataset: SyntheticDataset) -> Data:
    from sklearn.datasets import make_classification, make_regression  # deferred: 1 s, not needed for stored data

    informative = max(min(2, dataset.features), dataset.features // 2, (dataset.classes - 1).bit_length())
    if dataset.task == "regression":
        inputs, targets = make_regression(
            n_samples=dataset.samples,
            n_features=dataset.features,
            n_informative=informative,
            noise=10.0,
            random_state=dataset.seed,
        )
        targets = (targets - targets.mean()) / targets.std()
    else:
        inputs, targets = make_classification(
            n_samples=dataset.samples,
            n_features=dataset.features,
            n_informative=informative,
            n_redundant=min(dataset.features // 4, dataset.features - informative),
            n_classes=dataset.classes,
            n_clusters_per_class=2 if 2 * dataset.classes <= 2**informative else 1,
            random_state=dataset.seed,
        )
    if dataset.sparse:
        inputs[np.abs(inputs) < np.quantile(np.abs(inputs), 0.9)] = 0.0
    train, test, y_train, y_test = _split(inputs, targets, dataset.test_fraction, dataset.seed)
    train, test, scaler = _standardised(train, test, centred=not dataset.sparse)
    everything = scaler.transform(inputs)
    if dataset.sparse:
        from scipy.sparse import csr_array

        train, test, everything = csr_array(train), csr_array(test), csr_array(everything)
    return Data(train, y_train, test, y_test, everything, None, kind="synthetic", default=dataset.has_default_width)


def _bundled(dataset: BundledDataset) -> Data:
    from sklearn import datasets  # deferred: as above

    found = getattr(datasets, f"load_{dataset.name.replace('-', '_')}")()
    train, test, y_train, y_test = _split(found.data, found.target, dataset.test_fraction, dataset.seed)
    train, test, _ = _standardised(train, test)
    names = tuple(map(str, found.feature_names))
    return Data(train, y_train, test, y_test, found.data, found.target, kind="bundled", columns=names)


def _from_file(dataset: FileDataset, trust: Trust | None, folders: Sequence[str]) -> Data:
    table = read(Path(dataset.path), dataset.target, trust, folders)
    inputs, targets = table.inputs, table.targets
    if count_rows(inputs) == 0:
        raise DataError(f"{dataset.path} has no rows.")
    if targets is None or count_rows(inputs) < 2:
        train, test, y_train, y_test = None, inputs, None, targets
    else:
        train, test, y_train, y_test = _split(inputs, targets, dataset.test_fraction, dataset.seed)
    return Data(
        train,
        y_train,
        test,
        y_test,
        inputs,
        targets,
        kind="file",
        columns=table.columns,
        task=dataset.task,
        notes=table.notes,
        index=table.index,
    )


def _stored(dataset: StoredDataset, folders: Sequence[str]) -> Data:
    # The process that started this engine wrote it, into a folder that only its user can read.
    content = Path(dataset.path).read_bytes()
    inputs, targets = import_with_fallback(lambda: pickle.loads(content), folders)  # noqa: S301 (as said)
    return Data(None, None, inputs, targets)


def _split(inputs: Any, targets: Any, fraction: float, seed: int) -> Any:
    """Split rows and targets into training and test rows, stratified by class if each class has enough rows."""
    from sklearn.model_selection import train_test_split

    stratify = targets if _are_classes(targets, fraction) else None
    if isinstance(inputs, Mapping):  # arrays by name
        rows = np.arange(len(targets))
        train, test = train_test_split(rows, test_size=fraction, random_state=seed, stratify=stratify)
        parts = [{name: array[chosen] for name, array in inputs.items()} for chosen in (train, test)]
        return *parts, targets[train], targets[test]
    return train_test_split(inputs, targets, test_size=fraction, random_state=seed, stratify=stratify)


def _are_classes(targets: Any, fraction: float) -> bool:
    if np.ndim(targets) > 1:  # several outputs
        return False
    try:
        values, counts = np.unique(np.asarray(targets), return_counts=True)
    except TypeError:  # numbers and text cannot be sorted
        return False
    held_out = len(targets) * fraction
    return len(values) <= 1000 and counts.min() >= 2 and len(values) <= min(held_out, len(targets) - held_out)


def _standardised(train: Any, test: Any, *, centred: bool = True) -> tuple[Any, Any, Any]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler(with_mean=centred).fit(train)
    return scaler.transform(train), scaler.transform(test), scaler
