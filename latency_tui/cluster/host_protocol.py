"""What a front end and the tasks on its hosts send to each other: plain values as JSON, never pickles."""

from __future__ import annotations

import msgspec

from latency_tui.plan import Plan


class HostRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one host is to measure.

    Attributes:
        job: Name of the job, which all events carry.
        plan: The plan, with the paths of files on the host.
        first_launch: Number of the first launch.
        topic: Topic of the scheduler to which events are sent.
        until_limits: Whether an until-known plan ends when its limits are decided, whatever the comparisons.
    """

    job: str
    plan: Plan
    first_launch: int = 0
    topic: str = ""
    until_limits: bool = False


class HostOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a measurement on a host ended.

    Attributes:
        batches: Number of batches of events that were sent.
        error: Why the engine ended early, in one sentence; empty if it did not.
        is_data_error: Whether the reason is that the dataset cannot be read.
    """

    batches: int
    error: str = ""
    is_data_error: bool = False
