"""The common representation of result files of other tools: named benchmarks with their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.protocol import Environment
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import slugify
from latency_tui.result.json_arrays import Samples

Tool = Literal["pyperf", "hyperfine", "pytest-benchmark"]

_MAX_BENCHMARKS = 10_000


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark: its name and its values.

    Attributes:
        name: Display name, unique within the suite.
        slug: The name as typed on the command line, unique within the suite.
        launches: Values of each process that measured it, in seconds per call, `(n_values,)` each and in the order
            measured.
        calls_per_value: Number of calls of which a value is the mean; None if it differs or is unknown. Percentiles of
            means are not percentiles of calls.
        notes: Sentences about its values.
    """

    name: str
    slug: str
    launches: tuple[Samples, ...]
    calls_per_value: int | None = 1
    notes: tuple[str, ...] = ()

    @property
    def samples(self) -> NDArray[np.float64]:
        """All values in the order measured, `(n_values,)` seconds."""
        return np.concatenate(self.launches)

    def __repr__(self) -> str:
        """Return one line: there may be many values."""
        return f"<Benchmark {self.slug}: {sum(map(len, self.launches)):,} values of {len(self.launches):,} processes>"


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """The benchmarks in a result file of another tool.

    Attributes:
        tool: The tool that wrote the file.
        created_at: When the measurement began; None if the file does not contain it.
        environment: Hardware and software, as far as the file contains them; None if it contains neither.
        benchmarks: The benchmarks, in the order of the file.
    """

    tool: Tool
    created_at: datetime | None = None
    environment: Environment | None = None
    benchmarks: tuple[Benchmark, ...]


class Unnamed(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark before names are made unique: its possible names, shortest first, and its values."""

    names: tuple[str, ...]
    launches: tuple[Sequence[float], ...]
    calls_per_value: int | None = 1
    notes: tuple[str, ...] = ()


def name_benchmarks(found: Iterable[Unnamed]) -> tuple[Benchmark, ...]:
    """Return benchmarks with unique names and slugs.

    A benchmark gets its shortest name that no other has; if there is none, its longest with a number.

    Raises:
        UsageError: There are no benchmarks or too many, a benchmark has no name, or a value is not positive.
    """
    several = list(found)
    if not several:
        raise UsageError("it contains no benchmark")
    if len(several) > _MAX_BENCHMARKS:
        raise UsageError(f"it contains {len(several):,} benchmarks, more than the {_MAX_BENCHMARKS:,} allowed")
    levels = [
        [one.names[min(level, len(one.names) - 1)].strip() for one in several]
        for level in range(max(len(one.names) for one in several))
    ]
    counts = [{name: names.count(name) for name in set(names)} for names in levels]
    taken: set[str] = set()
    slugs: set[str] = set()
    benchmarks = []
    for index, one in enumerate(several):
        own = [names[index] for names in levels]
        if not own[0]:
            raise UsageError("a benchmark has no name")
        name = next((name for name, count in zip(own, counts, strict=True) if count[name] == 1), own[-1])
        name = _unique(name, taken, " ({})")
        benchmarks.append(
            Benchmark(
                name=name,
                slug=_unique(slugify(name), slugs, "-{}"),
                launches=tuple(_checked(values, name) for values in one.launches),
                calls_per_value=one.calls_per_value,
                notes=one.notes,
            )
        )
    return tuple(benchmarks)


def _unique(name: str, taken: set[str], ending: str) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = name + ending.format(number)
    taken.add(free)
    return free


def _checked(values: Sequence[float], name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not (array > 0).all() or not np.isfinite(array).all():
        raise UsageError(f"a value of {name!r} is not a positive, finite number of seconds")
    return array
