"""Reads result files of pytest-benchmark (`--benchmark-json`): all values come from one process."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.errors import UsageError
from latency_tui.result.other_tools.suite import Suite, Unnamed, name_benchmarks


class _Statistics(msgspec.Struct):
    data: list[float] | None = None
    iterations: int = 1


class _Benchmark(msgspec.Struct):
    name: str
    stats: _Statistics
    fullname: str = ""


class _Processor(msgspec.Struct):
    brand_raw: str = ""
    count: int = 0


class _Machine(msgspec.Struct):
    node: str = ""
    system: str = ""
    release: str = ""
    python_version: str = ""
    cpu: _Processor = msgspec.field(default_factory=_Processor)


class _File(msgspec.Struct):
    benchmarks: list[_Benchmark]
    machine_info: _Machine | None = None
    datetime: str = ""


_decoder = msgspec.json.Decoder(_File)


def decode(content: bytes) -> Suite:
    """Return the benchmarks of a pytest-benchmark file.

    Raises:
        UsageError: The file has statistics without values.
        msgspec.MsgspecError: The file is malformed.
    """
    file = _decoder.decode(content)
    return Suite(
        tool="pytest-benchmark",
        created_at=_date(file.datetime),
        environment=_environment(file.machine_info),
        benchmarks=name_benchmarks(_benchmark(one) for one in file.benchmarks),
    )


def _benchmark(benchmark: _Benchmark) -> Unnamed:
    if not benchmark.stats.data:
        raise UsageError(
            f"the values of {benchmark.name!r} are missing; write the file with --benchmark-json, or add "
            "--benchmark-save-data"
        )
    names = (benchmark.name, benchmark.fullname) if benchmark.fullname else (benchmark.name,)
    return Unnamed(names=names, launches=(benchmark.stats.data,), calls_per_value=max(benchmark.stats.iterations, 1))


def _environment(machine: _Machine | None) -> Environment | None:
    if machine is None or not (machine.node or machine.cpu.brand_raw or machine.python_version):
        return None
    return Environment(
        host=machine.node,
        os=f"{machine.system} {machine.release}".strip(),
        cpu=machine.cpu.brand_raw,
        cores=machine.cpu.count,
        python=machine.python_version,
        versions={},
    )


def _date(text: str) -> datetime | None:
    """Return a date of pytest-benchmark, which is in UTC."""
    try:
        date = datetime.fromisoformat(text)
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
