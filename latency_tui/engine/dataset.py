"""Makes or reads a dataset: inputs, targets, and which rows are held out. Runs in the engine's processes only."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.errors import ModelError
from latency_tui.plan import Dataset, Setting, StoredDataset, SyntheticDataset


@dataclass(frozen=True)
class Data:
    """Inputs and targets in memory; `None` where there are none.

    Attributes:
        X_train: Rows to fit on.
        y_train: Their targets.
        X_test: Held-out rows, which are what gets asked while measuring.
        y_test: Their targets.
    """

    X_train: Any  # Any: whatever holds rows, an array, a data frame or a list
    y_train: Any
    X_test: Any
    y_test: Any


def prepare(dataset: Dataset) -> Data:
    """Return the dataset in memory: made, split once and standardised once, or read as it was handed over."""
    if isinstance(dataset, SyntheticDataset):
        return _synthetic(dataset)
    return _stored(dataset)


def _synthetic(dataset: SyntheticDataset) -> Data:
    from sklearn.datasets import make_classification  # deferred: 1 s, and candidates with stored data need none of it
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    inputs, targets = make_classification(
        n_samples=dataset.samples,
        n_features=dataset.features,
        n_informative=max(2, dataset.features // 2),
        n_redundant=dataset.features // 4,
        n_classes=dataset.classes,
        random_state=dataset.seed,
    )
    train, test, y_train, y_test = train_test_split(
        inputs, targets, test_size=dataset.test_fraction, random_state=dataset.seed, stratify=targets
    )
    scaler = StandardScaler().fit(train)
    return Data(scaler.transform(train), y_train, scaler.transform(test), y_test)


def _stored(dataset: StoredDataset) -> Data:
    # Written by the process that started this engine, in a folder only its user can read.
    inputs, targets = pickle.loads(Path(dataset.path).read_bytes())  # noqa: S301
    return Data(None, None, inputs, targets)


def with_settings(data: Data, settings: Mapping[str, Setting]) -> Data:
    """Return the inputs in the type, order and kind that a candidate's settings ask for.

    Raises:
        ModelError: Data frames are asked for and pandas is not installed.
    """

    def convert(inputs: Any) -> Any:
        if inputs is None:
            return None
        if dtype := settings.get("dtype"):
            inputs = inputs.astype(dtype)
        if settings.get("input") == "dataframe" and not hasattr(inputs, "iloc"):
            try:
                import pandas  # deferred: only this setting needs it, and it takes 0.3 s
            except ImportError:
                raise ModelError("input=dataframe needs pandas: pip install pandas") from None
            inputs = pandas.DataFrame(inputs, columns=[f"feature_{index}" for index in range(inputs.shape[1])])
        return inputs

    return replace(data, X_train=convert(data.X_train), X_test=convert(data.X_test))


def rows_of(inputs: Any) -> int:
    """Return the number of rows of anything that holds rows."""
    shape = getattr(inputs, "shape", None)
    return int(shape[0]) if shape else len(inputs)


def batches(inputs: Any, batch_size: int, seed: int, *, order: str = "C", most: int = 512) -> list[Any]:
    """Prepare what single calls receive: contiguous batches of rows in a fixed shuffled order.

    Args:
        inputs: `(n_rows, ...)` held-out rows.
        batch_size: Rows a call; more than there are repeats rows.
        seed: Of the rows.
        order: Of arrays in memory, `C` or `F`.
        most: Number of batches at most; beyond it, calls start again with the first.

    Returns:
        Batches that differ from each other, `(batch_size, ...)` each.
    """
    rows = rows_of(inputs)
    generator = np.random.default_rng(seed)
    count = max(1, min(most, rows if batch_size == 1 else 64, 64_000_000 // max(1, batch_size * _row_bytes(inputs))))
    needed = count * batch_size
    shuffled = np.concatenate([generator.permutation(rows) for _ in range(-(-needed // rows))])[:needed]
    return [_take(inputs, shuffled[index * batch_size : (index + 1) * batch_size], order) for index in range(count)]


def _take(inputs: Any, rows: Any, order: str) -> Any:
    if hasattr(inputs, "iloc"):
        return inputs.iloc[rows]
    if isinstance(inputs, list | tuple):
        return [inputs[row] for row in rows]
    taken = inputs[rows]
    return np.asarray(taken, order="F" if order == "F" else "C") if isinstance(taken, np.ndarray) else taken


def _row_bytes(inputs: Any) -> int:
    size = getattr(inputs, "nbytes", None)
    return int(size) // max(1, rows_of(inputs)) if isinstance(size, int) else 64
