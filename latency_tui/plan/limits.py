"""Limits: conditions such as `p99 < 5ms`, with one grammar for options, files, the API and the screen.

The grammar is `[MODEL:] METRIC < VALUE` or `> VALUE`. A limit without a model applies to all models.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from datetime import date

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.metrics import METRIC_NAMES, OWN_SCORE, is_greater_better

PERCENTILE_METRICS = ("p50", "p90", "p95", "p97", "p99", "p99_9")
DURATIONS = (*PERCENTILE_METRICS, "mean", "cold_start")
RESPONSE_TIME_METRICS = (*PERCENTILE_METRICS, "mean")
"""Metrics that are on response times if there is a load test."""
SCORE_METRICS = (OWN_SCORE, *METRIC_NAMES)
"""`score`, which is the metric of the plan, and every metric by which models can be scored."""
METRICS = (*DURATIONS, "throughput", "memory", *SCORE_METRICS)
COLD_START_METRICS = ("cold_start", "memory")
"""Metrics that only a plan with a cold start measures."""
WITHOUT_INTERVAL = ("cold_start", "memory", *SCORE_METRICS)
"""Metrics that a saved result has as one value, without an interval of their ratio; this value decides."""

_ALIASES = {"median": "p50", "p99.9": "p99_9"}
_MINIMUM_METRICS = ("throughput", *(name for name in SCORE_METRICS if is_greater_better(name)))
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_NUMBER = r"[-−+]?(?:[0-9][0-9_,]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|\.[0-9]+)"
_LIMIT = re.compile(rf"(.*)(<=|>=|≤|≥|<|>)\s*({_NUMBER})\s*(\S*)\s*", re.I)
_SHARE = re.compile(r"(?:(.{0,500}):)?\s*([\w. -]{1,50}):\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*%")
"""The form of pytest-benchmark: `p99:5%` means at most 5 % above the baseline."""
_LONGEST = 1000
_EXAMPLES = (
    "'p99 < 5ms', 'p50 < 1.05x', 'throughput > 500/s', 'memory < 500MB', 'accuracy > 0.9' or 'linear-svm: p99 < 1ms'"
)


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that candidates must meet.

    Attributes:
        metric: A percentile, `mean`, `cold_start`, `throughput`, `memory`, `score` or the name of a score's metric.
        bound: Seconds, rows per second, bytes, a score, or a ratio to the baseline.
        relative: Whether the bound is a ratio to the baseline.
        candidate: Slug of the candidate to which it applies; None for all.
        text: The limit as it was written, without the candidate.
    """

    metric: str
    bound: float
    relative: bool = False
    candidate: str | None = None
    text: str = ""

    @property
    def is_minimum(self) -> bool:
        """Whether the value must be above the bound rather than below it."""
        return self.metric in _MINIMUM_METRICS

    def __str__(self) -> str:
        return self.text if self.candidate is None else f"{self.candidate}: {self.text}"


def is_on_response_time(limit: Limit) -> bool:
    """Return whether a limit is on the response time if there is a load test."""
    return not limit.relative and limit.metric in RESPONSE_TIME_METRICS


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A slowdown that is accepted, up to a bound.

    Attributes:
        limit: The limit that fails, as it is written for `--limit`, without a model.
        bound: The limit that applies instead, such as `p50 < 1.2x`.
        model: Name or slug of the model; empty for all models.
        expires: Last day on which it counts; None for no end.
        reason: Why the slowdown is accepted.
    """

    limit: str
    bound: str
    model: str = ""
    expires: date | None = None
    reason: str = ""


def applicable_limits(limits: Iterable[Limit], candidates: Collection[str], *, cold_start: bool) -> tuple[Limit, ...]:
    """Return the limits that can be judged for some candidates, given by slug, with or without a cold start."""
    return tuple(
        limit
        for limit in limits
        if (limit.candidate is None or limit.candidate in candidates)
        and (cold_start or limit.metric not in COLD_START_METRICS)
        and (not limit.relative or len(candidates) > 1)
    )


def parse_limit(text: str) -> Limit:
    """Parse a limit; the name of the model is kept as it was typed.

    Raises:
        UsageError: The limit is invalid; the message has the reason.
    """
    text = text.strip() if isinstance(text, str) else text
    if isinstance(text, str) and (share := _SHARE.fullmatch(text)):
        return _parse_share(text, *share.groups())
    found = _LIMIT.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if found is None:
        raise UsageError(f"The limit {_shown(text)} is invalid; write it as {_EXAMPLES}.")
    left, operator, number, unit = found.groups()
    model, colon, name = left.rpartition(":")
    metric = re.sub(r"[ -]+", "_", name.strip().lower())
    metric = _ALIASES.get(metric, metric)
    if metric not in METRICS:
        known = ", ".join((*DURATIONS, "throughput", "memory", OWN_SCORE))
        raise UsageError(
            f"The limit {_shown(text)} has an unknown metric; use one of {known}, or a metric of scikit-learn such as "
            "accuracy, f1, roc_auc, r2 or mean_absolute_error."
        )
    value = float(number.replace(",", "").replace("_", "").replace("−", "-"))
    relative = unit in ("x", "×")
    bound = value if relative else value * _factor(metric, unit, text)
    if not (math.isfinite(bound) and (bound > 0 or (metric in SCORE_METRICS and not relative))):
        raise UsageError(f"The limit {_shown(text)} needs a finite bound above 0.")
    if relative and metric.startswith("neg_"):
        loss = metric.removeprefix("neg_")
        raise UsageError(f"The limit {_shown(text)} has no meaning as a ratio of negative scores; use {loss}.")
    sign = ">" if metric in _MINIMUM_METRICS else "<"
    if operator[0].replace("≤", "<").replace("≥", ">") != sign:
        way = "a lower bound: METRIC > VALUE" if sign == ">" else "an upper bound: METRIC < VALUE"
        raise UsageError(f"The limit {_shown(text)} is invalid: {metric} takes {way}.")
    shown = " ".join(text[len(model) + len(colon) :].split())
    return Limit(metric=metric, bound=bound, relative=relative, candidate=model.strip() or None, text=shown)


def _parse_share(text: str, model: str | None, metric: str, per_cent: str) -> Limit:
    """Parse `[MODEL:] METRIC:5%`: the metric is worse than in the baseline by less than 5 %."""
    worse = float(per_cent) / 100
    minimum = _ALIASES.get(metric.strip().lower(), metric.strip().lower()) in _MINIMUM_METRICS
    bound = f"> {1 - worse:.8g}x" if minimum else f"< {1 + worse:.8g}x"
    try:
        return parse_limit(f"{f'{model}:' if model else ''}{metric} {bound}")
    except UsageError as error:
        raise UsageError(f"The limit {_shown(text)} is invalid: {error}") from error


def _factor(metric: str, unit: str, text: str) -> float:
    if metric in DURATIONS:
        units: dict[str, float] = _SECONDS
        found = units.get(unit.replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}"))
    elif metric == "memory":
        units = dict(_BYTES)
        found = units.get(unit.lower())
    elif metric == "throughput":
        units = {"/s": 1.0}
        found = units.get(unit)
    else:
        units = {"no unit": 1.0, "%": 0.01}
        found = units.get(unit or "no unit")
    if found is None:
        known = ", ".join(("B", "kB", "MB", "GB", "KiB", "MiB", "GiB") if metric == "memory" else units)
        raise UsageError(f"The limit {_shown(text)} needs a unit: one of {known}, x.")
    return found


def _shown(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 80 else f"{shown[:78]}…"
