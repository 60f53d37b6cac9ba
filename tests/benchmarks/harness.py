"""What the programs share: options, progress, tables with the targets beside the figures, rates with intervals."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

NORMAL_95 = 1.959964
RESAMPLES = 4000


@dataclass(frozen=True)
class Options:
    """What the command line said.

    Attributes:
        trials: How often the main thing is repeated.
        minutes: When to stop and print what there is.
        json: Where to write the figures, or None.
        began: When the program began, on the monotonic clock.
    """

    trials: int
    minutes: float
    json: Path | None
    began: float = field(default_factory=time.monotonic)

    @property
    def out_of_time(self) -> bool:
        """Whether the minutes have passed."""
        return time.monotonic() - self.began > self.minutes * 60


def options(
    program: str, trials: int, minutes: float, arguments: Sequence[str] | None = None, **more: Any
) -> tuple[Options, argparse.Namespace]:
    """Read the command line.

    Args:
        program: The module's docstring, which becomes the help text.
        trials: Default of `--trials`.
        minutes: Default of `--minutes`.
        arguments: Instead of the process's own.
        **more: Further options by name (underscores become dashes) with their defaults; a default of False is a switch.
    """
    parser = argparse.ArgumentParser(description=program, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=trials, help=f"how often to repeat [{trials}]")
    parser.add_argument("--minutes", type=float, default=minutes, help=f"stop after that and print [{minutes:g}]")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the figures there, too")
    for name, default in more.items():
        flag = f"--{name.replace('_', '-')}"
        if default is False:
            parser.add_argument(flag, action="store_true")
        else:
            parser.add_argument(flag, type=type(default), default=default, help=f"[{default}]")
    known = parser.parse_args(arguments)
    return Options(known.trials, known.minutes, known.json), known


@dataclass
class Row:
    """One line of a table: a figure, as measured, beside its target.

    Attributes:
        figure: What it is.
        measured: As shown.
        target: What it is to reach, or empty.
        note: What else to know of it, such as the number of trials.
        value: The figure as a number, for the JSON.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    figure: str
    measured: str
    target: str = ""
    note: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass
class Report:
    """A program's figures; written to the JSON as they come, printed at the end.

    Attributes:
        title: Of the table.
        options: The command line's.
        rows: The figures.
        notes: Sentences under the table: how it was measured.
        raw: Single measurements, for the JSON.
    """

    title: str
    options: Options
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=lambda: machine())

    def save(self) -> None:
        """Write the JSON, whole or partial."""
        path = self.options.json
        if path is None:
            return
        value = {
            "title": self.title,
            "machine": self.machine,
            "seconds": round(time.monotonic() - self.options.began, 1),
            "rows": [asdict(row) for row in self.rows],
            "notes": self.notes,
            "raw": self.raw,
        }
        path.write_text(json.dumps(value, indent=1, default=_plain))

    def print(self) -> None:
        """Print the table and write the JSON."""
        self.save()
        headings = ("figure", "measured", "target", "note")
        lines = [headings, *((row.figure, row.measured, row.target, row.note) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        print(f"\n{self.title}\n{machine_line(self.machine)}\n")
        for number, line in enumerate(lines):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
            if not number:
                print("  ".join("─" * width for width in widths))
        for note in self.notes:
            print(f"· {note}")
        print(f"· {time.monotonic() - self.options.began:.0f} s in all.")


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "scikit-learn": _version("scikit-learn"),
        "textual": _version("textual"),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def machine_line(facts: dict[str, Any]) -> str:
    """The same in a line, with the load as it was at the start."""
    load = "/".join(f"{value:g}" for value in facts["load"])
    named = ", ".join(f"{name} {facts[name]}" for name in ("python", "numpy", "scikit-learn", "textual"))
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['os']}, {named}, load {load} at the start"


def progress(words: str) -> None:
    """Say on stderr how far it has come."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{words:<100}"[:119], end=end, file=sys.stderr, flush=True)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate; the whole range where there are no trials."""
    if not trials:
        return 0.0, 1.0
    z, share = NORMAL_95, hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def rate(hits: int, trials: int) -> str:
    """A rate with its interval and what it rests on: `2.5 % (1.1–5.7, 200)`."""
    if not trials:
        return "—"
    low, high = wilson(hits, trials)
    return f"{100 * hits / trials:.1f} % ({100 * low:.1f}–{100 * high:.1f}, {trials})"


def bootstrap(
    values: ArrayLike, statistic: Callable[..., Any] = np.median, *, seed: int = 0
) -> tuple[float, float, float]:
    """Return a statistic of independent values and its 95 % percentile-bootstrap interval."""
    array = np.asarray(values, dtype=np.float64)
    drawn: NDArray[np.int64] = np.random.default_rng(seed).integers(0, array.size, (RESAMPLES, array.size))
    low, high = np.quantile(statistic(array[drawn], axis=1), [0.025, 0.975])
    return float(statistic(array)), float(low), float(high)


def duration(seconds: float) -> str:
    """Three significant figures with their unit."""
    for limit, unit, factor in ((1e-6, "ns", 1e9), (1e-3, "µs", 1e6), (1.0, "ms", 1e3)):
        if abs(seconds) < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def percentage(share: float, low: float | None = None, high: float | None = None) -> str:
    """A signed percentage, with its interval where there is one."""
    shown = f"{100 * share:+.2f} %"
    return shown if low is None or high is None else f"{shown} ({100 * low:+.2f} to {100 * high:+.2f})"


def child_environment() -> dict[str, str]:
    """The environment for a child process: compiled files are kept, as a user's are, and the size is the terminal's."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "COLUMNS", "LINES")
    }
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "—"
