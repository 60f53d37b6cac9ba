"""From the name of a dataset, or the path of a file of data, to its value."""

from __future__ import annotations

import os
from pathlib import Path

from latency_tui.errors import UsageError
from latency_tui.plan.datasets import BUNDLED, BundledDataset, FileDataset, Task
from latency_tui.plan.suggest import hint


def resolve_dataset(text: str, *, target: str | None = None, task: Task | None = None) -> BundledDataset | FileDataset:
    """Return the dataset that `iris` or `orders.parquet` means, looked at but not read.

    Args:
        text: As it was typed.
        target: Column of a file that is to be predicted.
        task: What is to be predicted, where it was said.

    Raises:
        UsageError: It is neither a bundled set nor a file that can be read as data, or a set for another task.
    """
    name = text.strip().lower().replace("_", "-")
    if name in BUNDLED:
        if target is not None:
            raise UsageError(f"{name} has a target of its own; naming one is for files.")
        if task is not None and task != BUNDLED[name]:
            raise UsageError(f"{name} is for {BUNDLED[name]}, not for {task}.")
        return BundledDataset(name=name)
    from latency_tui.catalog.data_files import SUFFIXES, look_at  # deferred: with zipfile 10 ms of start-up

    path = Path(text)
    known = os.path.exists(text)  # noqa: PTH110 (Path's raises where a name is too long)
    if not known and path.suffix.lower() not in SUFFIXES and path.name == text:
        raise UsageError(f"There is no file and no bundled dataset {text!r}; {hint(name, BUNDLED)}")
    look_at(path)
    return FileDataset(path=text, target=target, task=task)
