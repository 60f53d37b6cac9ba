"""What a front end and the process that talks to a cluster for it send to each other, as lines of JSON."""

from __future__ import annotations

from functools import cache

import msgspec

from latency_tui.engine.protocol import Event
from latency_tui.plan import Plan
from latency_tui.result.hosts import HostDescription


class Connect(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Connect to a running cluster, or start one on some hosts; the first request.

    Attributes:
        cluster: Address or scheduler file of a running Dask cluster; empty to start one on `hosts`.
        hosts: Names of hosts that are reached over SSH; `local` is this machine.
        remote_python: Interpreter on hosts that are reached over SSH; None for the path of the one here.
    """

    cluster: str = ""
    hosts: tuple[str, ...] = ()
    remote_python: str | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Measure a plan on the hosts that were found; the second and last request.

    Attributes:
        plan: The plan.
        share: Whether the hosts share the launches of the plan; otherwise every host measures the whole plan.
    """

    plan: Plan
    share: bool = False


class HostsFound(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process has connected; it waits for `Measure`.

    Attributes:
        hosts: The hosts that can measure, by name.
        unusable: Why each of the other hosts cannot, by name.
    """

    hosts: dict[str, HostDescription]
    unusable: dict[str, str]


class HostEvents(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A host sent events of its measurement.

    Attributes:
        host: Its name; empty if the hosts share the plan, whose events are sent launch by launch.
        events: The events, in the order in which its engine sent them.
    """

    host: str
    events: tuple[Event, ...]


class HostProgressed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A host that shares a plan does something else.

    Attributes:
        host: Its name.
        words: What it does.
    """

    host: str
    words: str


class HostEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A host has ended its measurement.

    Attributes:
        host: Its name; empty for all hosts that share a plan.
        error: Why it ended early, in sentences; empty if it did not.
    """

    host: str
    error: str = ""


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process cannot go on; it ends.

    Attributes:
        message: The reason, in one sentence that says what to do.
    """

    message: str


Request = Connect | Measure
Reply = HostsFound | HostEvents | HostProgressed | HostEnded | Failed
_encoder = msgspec.json.Encoder()


@cache
def _request_decoder() -> msgspec.json.Decoder[Request]:
    return msgspec.json.Decoder(Request)


@cache
def _reply_decoder() -> msgspec.json.Decoder[Reply]:
    return msgspec.json.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """Return one line, with its newline."""
    return _encoder.encode(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a request; raises `msgspec.ValidationError` or `msgspec.DecodeError` if it is invalid."""
    return _request_decoder().decode(line)


def decode_reply(line: bytes) -> Reply:
    """Read a reply; raises `msgspec.ValidationError` or `msgspec.DecodeError` if it is invalid."""
    return _reply_decoder().decode(line)
