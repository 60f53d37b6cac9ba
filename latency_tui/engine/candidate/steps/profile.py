"""Reads a profile of ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

HALF_MICROSECOND = 500.0
"""The profiler cuts durations to whole microseconds, so half of one is added: the middle of what it can have been."""


class Operator(NamedTuple):
    """One node of the graph in one run: its name, its type, and its duration in nanoseconds."""

    name: str
    type: str
    nanoseconds: float


def read_profile(path: Path) -> list[list[Operator]]:
    """Return the operators of each run in a profile of ONNX Runtime, in the order of the runs."""
    runs: list[list[Operator]] = []
    run: list[Operator] = []
    for event in json.loads(path.read_bytes()):
        if event.get("cat") == "Node" and str(event.get("name", "")).endswith("_kernel_time"):
            kind = str(event.get("args", {}).get("op_name", ""))
            name = event["name"].removesuffix("_kernel_time")
            run.append(Operator(name, kind, event["dur"] * 1e3 + HALF_MICROSECOND))
        elif event.get("name") == "model_run":
            runs.append(run)
            run = []
    return runs
