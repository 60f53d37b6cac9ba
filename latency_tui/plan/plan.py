"""The plan: candidates, workload and duration, as one value that is validated before anything runs."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Literal

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, make_slugs_unique
from latency_tui.plan.datasets import Dataset, SyntheticDataset
from latency_tui.plan.limits import COLD_START_METRICS, SCORE_METRICS, Limit, is_on_response_time
from latency_tui.plan.load import LoadTest
from latency_tui.plan.metrics import OWN_SCORE, check_metric, is_greater_better
from latency_tui.plan.mix import MAX_BATCH_SIZE, Mix, check_mix
from latency_tui.plan.pinning import Pinning
from latency_tui.plan.sweep import Sweep, without
from latency_tui.plan.trust import Trust
from latency_tui.stats.defaults import EQUIVALENCE

Method = Literal["predict", "predict_proba", "decision_function", "transform"]
METHODS: tuple[Method, ...] = ("predict", "predict_proba", "decision_function", "transform")
MAX_TRAINING_SECONDS = 30 * 86_400
"""Largest training timeout: 30 days."""
DEFAULT_MAX_SECONDS = 60.0
"""Time limit per launch of a measurement that continues until its verdicts are decided."""
DEFAULT_CALL_TIMEOUT_SECONDS = 60.0
"""Time after which a call counts as hung: far above any call that is worth measuring."""
MAX_RUNS = 10_000_000
"""Largest number of calls per candidate and launch."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What every candidate computes: dataset, method, batch size and scenario.

    Attributes:
        dataset: Inputs, and targets if they are known.
        method: The method that is called.
        batch_size: Rows per call; 1 if there is a mix.
        mix: Several batch sizes with their shares of the calls; empty if all calls have the same.
        scenario: How calls follow each other.
        shapes: Shapes of a model's named inputs, rows per call first, for axes that neither the model nor the data
            determine; the key `""` stands for the only input.
    """

    dataset: Dataset = SyntheticDataset()
    method: Method = "predict"
    batch_size: int = 1
    mix: Mix = ()
    scenario: Literal["single-stream"] = "single-stream"
    shapes: dict[str, tuple[int, ...]] = {}

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= MAX_BATCH_SIZE:
            raise UsageError(
                f"The batch size must be a whole number from 1 to {MAX_BATCH_SIZE:,}, not {self.batch_size:,}."
            )
        if self.mix and self.batch_size != 1:
            raise UsageError("A batch size and a mix of batch sizes exclude each other; give one of them.")
        check_mix(self.mix)
        if self.method not in METHODS:
            raise UsageError(f"The method must be one of {', '.join(METHODS)}, not {self.method!r}.")

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The batch sizes of the calls, in ascending order."""
        return tuple(part.batch_size for part in self.mix) or (self.batch_size,)

    @property
    def mean_batch_size(self) -> float:
        """Average rows per call."""
        return sum(part.share * part.batch_size for part in self.mix) or self.batch_size


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that defines one measurement.

    Attributes:
        candidates: The candidates that are compared; their names are unique.
        workload: What each of them computes.
        runs: Calls per candidate and launch; None if `seconds` or `until_known` sets the length.
        seconds: Seconds of timed calls per candidate and launch, instead of `runs`.
        until_known: Measure until every candidate is shown to differ from the baseline or to match it, instead of
            `runs`. The first launch decides; further launches measure as many rounds.
        max_seconds: Time limit per launch for `until_known`, in seconds.
        control: Whether to add an A/A control: a hidden duplicate of the first candidate, which shows the noise floor.
        equivalence: Half-width of the region of practical equivalence; 0.01 means ratios within 1 %.
        cold_start: Whether to also measure start-up and memory of each candidate, in a separate pass.
        steps: Whether to also time the steps of each candidate's model, in a separate pass.
        baseline: Slug of the candidate with which the others are compared; None for the fastest.
        launches: Number of fresh engine processes that measure the plan, one after the other.
        seed: Seed of the order of candidates and of rows.
        call_timeout: Seconds after which a call counts as hung.
        training_timeout: Time limit for training one model, in seconds; None for no limit.
        pinning: `auto` for one idle core, `none`, or the numbers of the cores.
        threads: Number of BLAS and OpenMP threads per candidate.
        memory_limit: Memory limit per candidate in bytes; None for most of the memory that is free when it starts.
        metric: The metric by which models are scored; None for accuracy of classifiers and R² of regressors.
        limits: Conditions that candidates must meet.
        load: A load test, after the candidates were measured alone; limits on latency are then on response times.
        trust: Which model files may run their author's code.
        sweeps: Settings whose values the candidates go through: each candidate is a cell of every sweep.
    """

    candidates: tuple[Candidate, ...]
    workload: Workload = Workload()
    runs: int | None = 100
    seconds: float | None = None
    until_known: bool = False
    max_seconds: float = DEFAULT_MAX_SECONDS
    control: bool = False
    equivalence: float = EQUIVALENCE
    cold_start: bool = False
    steps: bool = False
    baseline: str | None = None
    launches: int = 1
    seed: int = 0
    call_timeout: float = DEFAULT_CALL_TIMEOUT_SECONDS
    training_timeout: float | None = None
    pinning: Pinning = "auto"
    threads: int = 1
    memory_limit: int | None = None
    metric: str | None = None
    limits: tuple[Limit, ...] = ()
    load: LoadTest | None = None
    trust: Trust = Trust()
    sweeps: tuple[Sweep, ...] = ()

    def __post_init__(self) -> None:
        if not self.candidates:
            raise UsageError("Choose at least one model to measure.")
        slugs = [candidate.slug for candidate in self.candidates]
        names = [candidate.name for candidate in self.candidates]
        for name, slug in zip(names, slugs, strict=True):
            if names.count(name) > 1 or slugs.count(slug) > 1:
                raise UsageError(f"Two candidates are called {name!r}; give one of them another name.")
        for one, other in combinations(self.candidates, 2):
            if one.is_identical(other):
                raise UsageError(f"{one.slug} and {other.slug} are the same; a control (--control) measures one twice.")
        if [self.runs is not None, self.seconds is not None, self.until_known].count(True) != 1:
            raise UsageError("Runs, seconds and until known exclude each other; give exactly one of them.")
        if self.runs is not None and not 1 <= self.runs <= MAX_RUNS:
            raise UsageError(f"Runs must be a whole number from 1 to {MAX_RUNS:,}, not {self.runs:,}.")
        if self.seconds is not None and not (math.isfinite(self.seconds) and 0 < self.seconds <= 86_400):
            raise UsageError(f"The time must be more than 0 and at most 86,400 seconds, not {self.seconds:g}.")
        if not (math.isfinite(self.max_seconds) and 0 < self.max_seconds <= 86_400):
            raise UsageError(f"The time limit must be more than 0 and at most 86,400 s, not {self.max_seconds:g}.")
        if not (math.isfinite(self.equivalence) and 0 <= self.equivalence < 1):
            raise UsageError(
                f"The region of equivalence must be a share, 0 or more and less than 1, not {self.equivalence:g}."
            )
        if self.metric is not None and check_metric(self.metric) != self.metric:
            raise UsageError(f"There is no metric {self.metric!r}; did you mean {check_metric(self.metric)}?")
        for limit in self.limits:
            if limit.metric == OWN_SCORE and self.metric and not is_greater_better(self.metric):
                raise UsageError(
                    f"The limit '{limit}' is unclear, because a smaller {self.metric} is better; "
                    f"write '{self.metric} < VALUE'."
                )
            if limit.candidate is not None and limit.candidate not in slugs:
                raise UsageError(
                    f"The limit '{limit}' is for {limit.candidate!r}, which is not among the candidates: "
                    f"{', '.join(slugs)}."
                )
            compared, what = ("mean", "mean of a mix") if self.workload.mix else ("p50", "p50")
            if limit.relative and limit.metric != compared:
                raise UsageError(
                    f"The limit '{limit}' cannot be judged: of models that are measured in turns only the {what} is "
                    "compared; compare with a saved result (latency-tui check --baseline FILE)."
                )
            if limit.metric in COLD_START_METRICS and not self.cold_start:
                raise UsageError(f"The limit '{limit}' needs a cold start; add --cold-start or remove the limit.")
            if limit.relative and len(self.candidates) < 2:
                raise UsageError(f"The limit '{limit}' compares with a baseline; choose at least two models.")
        if self.load is not None and self.load.find_rate:
            for candidate in self.candidates:
                if not any(limit.candidate in (None, candidate.slug) for limit in self.load_limits):
                    raise UsageError(
                        f"Finding the highest rate of {candidate.slug} needs a limit on its response time; add one, "
                        "such as --limit 'p99 < 5ms'."
                    )
        if self.until_known and len(self.candidates) < 2 and not self.call_limits:
            raise UsageError("Measuring until known compares models; choose two models at least.")
        if not 1 <= self.launches <= 1000:
            raise UsageError(f"Launches must be a whole number from 1 to 1,000, not {self.launches:,}.")
        if not (math.isfinite(self.call_timeout) and 0 < self.call_timeout <= 86_400):
            raise UsageError(
                f"The call timeout must be more than 0 and at most 86,400 seconds, not {self.call_timeout:g}."
            )
        longest = self.training_timeout
        if longest is not None and not (math.isfinite(longest) and 0 < longest <= MAX_TRAINING_SECONDS):
            raise UsageError(
                f"The training timeout must be more than 0 and at most {MAX_TRAINING_SECONDS:,} s, not {longest:g}."
            )
        if not 1 <= self.threads <= 4096:
            raise UsageError(f"Threads must be a whole number from 1 to 4,096, not {self.threads:,}.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"The seed must be a whole number from 0 to {2**32 - 1:,}, not {self.seed:,}.")
        if self.baseline is not None and self.baseline not in slugs:
            raise UsageError(f"The baseline {self.baseline!r} is not among the candidates: {', '.join(slugs)}.")
        if self.workload.mix and self.sweeps:
            raise UsageError(
                "A mix does not combine with a sweep; remove --sweep to measure the mix, or --mix to compare values of "
                f"{self.sweeps[0].parameter}."
            )
        if self.sweeps and self.until_known:
            alternative = ", or give one batch size with -b" if self.load is not None and self.load.offline else ""
            raise UsageError(
                "A sweep measures a number of runs or a time; replace --until-known by -n RUNS or -t SECONDS"
                f"{alternative}."
            )
        for candidate in self.candidates:
            self._check_workload(candidate)

    def _check_workload(self, candidate: Candidate) -> None:
        """Check the number of rows and of columns that a candidate sets."""
        if "batch" in candidate.settings and self.workload.mix:
            raise UsageError(
                f"{candidate.slug} sets the rows per call, which --mix sets as well; remove one of the two."
            )
        dataset = self.workload_of(candidate).dataset
        if "features" in candidate.settings:
            if not isinstance(dataset, SyntheticDataset):
                raise UsageError(
                    f"{candidate.slug} sets the number of features, which only generated data have; remove --data."
                )
            if candidate.model.file:
                raise UsageError(f"{candidate.slug} sets the number of features, but the model in a file is fitted.")
            dataset.check()

    def workload_of(self, candidate: Candidate) -> Workload:
        """Return what one candidate computes: the workload with its settings `batch` and `features`."""
        work = self.workload
        if (rows := candidate.settings.get("batch")) is not None:
            work = msgspec.structs.replace(work, batch_size=int(rows))
        if (width := candidate.settings.get("features")) is not None and isinstance(work.dataset, SyntheticDataset):
            dataset = msgspec.structs.replace(work.dataset, features=int(width))
            work = msgspec.structs.replace(work, dataset=dataset)
        return work

    def rows_per_call(self, slug: str) -> int:
        """Return the batch size of the candidate with this slug; that of the workload if there is no such candidate."""
        found = next((one for one in self.candidates if one.slug == slug), None)
        return self.workload.batch_size if found is None else self.workload_of(found).batch_size

    @property
    def swept(self) -> tuple[str, ...]:
        """Names of the swept settings."""
        return tuple(sweep.parameter for sweep in self.sweeps)

    @property
    def curves(self) -> tuple[Candidate, ...]:
        """The candidates without the swept settings: one per model and other settings, in the plan's order."""
        return tuple({one.slug: one for one in (without(cell, self.swept) for cell in self.candidates)}.values())

    def are_compared(self, first: int, second: int) -> bool:
        """Return whether the candidates at these positions are compared: cells differ in a value or in the model."""
        if not self.sweeps:
            return True
        one, other = self.candidates[first], self.candidates[second]
        same = all(one.settings[name] == other.settings[name] for name in self.swept)
        return same or without(one, self.swept).slug == without(other, self.swept).slug

    @property
    def first_cells(self) -> tuple[str, ...]:
        """Slugs of the candidates at the first value of each sweep: one per model. All candidates without a sweep."""
        first = {sweep.parameter: sweep.values[0] for sweep in self.sweeps}
        return tuple(cell.slug for cell in self.candidates if cell.settings.items() >= first.items())

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The distinct batch sizes of the candidates, in ascending order."""
        return tuple(sorted({self.workload_of(candidate).batch_size for candidate in self.candidates}))

    @property
    def score_metrics(self) -> tuple[str, ...]:
        """The metrics that models are scored by: that of the trade-off, then those that only limits name.

        An empty name stands for the default: accuracy of classifiers, R² of regressors.
        """
        named = [limit.metric for limit in self.limits if limit.metric in SCORE_METRICS and limit.metric != OWN_SCORE]
        return tuple(dict.fromkeys((self.metric or next(iter(named), ""), *named)))

    @property
    def control_candidate(self) -> Candidate | None:
        """The control, a hidden duplicate of the first candidate; None if the plan does not ask for one."""
        if not self.control:
            return None
        first = self.candidates[0]
        copy = msgspec.structs.replace(first, model=msgspec.structs.replace(first.model, name=f"{first.name} control"))
        return make_slugs_unique([copy], taken=self.candidates)[0]

    @property
    def scenarios(self) -> tuple[str, ...]:
        """How calls follow each other: the scenario of the workload, and that of the load test if there is one."""
        if self.load is None:
            return (self.workload.scenario,)
        return (self.workload.scenario, "offline" if self.load.offline else "server")

    @property
    def load_limits(self) -> tuple[Limit, ...]:
        """The limits on response times under load; empty without a load test, in which case they are on latencies."""
        if self.load is None or self.load.offline:
            return ()
        return tuple(limit for limit in self.limits if is_on_response_time(limit))

    @property
    def call_limits(self) -> tuple[Limit, ...]:
        """All other limits, which are judged from the calls of candidates that are measured alone."""
        return tuple(limit for limit in self.limits if limit not in self.load_limits)

    @property
    def counterparts(self) -> dict[str, str]:
        """Map the slug of each candidate in another environment to the slug of its counterpart.

        The counterpart has the same model and settings, preferably under the engine's interpreter. If there is none, it
        is the baseline, or the other one of two candidates.
        """
        found: dict[str, str] = {}
        for candidate in self.candidates:
            if candidate.python and (other := self._counterpart(candidate)):
                found[candidate.slug] = other.slug
        return found

    @property
    def prediction_pairs(self) -> dict[str, str]:
        """Map the slug of each candidate to the one that must predict the same: its counterpart, or a smaller batch.

        A batch size must not change predictions, so every cell of a sweep of `batch` is compared with the first.
        """
        found = dict[str, str]()
        first = dict[str, Candidate]()
        for cell in self.candidates if "batch" in self.swept else ():
            if (other := first.setdefault(without(cell, ["batch"]).slug, cell)) is not cell:
                found[cell.slug] = other.slug
        return found | self.counterparts

    @property
    def revision_pairs(self) -> dict[str, str]:
        """Map the slug of each candidate of the working tree to the slug of the same candidate at the revision."""
        pairs = {there: slug for slug, there in self.counterparts.items() if self._find(slug).revision}
        return {here: there for here, there in pairs.items() if self._find(here).revision is None}

    def _find(self, slug: str) -> Candidate:
        return next(candidate for candidate in self.candidates if candidate.slug == slug)

    def _counterpart(self, candidate: Candidate) -> Candidate | None:
        earlier = self.candidates[: self.candidates.index(candidate)]
        others = [one for one in self.candidates if one.environment != candidate.environment]
        others = [one for one in others if not one.python or one in earlier]
        alike = [one for one in others if one.is_same_in_other_environment(candidate)]
        named = [one for one in others if one.slug == self.baseline]
        two = others if len(self.candidates) == 2 else []
        return next((one for one in alike if not one.python), next(iter((*alike, *named, *two)), None))

    @property
    def all_candidates(self) -> tuple[Candidate, ...]:
        """All candidates that are measured: those that are compared, and the control if there is one."""
        control = self.control_candidate
        return self.candidates if control is None else (*self.candidates, control)
