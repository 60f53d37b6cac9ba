"""The schema of a result: one plan, measured once in one environment. Screens, files and the Python API read it.

Times are in seconds here and in the JSON; `engine` and `stats` use nanoseconds.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.catalog.working_tree import WorkingTree
from latency_tui.engine.protocol import CallInput, Environment
from latency_tui.errors import UnknownCandidateError, UsageError
from latency_tui.plan import Plan
from latency_tui.plan.suggest import hint
from latency_tui.result.check_outcome import CheckOutcome
from latency_tui.result.checkpoint import Checkpoint
from latency_tui.result.distribution import Distribution
from latency_tui.result.host_entries import SEPARATOR, HostEntry, entry_of, split_host
from latency_tui.result.json_arrays import Integers, Samples, decode_row, encode_array, to_builtin
from latency_tui.result.launch_statistics import LaunchStatistics
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.load import HighestRate, LoadResult
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.mix import ClassComparison, ClassResult
from latency_tui.result.noise import Noise
from latency_tui.result.offline import OfflineResult
from latency_tui.result.steps import Step, StepPass
from latency_tui.result.sweep import SweepCurve
from latency_tui.result.trade_off import TradeOff
from latency_tui.stats.comparison import Comparison
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.percentiles import Percentile

JSON_SCHEMA_VERSION = 1

Status = Literal["measured", "failed", "cancelled"]

MAX_BYTES = 4 << 30
"""Largest file that is read: the size of 18 models with ten million runs each."""

_LATE_CONTROLS = re.compile(r"[\x7f-\x9f]")


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one candidate's latencies, in seconds."""

    mean: float
    std: float
    min: float
    max: float
    p50: Percentile
    p90: Percentile
    p95: Percentile
    p97: Percentile
    p99: Percentile
    p99_9: Percentile
    mean_low: float | None = None
    mean_high: float | None = None


class ColdStart(msgspec.Struct, frozen=True, kw_only=True):
    """Cold-start cost of a fresh process, measured separately from the timed calls; medians over launches.

    Attributes:
        import_seconds: Time to import the modules of the model and of its runtime.
        load_seconds: Time to load the fitted model from a pickle, regardless of the format of its file.
        memory_before: Resident memory of the bare process, in bytes.
        memory_after: Resident memory after loading the model, in bytes.
        memory_peak: Peak resident memory, including the first calls and their inputs, in bytes.
        first_calls: Durations of the first calls (at most 100), in seconds.
    """

    import_seconds: float
    load_seconds: float
    memory_before: int
    memory_after: int
    memory_peak: int
    first_calls: tuple[float, ...] = ()


class PredictionDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Differences between the predictions of a candidate under another interpreter and those of its counterpart.

    Attributes:
        reference: Slug of the counterpart, see `Plan.counterparts`.
        rows: Number of rows that both predicted.
        differing: Number of rows on which they differ.
    """

    reference: str
    rows: int
    differing: int


class CandidateResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one candidate.

    Attributes:
        name: Display name.
        slug: The name as typed on the command line.
        colour: Its colour, `#rrggbb`.
        status: `measured`, `failed`, or `cancelled` if it was stopped before the first call.
        error: The error in one line, if there was one.
        traceback: Traceback of the error.
        training_seconds: Duration of `fit`; None if the model was already fitted.
        score: Score on the test rows.
        score_low: Lower end of the confidence interval of the score; None if there is none.
        score_high: Upper end of this interval.
        metric: Metric of the score, such as `accuracy` or `r2`; empty if there is no score.
        score_problem: Why there is no score; empty if there is one or if none was asked for.
        notes: Warnings raised during training, and notes on how it was measured.
        cold_start_seconds: Duration of the first call of a process, which is never a sample. The process is a fresh one
            that loaded the model if the plan asks for a cold start, otherwise a fork.
        cold_start: Start-up time and memory, if the plan asks for a cold start.
        after_switch_seconds: Median of the first call after another candidate's block, which is never a sample.
        gc_calls: Calls that garbage collection paused.
        gc_seconds: Total duration of these pauses.
        calls: Number of calls, whether or not their samples are kept.
        samples_kept: Number of calls from which percentiles are computed. In a very long measurement this is a random
            sample from every block. All other figures are from all calls.
        samples: Latencies in the order measured, `(n_samples,)` seconds; None if they are left out.
        rounds: Index of the first sample of each round.
        launches: Index of the first sample of each launch.
        complete_launches: Number of launches, except for a last one with fewer than half of its rounds; 0 if unknown.
        statistics: Statistics of its latencies; None if nothing was measured.
        distribution: The distribution of the latencies, also if the samples are left out; None if nothing was measured.
        per_launch: Statistics of each of these launches, from which saved results are compared.
        throughput: Rows per second of call time.
        classes: Statistics per class of requests of a mix; empty if all calls have the same batch size.
        mix_average: Latency in seconds of the average call of a mix: the medians of its classes, weighted by share,
            without classes of less than 1 %. Candidates are compared by it.
        batch_sizes: Rows of each call of a mix, `(n_samples,)`, in the order of `samples`.
        received: What each call received; None before the first call.
        group: Group letters; candidates that share a letter are not shown to differ.
        versions: Versions of Python and of the libraries in its environment, by name, if the plan has several.
        predictions: Its predictions compared with those of its counterpart; None if it has no counterpart.
    """

    name: str
    slug: str
    status: Status
    colour: str = ""
    error: str | None = None
    traceback: str | None = None
    training_seconds: float | None = None
    score: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    metric: str = ""
    score_problem: str = ""
    notes: tuple[str, ...] = ()
    cold_start_seconds: float | None = None
    cold_start: ColdStart | None = None
    after_switch_seconds: float | None = None
    gc_calls: int = 0
    gc_seconds: float = 0.0
    calls: int = 0
    samples_kept: int = 0
    samples: Samples | None = None
    rounds: tuple[int, ...] = ()
    launches: tuple[int, ...] = ()
    complete_launches: int = 0
    statistics: Statistics | None = None
    distribution: Distribution | None = None
    per_launch: tuple[LaunchStatistics, ...] = ()
    throughput: float | None = None
    classes: tuple[ClassResult, ...] = ()
    mix_average: float | None = None
    batch_sizes: Integers | None = None
    received: CallInput | None = None
    group: str = ""
    versions: dict[str, str] = {}
    predictions: PredictionDifference | None = None

    @property
    def typical_seconds(self) -> float:
        """The latency by which candidates are compared: the p50, or the average call of a mix; 0 if it is unknown."""
        if self.mix_average is not None:
            return self.mix_average
        return (self.statistics.p50.value if self.statistics else None) or 0.0

    def __repr__(self) -> str:
        """Return one line: a model may have millions of samples."""
        median = f", p50 {(self.statistics.p50.value or 0.0) * 1e3:.3g} ms" if self.statistics else ""
        return f"<CandidateResult {self.slug}: {self.status}, {self.calls:,} calls{median}>"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one plan, measured once in one environment.

    Attributes:
        json_schema_version: Version of the JSON schema.
        created_at: When the measurement began.
        plan: The plan.
        environment: Hardware and software; None if no engine started.
        candidates: Results of the candidates, in the plan's order.
        comparisons: Comparisons of all other measured candidates with the baseline.
        revision_comparisons: Comparisons of each candidate of the working tree with itself at the revision; to these,
            relative limits apply. Empty if the plan has no revision.
        class_comparisons: Comparisons per class of requests of a mix; empty if there is no mix.
        equivalence: Half-width of the region of practical equivalence that the verdicts use: that of the plan, or the
            difference of the control if that is larger.
        limits: Whether each measured candidate meets each limit of the plan.
        load: What requests took under load, per candidate and rate, if the plan has a load test.
        highest_rates: The highest rate of each candidate, if the plan searches it.
        offline: The throughput of each candidate in the scenario offline.
        trade_off: Scores against latencies; None if fewer than two candidates were measured or none has a score.
        noise: Noise of the machine.
        steps: Steps of the models, if the plan asks for them; those of a candidate are in the order of a tree.
        step_passes: The pass in which the steps of each candidate were timed.
        answer: The answer in one sentence.
        more: How much more to measure: the rest after a stop, or what should decide an open answer; None if no
            amount is known to help.
        sweeps: One curve per sweep and model; empty without sweeps.
        check: What `latency-tui check` found; None if it did not measure this result.
        inputs: SHA-256 of the measured files and modules, and versions of the libraries that load them, by name.
        working_tree: The git working tree that models come from; None if they come from none.
        checkpoint: What `run --continue` needs in addition to the samples; None if samples are left out.
    """

    json_schema_version: int = JSON_SCHEMA_VERSION
    created_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    plan: Plan
    environment: Environment | None = None
    candidates: tuple[CandidateResult, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    revision_comparisons: tuple[Comparison, ...] = ()
    class_comparisons: tuple[ClassComparison, ...] = ()
    equivalence: float = EQUIVALENCE
    limits: tuple[LimitVerdict, ...] = ()
    load: tuple[LoadResult, ...] = ()
    highest_rates: tuple[HighestRate, ...] = ()
    offline: tuple[OfflineResult, ...] = ()
    trade_off: TradeOff | None = None
    noise: Noise = Noise()
    steps: tuple[Step, ...] = ()
    step_passes: tuple[StepPass, ...] = ()
    answer: str = ""
    more: MeasurementAmount | None = None
    sweeps: tuple[SweepCurve, ...] = ()
    check: CheckOutcome | None = None
    inputs: dict[str, str] = {}
    working_tree: WorkingTree | None = None
    checkpoint: Checkpoint | None = None

    def candidate(self, name: str) -> CandidateResult:
        """Return the candidate with this slug or name.

        Raises:
            UnknownCandidateError: There is no such candidate; the error is also a `KeyError`.
        """
        known = {**{one.name: one for one in self.candidates}, **{one.slug: one for one in self.candidates}}
        if name in known:
            return known[name]
        slugs = [one.slug for one in self.candidates]
        raise UnknownCandidateError(f"There is no candidate {name!r}; {hint(str(name), slugs)}")

    @property
    def measured(self) -> tuple[CandidateResult, ...]:
        """The candidates with statistics, in ascending order of p50, or of the average call of a mix."""
        return tuple(sorted((c for c in self.candidates if c.statistics), key=lambda c: c.typical_seconds))

    @property
    def baseline(self) -> str | None:
        """Slug of the baseline: the candidate that the plan names, or the fastest; None if nothing was measured."""
        measured = {candidate.slug: candidate.status for candidate in self.measured}
        if measured.get(self.plan.baseline or "", "failed") != "failed":
            return self.plan.baseline
        compared = {comparison.baseline for comparison in self.comparisons}
        return compared.pop() if len(compared) == 1 else next(iter(measured), None)

    @property
    def complete_launches(self) -> int:
        """Number of launches that the statistics use, without a last one that was stopped early; 0 if it is unknown."""
        failed = {candidate.slug for candidate in self.candidates if candidate.status == "failed"}
        compared = [c.launches for c in self.comparisons if not {c.baseline, c.candidate} & failed]
        own = (c.complete_launches or len(c.launches) for c in self.candidates)
        return max(compared, default=0) or max(own, default=0)

    def without_samples(self) -> Result:
        """Return the same result without samples."""
        without = {"samples": None, "rounds": (), "launches": (), "batch_sizes": None}
        bare = tuple(msgspec.structs.replace(c, **without) for c in self.candidates)
        return msgspec.structs.replace(self, candidates=bare, checkpoint=None)

    def to_json(self, *, samples: bool = True) -> str:
        """Return the result as versioned JSON, with times in seconds; `samples=False` leaves the samples out."""
        return "".join(self.json_pieces(samples=samples))

    def json_pieces(self, *, samples: bool = True, indent: int | None = 2) -> Iterator[str]:
        """Yield the text of `to_json` in pieces, so that millions of samples are never in memory as text.

        Each array of samples is on one line and the rest is indented; everything is on one line if `indent` is None.
        """
        value = self if samples else self.without_samples()
        candidates = tuple(msgspec.structs.replace(c, rounds=np.asarray(c.rounds)) for c in value.candidates)
        mark = uuid.uuid4().hex  # placeholder for the arrays while the rest is formatted
        rows: list[NDArray[Any]] = []

        def encode_as_mark(row: Any) -> Any:  # Any: msgspec calls the hook with every type that it does not know
            if not isinstance(row, np.ndarray):
                return to_builtin(row)
            rows.append(row)
            return mark

        text = msgspec.json.encode(msgspec.structs.replace(value, candidates=candidates), enc_hook=encode_as_mark)
        formatted = text if indent is None else msgspec.json.format(text, indent=indent)
        first, *others = _harmless(formatted).split(f'"{mark}"')
        yield first
        for row, after in zip(rows, others, strict=True):
            yield from encode_array(row)
            yield after


def load(path: str | Path) -> Result:
    """Read a result written by `Result.save` or `latency-tui run --format json`; `hosts.json#web1` is that of a host.

    Raises:
        UsageError: The file cannot be read or is not a result of this version.
    """
    file, host = split_host(path)
    return decode(read_whole(file, MAX_BYTES, wanted="result"), file, host)


def decode(content: bytes, path: str | Path, host: str = "") -> Result:
    """Decode the JSON of a result.

    Args:
        content: The JSON.
        path: The file that it comes from, for messages.
        host: Name of the host whose result is wanted, if the file holds those of several hosts.

    Raises:
        UsageError: It is not a result of this version, or there is no result of that host.
    """
    head = decode_head(content, path)
    if head.json_schema_version > JSON_SCHEMA_VERSION:
        raise UsageError(
            f"{path} was written by a newer latency-tui (JSON schema version {head.json_schema_version}); upgrade to "
            "read it."
        )
    if head.hosts is not None:
        content = entry_of(head.hosts, host, path)
    elif host:
        raise UsageError(f"{path} holds the result of one machine; omit {SEPARATOR}{host}.")
    try:
        return _decoder.decode(content)
    except (msgspec.MsgspecError, UsageError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a result of latency-tui: {str(error).rstrip('.')}.") from error


class Head(msgspec.Struct):
    """What is decoded first, because a later version may change the meaning of other fields.

    Attributes:
        json_schema_version: The schema version.
        hosts: The results of several hosts; None in the result of one machine.
    """

    json_schema_version: int = JSON_SCHEMA_VERSION
    hosts: tuple[HostEntry, ...] | None = None


def decode_head(content: bytes, path: str | Path) -> Head:
    """Decode the schema version and the hosts of a result.

    Raises:
        UsageError: It is not a result.
    """
    try:
        return msgspec.json.decode(content, type=Head)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a result of latency-tui: {str(error).rstrip('.')}.") from error


def _harmless(json: bytes) -> str:
    """Escape control characters that JSON permits but terminals interpret; they occur only within strings."""
    return _LATE_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.decode())


_decoder = msgspec.json.Decoder(Result, dec_hook=decode_row)
