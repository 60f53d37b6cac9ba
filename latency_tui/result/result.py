"""A result: a plan as measured once in one environment. The one value that screens, files and the API read.

Times are seconds here, as in the JSON; inside `engine` and `stats` they are nanoseconds.
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
from latency_tui.engine.protocol import CallInput, Environment
from latency_tui.errors import UnknownCandidateError, UsageError
from latency_tui.plan import Plan
from latency_tui.plan.suggest import hint
from latency_tui.result.checkpoint import Checkpoint
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.more import More
from latency_tui.result.rows import Samples, decode_row, in_one_line
from latency_tui.stats.equivalence import EQUIVALENCE

JSON_SCHEMA_VERSION = 1

Status = Literal["measured", "failed", "cancelled"]
Verdict = Literal["faster", "slower", "same", "inconclusive"]

_MOST_BYTES = 4 << 30
"""Of a file that is read: 18 models of ten million runs each take that."""

_LATE_CONTROLS = re.compile(r"[\x7f-\x9f]")


class Percentile(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile with its 95 % interval, in seconds.

    Attributes:
        value: The sample percentile; None where there are no calls.
        low: Lower end of the interval, None where nothing bounds it.
        high: Upper end; None where there were too few calls, or they were made in too short a time.
        calls_needed: Calls that a two-sided interval would need; None where there were enough.
        seconds_needed: Where there were enough: how long the measurement would have to last, all launches together, for
            a two-sided interval; None where it lasted as long. Until then the percentile is that of the moment.
        launches_needed: Where there were enough of each launch: how many launches like these it would need, for they
            lie apart; None where it is not launches that are missing.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    calls_needed: int | None = None
    seconds_needed: float | None = None
    launches_needed: int | None = None

    @property
    def is_bound(self) -> bool:
        """Whether `low` is all that can be said: there were too few calls for more."""
        return self.calls_needed is not None or (self.high is None and self.seconds_needed is None)


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
    """What a fresh process of a candidate costs, measured apart from everything timed; medians over launches.

    Attributes:
        import_seconds: Importing the modules of the model's class, of its parts and of the library that answers.
        load_seconds: Reading the fitted model from a pickle that its process wrote, whatever it came from itself.
        memory_before: Resident bytes of the bare process.
        memory_after: Resident bytes once the model is loaded.
        memory_peak: Most resident bytes, calls and the rows that they ask about included.
        first_calls: Durations of the first calls (at most 100), in seconds; the 1st, 2nd, 3rd, 10th and 100th tell
            the story.
    """

    import_seconds: float
    load_seconds: float
    memory_before: int
    memory_after: int
    memory_peak: int
    first_calls: tuple[float, ...] = ()


class CandidateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one candidate.

    Attributes:
        name: The name shown.
        slug: The name typed.
        colour: Its colour, `#rrggbb`.
        status: `measured`, `failed`, or `cancelled` where no call was measured before the stop.
        error: One line on what went wrong, where something did.
        traceback: The whole story of the error.
        training_seconds: Time of `fit`; None where the model came fitted.
        score: Held-out accuracy or R².
        notes: Warnings raised while training, and what is peculiar to how it was measured.
        cold_start_seconds: The first call of a process, never a sample: of a fresh one that loaded the model where the
            plan asks for a cold start, or else of one that was forked for it.
        cold_start: Start-up and memory, where the plan asked for them.
        after_switch_seconds: Median of the first call after another candidate's turn; never a sample.
        gc_calls: Calls that a pause of the garbage collector fell into.
        gc_seconds: How long these pauses were, all together.
        calls: Number of calls measured (also where `samples` are left out or thinned).
        samples_kept: Number of calls that percentiles rest on: fewer where a long measurement makes more calls than are
            kept, an even random choice from every block. All other figures are of all calls.
        samples: Latencies in the order measured, `(n_samples,)` seconds; None where left out.
        rounds: Index of the first sample of each round.
        launches: Index of the first sample of each launch.
        whole_launches: How many launches it was measured in, but for a last one that was stopped before half of its
            rounds; 0 where a file does not tell.
        statistics: None where nothing was measured.
        throughput: Rows answered a second of call time.
        received: What each call received; None before the first.
        group: Letters shared with the candidates that it could not be told apart from.
    """

    name: str
    slug: str
    status: Status
    colour: str = ""
    error: str | None = None
    traceback: str | None = None
    training_seconds: float | None = None
    score: float | None = None
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
    whole_launches: int = 0
    statistics: Statistics | None = None
    throughput: float | None = None
    received: CallInput | None = None
    group: str = ""

    def __repr__(self) -> str:
        """Return one line: a model may have millions of samples."""
        median = f", p50 {(self.statistics.p50.value or 0.0) * 1e3:.3g} ms" if self.statistics else ""
        return f"<CandidateResult {self.slug}: {self.status}, {self.calls:,} calls{median}>"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Latency of `candidate` over that of `baseline`: above 1 is slower.

    Attributes:
        baseline: Slug.
        candidate: Slug.
        ratio: Median over rounds (then launches) of the ratio of block medians; None where it cannot be had.
        low: Lower end of the interval; None where there are too few rounds.
        high: Upper end.
        confidence: Of the interval, by itself.
        verdict: After Holm's correction over all pairs.
        rounds: Number of rounds that it rests on.
        launches: Number of launches that it rests on, each whole or nearly so: from three on the interval is over
            them, below that it holds for these; 0 where a file does not tell.
        seconds_to_settle: Measuring time that would likely settle an inconclusive one; None where unknown or settled.
        runs_to_settle: Further runs of each candidate that would do the same; None where runs do not help.
        launches_to_settle: Further launches that would, where runs do not; None where unknown or settled.
        predicted_low: Lower end of the prediction interval: where the ratio will lie in a further launch, never above
            `low`; None with fewer than three launches.
        predicted_high: Upper end of the prediction interval, never below `high`.
        p99_ratio: Ratio of the two p99; None below 1,000 calls of either.
        p99_p_value: How often any of the candidates would have a p99 as far apart were they all like the baseline, by
            relabelling rounds, after Holm's correction; of a fixed length of measuring, also where it ended when known.
    """

    baseline: str
    candidate: str
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    verdict: Verdict = "inconclusive"
    rounds: int = 0
    launches: int = 0
    seconds_to_settle: float | None = None
    runs_to_settle: int | None = None
    launches_to_settle: int | None = None
    predicted_low: float | None = None
    predicted_high: float | None = None
    p99_ratio: float | None = None
    p99_p_value: float | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that disturbed the measurement, and what to do about it."""

    cause: str
    sentence: str
    severity: Literal["low", "medium", "high"]


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """How quiet the machine was while it was measured; all shares are 0 to 1.

    Attributes:
        level: `quiet`, `uneasy` or `noisy`.
        lost_time: Share of measuring time in which a candidate stood ready and something else had its core (or, where
            the system does not tell, in which it was not running: wall time less CPU time).
        disturbed_calls: Calls in blocks that the scheduler interrupted.
        gc_calls: Calls that a garbage collection fell into.
        drift: Ratio of the slowest to the fastest tenth of the rounds, less one.
        autocorrelation: Lag-1 autocorrelation of log latency inside blocks.
        timer_floor: Seconds that the timed loop reports for a call that does nothing.
        steal: Share of the rounds' time in which the host ran something else on the measured cores.
        load: Load average of the minute before, for each core of the machine.
        control: The hidden copy of the first candidate against the first itself, where the plan asked for one: what
            this machine makes of two that are identical.
        findings: Worst first.
    """

    level: Literal["quiet", "uneasy", "noisy"] = "quiet"
    lost_time: float | None = None
    disturbed_calls: int = 0
    gc_calls: int = 0
    drift: float | None = None
    autocorrelation: float | None = None
    timer_floor: float | None = None
    steal: float | None = None
    load: float | None = None
    control: Comparison | None = None
    findings: tuple[Finding, ...] = ()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as measured once in one environment.

    Attributes:
        json_schema_version: Of the JSON.
        created_at: When measuring began.
        plan: What was measured.
        environment: The machine and the software; None where nothing started.
        candidates: In the plan's order.
        comparisons: Every other measured candidate against the baseline.
        equivalence: Half-width of the region of practical equivalence that the verdicts used: the plan's, or how far
            apart the control came out where that is more.
        limits: Whether each measured candidate meets each limit of the plan.
        noise: How quiet the machine was.
        answer: The answer in a sentence.
        more: How much more would settle it, or is left of what was stopped; None if nothing is known to help.
        checkpoint: What `run --continue` needs besides the samples; None where these are left out.
    """

    json_schema_version: int = JSON_SCHEMA_VERSION
    created_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    plan: Plan
    environment: Environment | None = None
    candidates: tuple[CandidateResult, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    equivalence: float = EQUIVALENCE
    limits: tuple[LimitVerdict, ...] = ()
    noise: Noise = Noise()
    answer: str = ""
    more: More | None = None
    checkpoint: Checkpoint | None = None

    def candidate(self, name: str) -> CandidateResult:
        """Return the candidate of that slug or name.

        Raises:
            UnknownCandidateError: There is none; it is a `KeyError` too.
        """
        known = {**{one.name: one for one in self.candidates}, **{one.slug: one for one in self.candidates}}
        if name in known:
            return known[name]
        raise UnknownCandidateError(
            f"There is no candidate {name!r}; {hint(str(name), [one.slug for one in self.candidates])}"
        )

    @property
    def measured(self) -> tuple[CandidateResult, ...]:
        """Those with statistics, the fastest p50 first."""
        return tuple(sorted((c for c in self.candidates if c.statistics), key=_median))

    @property
    def baseline(self) -> str | None:
        """Slug of the one that the others are compared with: the plan's, or the fastest; None where nothing is."""
        measured = {candidate.slug: candidate.status for candidate in self.measured}
        if measured.get(self.plan.baseline or "", "failed") != "failed":
            return self.plan.baseline
        compared = {comparison.baseline for comparison in self.comparisons}
        return compared.pop() if len(compared) == 1 else next(iter(measured), None)

    @property
    def whole_launches(self) -> int:
        """How many launches the figures rest on, not counting a last one that was stopped early; 0 where unknown."""
        failed = {candidate.slug for candidate in self.candidates if candidate.status == "failed"}
        compared = [c.launches for c in self.comparisons if not {c.baseline, c.candidate} & failed]
        return max(compared, default=0) or max(
            (c.whole_launches or len(c.launches) for c in self.candidates), default=0
        )

    def without_samples(self) -> Result:
        """Return the same result without the single latencies."""
        bare = tuple(msgspec.structs.replace(c, samples=None, rounds=(), launches=()) for c in self.candidates)
        return msgspec.structs.replace(self, candidates=bare, checkpoint=None)

    def to_json(self, *, samples: bool = True) -> str:
        """Return the versioned JSON; times in seconds. `samples=False` leaves the single latencies out."""
        return "".join(self.json_pieces(samples=samples))

    def json_pieces(self, *, samples: bool = True, indent: int | None = 2) -> Iterator[str]:
        """Yield the text of `to_json` in pieces, so that millions of samples are never all text at once.

        Samples stand in one line each, the rest is indented; all is one line if `indent` is None.
        """
        value = self if samples else self.without_samples()
        candidates = tuple(msgspec.structs.replace(c, rounds=np.asarray(c.rounds)) for c in value.candidates)
        mark = uuid.uuid4().hex  # holds the place of what is long while the rest is formatted
        rows: list[NDArray[Any]] = []

        def hold(row: Any) -> str:  # Any: msgspec's hook takes whatever it does not know
            if not isinstance(row, np.ndarray):
                raise NotImplementedError(type(row))
            rows.append(row)
            return mark

        text = msgspec.json.encode(msgspec.structs.replace(value, candidates=candidates), enc_hook=hold)
        formatted = text if indent is None else msgspec.json.format(text, indent=indent)
        first, *others = _harmless(formatted).split(f'"{mark}"')
        yield first
        for row, after in zip(rows, others, strict=True):
            yield from in_one_line(row)
            yield after


def load(path: str | Path) -> Result:
    """Read a result that `Result.save` or `latency-tui run --format json` wrote.

    Raises:
        UsageError: The file cannot be read, or is no result of this version.
    """
    content = read_whole(Path(path), _MOST_BYTES, wanted="result")
    try:
        version = msgspec.json.decode(content, type=_Versioned).json_schema_version
        if version <= JSON_SCHEMA_VERSION:
            return _decoder.decode(content)
    except (msgspec.MsgspecError, UsageError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a result of latency-tui: {str(error).rstrip('.')}.") from error
    raise UsageError(f"{path} was written by a newer latency-tui, in version {version} of its JSON.")


class _Versioned(msgspec.Struct):
    """What is looked at first, for a later version may mean other things by the same names."""

    json_schema_version: int = JSON_SCHEMA_VERSION


def _harmless(json: bytes) -> str:
    """Escape the controls that JSON lets stand and that a terminal obeys; they can only be inside its strings."""
    return _LATE_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.decode())


def _median(candidate: CandidateResult) -> float:
    assert candidate.statistics is not None
    return candidate.statistics.p50.value or 0.0


_decoder = msgspec.json.Decoder(Result, dec_hook=decode_row)
