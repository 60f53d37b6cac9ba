"""The dialog that changes the data: a dataset by its name, or a file and its target column."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.content import Content

from latency_tui.catalog.data_columns import column_names
from latency_tui.catalog.data_files import identify_data_file, title_of_name
from latency_tui.catalog.datasets import resolve_dataset
from latency_tui.errors import UsageError
from latency_tui.plan import Dataset, FileDataset, SyntheticDataset
from latency_tui.plan.datasets import BUNDLED, Task, task_of
from latency_tui.tui.completion import Match, expand_home, files_like, is_path, size_of
from latency_tui.tui.screens.picker import Picker
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line

if TYPE_CHECKING:
    from latency_tui.catalog.configuration import LoadedConfiguration

_IN_BRACKETS = re.compile(
    r"(?P<file>.+?)\[(?=target=|task=)(target=(?P<column>.*?))?((,|(?<=\[))task=(?P<task>[^,\]]*))?\]?"
)
_WITHOUT = "Without a target, only fitted models can be measured."
_WHICH = f"Select the target column. {_WITHOUT}"
_NUMBER = "For a numeric target, add ,task=regression."
_LIKELY_TARGETS = ("target", "label", "y", "class")


class ChangeDataScreen(Picker[Dataset]):
    """Asks for a dataset; of a file only the columns are read.

    Args:
        dataset: The current dataset.
        configuration: The configuration file, which may define datasets; None if there is none.
    """

    HEADING = "Change the data"
    PLACEHOLDER = "iris · orders.parquet[target=returned]"
    HINT = "The name of a dataset, or a file: CSV, Parquet, Feather, NPZ, NPY, JSON, Excel."
    KEYS = "tab completes · enter selects · esc closes"

    def __init__(self, dataset: Dataset, configuration: LoadedConfiguration | None) -> None:
        super().__init__()
        self._configuration = configuration
        made = [SyntheticDataset(), SyntheticDataset(task="regression")]
        if isinstance(dataset, SyntheticDataset) and dataset not in made:
            made.insert(0, dataset)
        self._made = {one.title: one for one in made}
        self._own = configuration.configuration.datasets if configuration else {}

    def completions(self, text: str) -> list[Match]:
        """Return matching datasets and files; if the text is a whole path, the possible target columns of the file."""
        file = _parts(text).file
        if columns := _columns(file):
            return _targets(file, columns, text)
        found = files_like(text, title_of_name)
        return found if is_path(text) else [*_named(text, self._names()), *found]

    def is_complete(self, text: str) -> bool:
        """Return whether a text is a whole name; a file needs a target column, or the line for none."""
        return not _columns(_parts(text).file) and super().is_complete(text)

    async def describe(self, text: str) -> Content | None:
        """Return a description of a file whose columns are not listed."""
        seen = None if self._is_name(text) else await asyncio.to_thread(self._describe_file, text)
        if seen is None:
            return None
        known, words = seen
        self.show_hint(words)
        return known

    def _describe_file(self, text: str) -> tuple[Content | None, str] | None:
        """Return a description of a file whose columns are not listed, and a message; None if it is not a file."""
        file, column, task = _parts(text)
        path = _path(file)
        if path is None:
            return None
        title = identify_data_file(path).title
        self._resolve(text)
        listed = bool(_columns(file))
        if listed and column is None:
            words = _WHICH
        elif column is None:
            words = f"Add the target: {file}[target=COLUMN]. {_WITHOUT}"
        else:
            words = "Enter selects it." if task else f"Enter selects it. {_NUMBER}"
        if listed:
            return None, words
        what = Content.assemble((sanitize_line(path.name), "bold"), ("  ", ""), title, (" of ", MUTED), size_of(path))
        facts = {"target": column or "none", "task": task}
        lines = [Content.assemble((f"{name:<8}", MUTED), sanitize_line(fact)) for name, fact in facts.items() if fact]
        return Content("\n").join([what, *lines]), words

    async def accept(self, text: str) -> None:
        """Close with the dataset that a text names."""
        self.dismiss(await asyncio.to_thread(self._resolve, text))

    def _resolve(self, text: str) -> Dataset:
        """Return the dataset that a text names, without reading its rows.

        Raises:
            UsageError: The dataset or the column does not exist.
        """
        if text in self._made:
            return self._made[text]
        file, column, task = _parts(text)
        if file.startswith("~"):
            file = str(expand_home(file))
        dataset = (
            resolve_dataset(file, target=column, task=task)
            if self._configuration is None
            else self._configuration.dataset(file, column, task)
        )
        if isinstance(dataset, FileDataset) and dataset.target:
            columns = _columns(dataset.path)
            if columns and dataset.target not in columns and not dataset.target.lstrip("-").isdigit():
                raise UsageError(f"{Path(dataset.path).name} has no column {dataset.target!r}.")
        return dataset

    def _is_name(self, text: str) -> bool:
        return text in self._made or text in self._own or text.strip().lower().replace("_", "-") in BUNDLED

    def _names(self) -> Iterable[Match]:
        """Yield the datasets that have names: generated ones, those of the configuration, and scikit-learn's."""
        for title, dataset in self._made.items():
            yield Match(text=title, label=title, note=task_of(dataset) or "", meaning="Generated by scikit-learn.")
        for name, table in self._own.items():
            yield Match(
                text=name, label=name, meaning=f"From the configuration: {table.file or table.bundled or 'generated'}."
            )
        for name, task in BUNDLED.items():
            yield Match(text=name, label=name, note=task, meaning="Comes with scikit-learn.")


class _Parts(NamedTuple):
    """A path and the values in brackets after it; None for missing ones."""

    file: str
    column: str | None = None
    task: Task | None = None


def _parts(text: str) -> _Parts:
    found = _IN_BRACKETS.fullmatch(text)
    if not found or _path(text) is not None:
        return _Parts(text)
    return _Parts(found["file"], found["column"], cast("Task | None", found["task"]))  # the dataset checks it


def _path(file: str) -> Path | None:
    """Return the path of an existing file; None if there is no such file."""
    try:
        path = expand_home(file)
        return path if file and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long for a path, or `~` of an unknown user
        return None


def _columns(file: str) -> tuple[str, ...]:
    path = _path(file)
    return column_names(path) if path else ()


def _named(text: str, names: Iterable[Match]) -> list[Match]:
    words = _plain(text).split()
    return [match for match in names if all(word in _plain(f"{match.label} {match.note}") for word in words)]


def _plain(text: str) -> str:
    return text.casefold().replace("-", " ")


def _targets(file: str, columns: tuple[str, ...], typed: str) -> list[Match]:
    """Return a line per column, the likeliest target first, and one for no target.

    If a whole column is typed, another line makes its task regression.
    """
    likely = list(columns)
    likely.reverse()  # the target is usually the last column
    likely.sort(key=lambda column: column.casefold() not in _LIKELY_TARGETS)
    found = [
        Match(text=f"{file}[target={column}]", label=column, note="target", meaning="The others are features.")
        for column in likely
    ]
    if (column := _parts(typed).column) in columns:
        number = f"{file}[target={column},task=regression]"
        found.append(Match(text=number, label=f"{column}", note="number", meaning="Regressors are listed."))
    if typed == file:
        return [*found, Match(text=file, label="no target", meaning="Every column is a feature.")]
    begun = typed.removesuffix("]").casefold()
    found = [match for match in found if match.text.casefold().startswith(begun)]
    return sorted(found, key=lambda match: match.text != typed)
