"""The outcome of `latency-tui check --self-test`."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.result.check_outcome import GateLine


class SelfTestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One copy of the baseline in a self-test.

    Attributes:
        name: How it was modified, in a few words.
        slowdown: The share by which each of its calls is slower.
        line: The line of the gate.
        succeeds: Whether the gate gives it the expected verdict.
    """

    name: str
    slowdown: float
    line: GateLine
    succeeds: bool


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a gate detects a known slowdown on this machine, and passes an identical model.

    Attributes:
        verdict: `PASS` if it does both.
        exit_code: Exit code of the command.
        limit: The limit that was tested.
        lines: One line per copy.
        model: Name of the tested model, the baseline or the first one.
        other_models: Number of models of the check that were not tested.
        environment: Hardware and software.
        seconds: Duration of the self-test.
    """

    verdict: Literal["PASS", "FAIL"]
    exit_code: int
    limit: str
    lines: tuple[SelfTestLine, ...]
    model: str = ""
    other_models: int = 0
    environment: Environment | None = None
    seconds: float = 0.0
