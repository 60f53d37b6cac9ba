"""Reads result files of hyperfine (`--export-json`): every value is one run of a command in a separate process.

In a file that latency-tui wrote in this format, the values are calls in one process.
"""

from __future__ import annotations

import msgspec

from latency_tui.errors import UsageError
from latency_tui.result.other_tools.suite import Suite, Unnamed, name_benchmarks


class _Result(msgspec.Struct):
    command: str
    times: list[float] | None = None
    exit_codes: list[int | None] = []
    parameters: dict[str, str] = {}


class _File(msgspec.Struct):
    results: list[_Result]
    generator: str = ""


_decoder = msgspec.json.Decoder(_File)


def decode(content: bytes) -> Suite:
    """Return the benchmarks of a hyperfine file.

    Raises:
        UsageError: A command has no individual times.
        msgspec.MsgspecError: The file is malformed.
    """
    file = _decoder.decode(content)
    return Suite(tool="hyperfine", benchmarks=name_benchmarks(_benchmark(one, file.generator) for one in file.results))


def _benchmark(result: _Result, generator: str) -> Unnamed:
    if not result.times:
        raise UsageError(f"the times of the single runs of {result.command!r} are missing")
    if min(result.times) == 0:
        raise UsageError(
            f"a time of {result.command!r} is 0, because hyperfine subtracted the start-up of the shell; "
            "measure with hyperfine --shell=none"
        )
    parameters = ", ".join(f"{name}={value}" for name, value in result.parameters.items())
    failures = sum(code != 0 for code in result.exit_codes)
    return Unnamed(
        names=(result.command, f"{result.command} [{parameters}]") if parameters else (result.command,),
        launches=(result.times,) if generator else tuple([time] for time in result.times),
        notes=(f"{failures:,} of {len(result.times):,} runs failed.",) if failures else (),
    )
