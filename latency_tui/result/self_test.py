"""The outcome of `latency-tui check --self-test`."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.result.check_outcome import GateLine


class SelfTestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One copy of a model in a self-test.

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


class ModelSelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a gate detects a known slowdown of one model on this machine, and passes an identical copy of it.

    Attributes:
        model: Its name.
        limit: The limit that was tested.
        verdict: `PASS` if the gate does both.
        lines: One line per copy; empty if nothing was measured.
        seconds: Duration of its test.
    """

    model: str
    limit: str
    verdict: Literal["PASS", "FAIL"]
    lines: tuple[SelfTestLine, ...] = ()
    seconds: float = 0.0


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a gate detects a known slowdown of each model on this machine, and passes identical copies.

    Attributes:
        verdict: `PASS` if it does both for every model.
        exit_code: Exit code of the command.
        models: The tested models.
        untested: Names of the models that were not tested, because the test ended early.
        environment: Hardware and software.
        seconds: Duration of the self-test.
    """

    verdict: Literal["PASS", "FAIL"]
    exit_code: int
    models: tuple[ModelSelfTest, ...]
    untested: tuple[str, ...] = ()
    environment: Environment | None = None
    seconds: float = 0.0
