"""`python -m latency_tui.engine.candidate.cold_start_child`: measures the start of one model in a fresh process.

Only the standard library is imported before the clock starts, so that the figures are those of the model: the time to
import its libraries and to load it, the memory before, after and at the peak, and the first calls. The request is read
as JSON from stdin, and the figures are written as JSON to the file that the request names.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import resource
import sys
from functools import partial
from pathlib import Path
from time import perf_counter, perf_counter_ns

from latency_tui.engine.user_imports import import_with_fallback


def main() -> None:
    """Load the model, call it, and write the figures."""
    request = json.load(sys.stdin)
    for entry in request["path"]:
        if entry not in sys.path:
            sys.path.append(entry)
    folders = request["import_folders"]
    if request["cores"]:
        with contextlib.suppress(OSError):  # they were taken away meanwhile
            os.sched_setaffinity(0, request["cores"])
    before = resident_bytes()
    started = perf_counter()
    for module in request["modules"]:
        with contextlib.suppress(ImportError):  # objects that were pickled by value have no module
            import_with_fallback(partial(importlib.import_module, module), folders)
    if request["sklearn"]:
        importlib.import_module("sklearn").set_config(**request["sklearn"])
    imported = perf_counter()
    # A candidate of this engine has just written the file, into a folder that only its user can read.
    with Path(request["model"]).open("rb") as file:
        model, method = import_with_fallback(
            lambda: (file.seek(0), pickle.load(file))[1],  # noqa: S301 (as said)
            folders,
        )
        loaded = perf_counter()
        after = resident_bytes()
        rows, fresh_per_call, *_ = pickle.load(file)  # noqa: S301 (as said)
    value_of = getattr(model, "convert_input", lambda value: value)
    call, calls, begin = getattr(model, method, model), [], perf_counter()
    for index in range(request["calls"]):
        value = rows[index % len(rows)]
        value = value_of(pickle.loads(pickle.dumps(value)) if fresh_per_call else value)  # noqa: S301 (made here)
        begun = perf_counter_ns()
        call(value)
        calls.append(perf_counter_ns() - begun)
        if perf_counter() - begin > request["seconds"]:
            break
    report = {
        "import_seconds": imported - started,
        "load_seconds": loaded - imported,
        "memory_before": before,
        "memory_after": after,
        "memory_peak": peak_bytes(),
        "first_calls": calls,
    }
    unfinished = Path(request["report"] + ".part")
    unfinished.write_text(json.dumps(report))
    unfinished.replace(request["report"])  # atomic: the file is complete or missing


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        import psutil  # deferred: it takes memory itself

        return int(psutil.Process().memory_info().rss)
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """Return the peak resident memory of this process in bytes.

    On Linux it is read from `/proc`, because `ru_maxrss` may be that of the parent, which survives exec.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
