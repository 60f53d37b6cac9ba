"""Resolves the name of a bundled dataset, or the path of a data file, to a dataset value."""

from __future__ import annotations

import os
from pathlib import Path

from latency_tui.errors import UsageError
from latency_tui.plan.datasets import BUNDLED, BundledDataset, FileDataset, Task
from latency_tui.plan.suggest import hint


def resolve_dataset(text: str, *, target: str | None = None, task: Task | None = None) -> BundledDataset | FileDataset:
    """Return the dataset for a text such as `iris` or `orders.parquet`; only the first bytes of a file are read.

    Args:
        text: The text that the user typed.
        target: Target column of a file.
        task: Classification or regression, if given.

    Raises:
        UsageError: There is no such dataset or data file, or the dataset does not fit the task.
    """
    name = text.strip().lower().replace("_", "-")
    if name in BUNDLED:
        if target is not None:
            raise UsageError(f"{name} already has a target; omit --target.")
        if task is not None and task != BUNDLED[name]:
            raise UsageError(f"{name} is for {BUNDLED[name]}, not for {task}.")
        return BundledDataset(name=name)
    from latency_tui.catalog.data_files import SUFFIXES, identify_data_file  # deferred: with zipfile 10 ms of start-up

    path = Path(text)
    known = os.path.exists(text)  # noqa: PTH110 (Path.exists raises for a name that is too long)
    if not known and path.suffix.lower() not in SUFFIXES and path.name == text:
        raise UsageError(f"There is no file and no bundled dataset {text!r}; {hint(name, BUNDLED)}")
    identify_data_file(path)
    return FileDataset(path=text, target=target, task=task)
