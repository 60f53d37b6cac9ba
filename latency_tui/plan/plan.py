"""The plan: candidates, workload and how long to measure, as one value that is validated before anything runs."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Literal

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, number_apart
from latency_tui.plan.datasets import Dataset, SyntheticDataset
from latency_tui.plan.limits import FRESH, Limit
from latency_tui.plan.pinning import Pinning
from latency_tui.plan.trust import Trust
from latency_tui.stats.equivalence import EQUIVALENCE

Method = Literal["predict", "predict_proba", "decision_function", "transform"]
METHODS: tuple[Method, ...] = ("predict", "predict_proba", "decision_function", "transform")
MOST_TRAINING_SECONDS = 30 * 86_400
MOST_RUNS = 10_000_000


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What every candidate is asked: dataset, method, batch size and scenario.

    Attributes:
        dataset: Inputs, and targets if they are known.
        method: What is called.
        batch_size: Rows per call.
        scenario: How calls follow each other.
        shapes: Shapes of a model's named inputs, rows per call first, for axes that the model leaves free and no data
            give; `""` names the only input.
    """

    dataset: Dataset = SyntheticDataset()
    method: Method = "predict"
    batch_size: int = 1
    scenario: Literal["single-stream"] = "single-stream"
    shapes: dict[str, tuple[int, ...]] = {}

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= 1_000_000:
            raise UsageError(f"The batch size must be a whole number from 1 to 1,000,000, not {self.batch_size:,}.")
        if self.method not in METHODS:
            raise UsageError(f"The method must be one of {', '.join(METHODS)}, not {self.method!r}.")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one measurement is made of.

    Attributes:
        candidates: What gets compared; names are unique.
        workload: What each of them is asked.
        runs: Calls a candidate and launch; None where one of the next two says how long.
        seconds: Time spent in timed calls a candidate and launch, instead of `runs`.
        until_known: Measure until every candidate is told apart from the baseline or known to be the same, instead of
            `runs`. The first launch decides; further ones measure as many rounds.
        max_seconds: When to give up on that, in seconds a launch.
        control: Whether a hidden copy of the first candidate is taken along, to know what this machine makes of two
            that are identical.
        equivalence: Half-width of the region of practical equivalence; 0.01 is a ratio within 1 %.
        cold_start: Whether start-up and memory of each candidate are measured too, in a pass of their own.
        baseline: Slug of the candidate that the others are compared with; None for the fastest.
        launches: Number of fresh engines that measure the plan, one after the other.
        seed: Seeds the order of turns and of rows.
        call_timeout: Seconds after which a call counts as hung.
        training_timeout: Seconds that training one model may take; None for any time.
        pinning: `auto` for one quiet core, `none`, or the numbers of the cores to use.
        threads: Threads of BLAS and OpenMP in a candidate.
        memory_limit: Bytes that one candidate may take; None for most of what is free when it starts.
        limits: Conditions that candidates are judged by.
        trust: Which model files may run their author's code.
    """

    candidates: tuple[Candidate, ...]
    workload: Workload = Workload()
    runs: int | None = 100
    seconds: float | None = None
    until_known: bool = False
    max_seconds: float = 60.0
    control: bool = False
    equivalence: float = EQUIVALENCE
    cold_start: bool = False
    baseline: str | None = None
    launches: int = 1
    seed: int = 0
    call_timeout: float = 60.0
    training_timeout: float | None = None
    pinning: Pinning = "auto"
    threads: int = 1
    memory_limit: int | None = None
    limits: tuple[Limit, ...] = ()
    trust: Trust = Trust()

    def __post_init__(self) -> None:
        if not self.candidates:
            raise UsageError("Choose at least one model to measure.")
        slugs = [candidate.slug for candidate in self.candidates]
        names = [candidate.name for candidate in self.candidates]
        for name, slug in zip(names, slugs, strict=True):
            if names.count(name) > 1 or slugs.count(slug) > 1:
                raise UsageError(f"Two candidates are called {name!r}; give one of them another name.")
        for one, other in combinations(self.candidates, 2):
            if one.is_same(other):
                raise UsageError(f"{one.slug} and {other.slug} are the same; a control (--control) measures one twice.")
        if [self.runs is not None, self.seconds is not None, self.until_known].count(True) != 1:
            raise UsageError("Say one of: how many runs, how many seconds, or until it is known.")
        if self.runs is not None and not 1 <= self.runs <= MOST_RUNS:
            raise UsageError(f"Runs must be a whole number from 1 to {MOST_RUNS:,}, not {self.runs:,}.")
        if self.seconds is not None and not (math.isfinite(self.seconds) and 0 < self.seconds <= 86_400):
            raise UsageError(f"The time must be more than 0 and at most 86,400 seconds, not {self.seconds:g}.")
        if not (math.isfinite(self.max_seconds) and 0 < self.max_seconds <= 86_400):
            raise UsageError(f"The longest time must be more than 0 and at most 86,400 s, not {self.max_seconds:g}.")
        if not (math.isfinite(self.equivalence) and 0 <= self.equivalence < 1):
            raise UsageError(
                f"The region of equivalence must be a share, 0 or more and less than 1, not {self.equivalence:g}."
            )
        for limit in self.limits:
            if limit.candidate is not None and limit.candidate not in slugs:
                raise UsageError(
                    f"The limit '{limit}' is for {limit.candidate!r}, which is not among the candidates: "
                    f"{', '.join(slugs)}."
                )
            if limit.metric in FRESH and not self.cold_start:
                raise UsageError(f"The limit '{limit}' is on what only a cold start measures; ask for that too.")
            if limit.relative and len(self.candidates) < 2:
                raise UsageError(f"The limit '{limit}' compares with a baseline; that takes two models.")
        if self.until_known and len(self.candidates) < 2 and not self.limits:
            raise UsageError("Measuring until it is known takes two models at least: it is their difference.")
        if not 1 <= self.launches <= 1000:
            raise UsageError(f"Launches must be a whole number from 1 to 1,000, not {self.launches:,}.")
        if not (math.isfinite(self.call_timeout) and 0 < self.call_timeout <= 86_400):
            raise UsageError(
                f"The call timeout must be more than 0 and at most 86,400 seconds, not {self.call_timeout:g}."
            )
        longest = self.training_timeout
        if longest is not None and not (math.isfinite(longest) and 0 < longest <= MOST_TRAINING_SECONDS):
            raise UsageError(
                f"The training timeout must be more than 0 and at most {MOST_TRAINING_SECONDS:,} s, not {longest:g}."
            )
        if not 1 <= self.threads <= 4096:
            raise UsageError(f"Threads must be a whole number from 1 to 4,096, not {self.threads:,}.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"The seed must be a whole number from 0 to {2**32 - 1:,}, not {self.seed:,}.")
        if self.baseline is not None and self.baseline not in slugs:
            raise UsageError(f"The baseline {self.baseline!r} is not among the candidates: {', '.join(slugs)}.")

    @property
    def control_candidate(self) -> Candidate | None:
        """The hidden copy of the first candidate, where the plan asks for one."""
        if not self.control:
            return None
        first = self.candidates[0]
        copy = msgspec.structs.replace(first, model=msgspec.structs.replace(first.model, name=f"{first.name} control"))
        return number_apart([copy], taken=self.candidates)[0]

    @property
    def turns(self) -> tuple[Candidate, ...]:
        """Everyone who takes turns: the candidates, and the control where there is one."""
        control = self.control_candidate
        return self.candidates if control is None else (*self.candidates, control)
