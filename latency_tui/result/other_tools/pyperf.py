"""Reads result files of pyperf (JSON format 1.0): every run with values is a separate process."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.errors import UsageError
from latency_tui.result.other_tools.suite import Suite, Unnamed, name_benchmarks

_Metadata = dict[str, Any]  # Any: numbers, strings and lists, by key


class _Run(msgspec.Struct):
    values: list[float] = []
    metadata: _Metadata = {}


class _Benchmark(msgspec.Struct):
    runs: list[_Run]
    metadata: _Metadata = {}


class _File(msgspec.Struct):
    version: str | int | float
    benchmarks: list[_Benchmark]
    metadata: _Metadata = {}


_decoder = msgspec.json.Decoder(_File)


def decode(content: bytes) -> Suite:
    """Return the benchmarks of a pyperf file.

    Raises:
        UsageError: The file is of an older format, has values that are not in seconds, or has no values.
        msgspec.MsgspecError: The file is malformed.
    """
    file = _decoder.decode(content)
    if str(file.version) != "1.0":
        raise UsageError(f"its format {file.version} is not 1.0; convert it with 'python -m pyperf convert'")
    found = [_benchmark(one, file.metadata) for one in file.benchmarks]
    merged = [
        {**file.metadata, **one.metadata, **run.metadata} for one in file.benchmarks for run in one.runs if run.values
    ]
    first = merged[0] if merged else {}
    return Suite(
        tool="pyperf",
        created_at=_date(first.get("date")),
        environment=_environment(first),
        benchmarks=name_benchmarks(found),
    )


def _benchmark(benchmark: _Benchmark, common: _Metadata) -> Unnamed:
    whole = [(run, {**common, **benchmark.metadata, **run.metadata}) for run in benchmark.runs if run.values]
    every = [metadata for _, metadata in whole] or [{**common, **benchmark.metadata}]
    name = str(every[0].get("name", ""))
    if not whole:
        raise UsageError(f"the benchmark {name!r} has no values, only a calibration")
    if (unit := every[0].get("unit", "second")) != "second":
        raise UsageError(f"the benchmark {name!r} has values in the unit {unit!r}, not in seconds")
    loops = {_number(one.get("loops"), 1) * _number(one.get("inner_loops"), 1) for one in every}
    return Unnamed(
        names=(name,),
        launches=tuple(run.values for run, _ in whole),
        calls_per_value=loops.pop() if len(loops) == 1 else None,
    )


def _environment(metadata: _Metadata) -> Environment | None:
    host, cpu = str(metadata.get("hostname", "")), str(metadata.get("cpu_model_name", ""))
    python = str(metadata.get("python_version", "")).partition(" ")[0]
    if not (host or cpu or python):
        return None
    system, _, release = str(metadata.get("platform", "")).partition("-")
    return Environment(
        host=host,
        os=f"{system} {release.split('-x86_64')[0].split('-aarch64')[0]}".strip(),
        cpu=cpu,
        cores=_number(metadata.get("cpu_count"), 0),
        python=python,
        versions={},
    )


def _date(value: object) -> datetime | None:
    """Return a date of pyperf, which is in local time without a time zone; None if it is invalid."""
    try:
        return datetime.fromisoformat(str(value)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
