"""Reads a result file of any supported tool, which is detected by the content, not the name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.errors import UsageError
from latency_tui.result.host_entries import split_host
from latency_tui.result.other_tools import hyperfine, pyperf, pytest_benchmark
from latency_tui.result.other_tools.suite import Suite, Tool
from latency_tui.result.result import MAX_BYTES, Result, decode

_DECODERS = {"pyperf": pyperf.decode, "hyperfine": hyperfine.decode, "pytest-benchmark": pytest_benchmark.decode}
_TOOLS = "latency-tui, pyperf, hyperfine or pytest-benchmark"
_GZIP = b"\x1f\x8b"


_ABSENT = msgspec.Raw(b"")


class _Entry(msgspec.Struct):
    runs: msgspec.Raw = _ABSENT
    stats: msgspec.Raw = _ABSENT
    command: msgspec.Raw = _ABSENT


class _Keys(msgspec.Struct):
    """The keys that identify the tool that wrote a file."""

    plan: msgspec.Raw = _ABSENT
    json_schema_version: msgspec.Raw = _ABSENT
    benchmarks: list[_Entry] | None = None
    results: list[_Entry] | None = None
    machine_info: msgspec.Raw = _ABSENT


_keys = msgspec.json.Decoder(_Keys)


def read_file(path: Path) -> Result | Suite:
    """Read a result file of latency-tui, pyperf, hyperfine or pytest-benchmark; `hosts.json#web1` is that of a host.

    Raises:
        UsageError: The file cannot be read, or is not a result of one of these tools.
    """
    path, host = split_host(path)
    content = read_whole(path, MAX_BYTES, wanted="result")
    if content.startswith(_GZIP):
        raise UsageError(f"{path} is compressed; decompress it first, such as with gunzip.")
    tool = _tool_of(content, path)
    if tool is None:
        return decode(content, path, host)
    try:
        return _DECODERS[tool](content)
    except (msgspec.MsgspecError, UsageError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as a result of {tool}: {str(error).rstrip('.')}.") from error


def _tool_of(content: bytes, path: Path) -> Tool | None:
    """Return the tool that wrote a file; None for latency-tui.

    Raises:
        UsageError: No known tool wrote it.
    """
    try:
        keys = _keys.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a result of {_TOOLS}: {str(error).rstrip('.')}.") from error
    if keys.plan or keys.json_schema_version:
        return None
    if keys.results is not None and all(one.command for one in keys.results):
        return "hyperfine"
    if keys.benchmarks is not None and any(one.runs for one in keys.benchmarks):
        return "pyperf"
    if keys.benchmarks is not None and (keys.machine_info or any(one.stats for one in keys.benchmarks)):
        return "pytest-benchmark"
    raise UsageError(f"{path} is not a result of {_TOOLS}.")
