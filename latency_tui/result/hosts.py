"""The schema of a plan that was measured on several hosts. Calls of different hosts are never pooled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.result.json_arrays import decode_row
from latency_tui.result.result import JSON_SCHEMA_VERSION, Result
from latency_tui.stats.comparison import Verdict


class HostDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A host before anything is measured.

    Attributes:
        host: Its name.
        cpu: Model of its CPU.
        cores: Cores that a measurement may use.
        os: Operating system and kernel.
        python: Version of Python.
        versions: Versions of the libraries that every measurement uses, by name; includes latency-tui.
        governor: Frequency governor of its first core; None if the system has none.
        load: Load average of the last minute per core; None if the system does not report it.
        free_memory: Bytes that can be allocated.
        has_resource: Whether its worker was started with `--resources latency-tui=1`.
    """

    host: str
    cpu: str
    cores: int
    os: str
    python: str
    versions: dict[str, str]
    governor: str | None = None
    load: float | None = None
    free_memory: int = 0
    has_resource: bool = False


class HostResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one host measured.

    Attributes:
        host: Its name.
        cpu: Model of its CPU; empty if it is unknown.
        result: The result, as of one machine; None if nothing was measured.
        error: Why it measured nothing, or not everything; empty if it measured everything.
    """

    host: str
    cpu: str = ""
    result: Result | None = None
    error: str = ""


class HostRatio(msgspec.Struct, frozen=True, kw_only=True):
    """The ratio of a candidate's latency to the baseline's on one host; above 1, the candidate is slower.

    Attributes:
        host: The host.
        ratio: Estimate; None if it is unknown.
        low: Lower end of its confidence interval.
        high: Upper end of its confidence interval.
        verdict: Verdict on this host.
    """

    host: str
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Verdict


class RatioAcrossHosts(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the verdict on two candidates holds on every host.

    Attributes:
        baseline: Slug of the baseline.
        candidate: Slug of the candidate.
        verdict: The verdict of most hosts; `inconclusive` only if no host has another one.
        holds_on: Number of hosts with this verdict.
        of: Number of hosts that measured both.
        hosts: The ratio on each of them.
    """

    baseline: str
    candidate: str
    verdict: Verdict
    holds_on: int
    of: int
    hosts: tuple[HostRatio, ...] = ()


class HostsResult(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one plan on several hosts.

    Attributes:
        json_schema_version: Version of the JSON schema.
        created_at: When the measurement began.
        plan: The plan.
        hosts: The result of each host, and hosts that could not measure.
        across_hosts: Whether the verdict on each candidate holds on every host.
        answer: The answer in one or two sentences.
    """

    json_schema_version: int = JSON_SCHEMA_VERSION
    created_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    plan: Plan
    hosts: tuple[HostResult, ...]
    across_hosts: tuple[RatioAcrossHosts, ...] = ()
    answer: str = ""

    def json_pieces(self, *, samples: bool = True) -> Iterator[str]:
        """Yield the JSON in pieces; each `result` in it is as of one machine."""
        yield f'{{"json_schema_version":{self.json_schema_version},"created_at":{_encode(self.created_at)}'
        yield f',"plan":{_encode(self.plan)},"answer":{_encode(self.answer)},"hosts":['
        for number, one in enumerate(self.hosts):
            yield "," if number else ""
            yield f'{{"host":{_encode(one.host)},"cpu":{_encode(one.cpu)},"error":{_encode(one.error)},"result":'
            yield from ["null"] if one.result is None else one.result.json_pieces(samples=samples)
            yield "}"
        yield f'],"across_hosts":{_encode(self.across_hosts)}}}'


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def decode_hosts(content: bytes, path: Path) -> HostsResult:
    """Decode the JSON of the results of several hosts.

    Args:
        content: The JSON.
        path: The file that it comes from, for messages.

    Raises:
        UsageError: It is not what `HostsResult.json_pieces` returns.
    """
    try:
        return _decoder.decode(content)
    except (msgspec.MsgspecError, UsageError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a result of latency-tui: {str(error).rstrip('.')}.") from error


_decoder = msgspec.json.Decoder(HostsResult, dec_hook=decode_row)
