"""Rows of the history: the figures of a result that are shown without decoding its document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.history.fingerprint import environment_fingerprint, plan_fingerprint, result_id
from latency_tui.history.writing_process import State
from latency_tui.plan import Plan

if TYPE_CHECKING:
    from latency_tui.result.result import Result

COLUMNS = "id, created_us, finished, writer, name, plan, environment, summary, number"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Totals(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What was measured and where, and the figures of the fastest candidate; new fields are added at the end.

    Attributes:
        dataset: The dataset in a few words.
        method: The method that was called.
        batch_size: Rows per call.
        models: Names of the models; a sweep has several candidates of each.
        host: Host on which it was measured.
        cpu: CPU model.
        cores: Number of cores.
        python: Version of Python.
        calls: Number of calls of all candidates.
        fastest: Name of the candidate with the smallest p50; empty if nothing was measured.
        p50: Its median latency in seconds.
        p50_low: Lower end of the interval of its p50.
        p50_high: Upper end of this interval.
        p99: Its p99 in seconds.
        answer: The answer in one sentence.
        verdict: The verdict of `latency-tui check`; empty if it did not measure the result.
    """

    dataset: str
    method: str
    batch_size: int
    models: tuple[str, ...]
    host: str = ""
    cpu: str = ""
    cores: int = 0
    python: str = ""
    calls: int = 0
    fastest: str = ""
    p50: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p99: float | None = None
    answer: str = ""
    verdict: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One result of the history.

    Attributes:
        id: Its id; a unique prefix of four or more characters also identifies it.
        created_at: When the measurement began.
        state: `finished`; `measuring` while a process measures it; `unfinished` if that process was killed.
        name: Its name; empty if it has none.
        tags: Its tags, sorted.
        plan: Fingerprint of what was measured.
        environment: Fingerprint of CPU model, number of cores and versions; empty if it is unknown.
        summary: What was measured and where, and the figures of the fastest candidate.
        writer: The process that measures it, see `writing_process.describe`; empty if it is finished.
        number: Its number in the file.
    """

    id: str
    created_at: datetime
    state: State
    name: str
    tags: tuple[str, ...]
    plan: str
    environment: str
    summary: Totals
    writer: str = ""
    number: int = 0


_decoder = msgspec.msgpack.Decoder(Totals)


def row_of(values: Sequence[Any], tags: tuple[str, ...], state: State) -> Row:
    """Return the row for the values of `COLUMNS`."""
    key, created_us, _, writer, name, plan, environment, summary, number = values
    return Row(
        id=key,
        created_at=datetime.fromtimestamp(created_us / 1e6, UTC),
        state=state,
        name=name,
        tags=tags,
        plan=plan,
        environment=environment,
        summary=_decoder.decode(summary),
        writer=writer,
        number=number,
    )


def values_of(plan: Plan, created_at: datetime, environment: Environment | None = None) -> dict[str, object]:
    """Return the columns that are known during a measurement."""
    return {
        "id": result_id(created_at, plan),
        "created_us": (created_at - _EPOCH) // timedelta(microseconds=1),
        "plan": plan_fingerprint(plan),
        "environment": environment_fingerprint(environment),
        "summary": msgspec.msgpack.encode(_summarize(plan, environment)),
    }


def values_of_result(result: Result) -> dict[str, object]:
    """Return all columns of a result, except for its name."""
    summary = msgspec.structs.replace(
        _summarize(result.plan, result.environment),
        calls=sum(candidate.calls for candidate in result.candidates),
        answer=result.answer,
        verdict=result.check.verdict if result.check else "",
    )
    fastest = next(iter(result.measured), None)
    if fastest is not None and fastest.statistics is not None:
        p50, p99 = fastest.statistics.p50, fastest.statistics.p99
        summary = msgspec.structs.replace(
            summary, fastest=fastest.name, p50=p50.value, p50_low=p50.low, p50_high=p50.high, p99=p99.value
        )
    return values_of(result.plan, result.created_at, result.environment) | {"summary": msgspec.msgpack.encode(summary)}


def _summarize(plan: Plan, environment: Environment | None) -> Totals:
    summary = Totals(
        dataset=plan.workload.dataset.title,
        method=plan.workload.method,
        batch_size=plan.workload.batch_size,
        models=tuple(model.name for model in plan.curves),
    )
    if environment is None:
        return summary
    return msgspec.structs.replace(
        summary, host=environment.host, cpu=environment.cpu, cores=environment.cores, python=environment.python
    )
