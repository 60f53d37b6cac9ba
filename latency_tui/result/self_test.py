"""The outcome of `latency-tui check --self-test`."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.result.gate import GateLine


class SelfTestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One copy of the baseline in a self-test.

    Attributes:
        name: What was done to it.
        slowdown: The share by which each of its calls is slower.
        line: The line of the gate.
        succeeds: Whether the gate says of it what it should.
    """

    name: str
    slowdown: float
    line: GateLine
    succeeds: bool


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a gate sees a known slowdown on this machine, and stays quiet on an identical model.

    Attributes:
        verdict: `PASS` if it does both.
        exit_code: Exit code of the command.
        limit: The limit that was tested.
        lines: One line per copy.
        environment: Hardware and software.
        seconds: Duration of the self-test.
    """

    verdict: Literal["PASS", "FAIL"]
    exit_code: int
    limit: str
    lines: tuple[SelfTestLine, ...]
    environment: Environment | None = None
    seconds: float = 0.0
