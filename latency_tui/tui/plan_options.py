"""The options of a plan that the app can set: formats and parses each option as text, and describes changed ones.

The functions are pure, so that tests of the dialog and of the title line need no terminal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan import MAX_RUNS, Plan, Workload, parse_sweep, slug_of
from latency_tui.plan.limits import COLD_START_METRICS, Limit, parse_limit
from latency_tui.plan.metrics import check_metric
from latency_tui.plan.mix import format_mix, parse_mix
from latency_tui.plan.pinning import parse_cores
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.text.formatting import format_seconds

UNTIL_DECIDED = "until decided"
DEFAULT_RUNS = 100
MAX_ROWS_PER_CALL = 1_000_000
_MAX_LIMITS_NAMED = 2
_MAX_MIX_TEXT = 60
_SAME_MIX = "mix"
"""Text of the field Batch for a mix that is too long to be edited there."""
_NUMBER = re.compile(r"\d+")


class Option(msgspec.Struct, frozen=True):
    """One option, a line of the dialog of options.

    Attributes:
        name: The attribute of the plan, or of its workload, that it sets.
        label: Its label in the dialog.
        hint: The valid values, and their effect.
        write: Formats the value of a plan as text.
        read: Parses a text; returns the attributes of the plan to change, or raises `UsageError`.
        changed: Describes the value in a few words if it differs from the default; empty otherwise.
        may_be_empty: Whether an empty text is a valid value.
    """

    name: str
    label: str
    hint: str
    write: Callable[[Plan], str]
    read: Callable[[str], dict[str, object]]
    changed: Callable[[Plan], str]
    may_be_empty: bool = False


def whole_number(text: str, name: str, most: int, least: int = 1) -> int:
    """Parse a whole number, with or without thousands separators.

    Raises:
        UsageError: The text is not a whole number, or it is not from `least` to `most`.
    """
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    if plain.isascii() and plain.isdigit() and len(plain) <= 20 and least <= int(plain) <= most:
        return int(plain)
    raise UsageError(f"{name}: a whole number from {least:,} to {most:,}.")


def batch_text(workload: Workload) -> str:
    """Return the rows per call as text: a number, a mix such as `0.8:1,0.2:64`, or `mix` if it is long."""
    if not workload.mix:
        return str(workload.batch_size)
    text = format_mix(workload.mix)
    return text if len(text) <= _MAX_MIX_TEXT else _SAME_MIX


def with_batch(text: str, workload: Workload) -> Workload:
    """Return a workload with the rows per call of a text that `batch_text` could return.

    Raises:
        UsageError: The text is neither a whole number nor a mix.
    """
    if workload.mix and text.strip() == _SAME_MIX:
        return workload
    if ":" in text:
        return msgspec.structs.replace(workload, batch_size=1, mix=parse_mix(text))
    return msgspec.structs.replace(workload, batch_size=whole_number(text, "Batch", MAX_ROWS_PER_CALL), mix=())


def some_seconds(text: str, name: str = "Seconds") -> float:
    """Parse a positive number of seconds, at most a day, with or without the unit `s`.

    Raises:
        UsageError: The text is not such a number.
    """
    try:
        seconds = float(text.strip().removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= 86_400:
        return seconds
    raise UsageError(f"{name}: a number above 0, up to 86,400.")


def _length(plan: Plan) -> str:
    if plan.until_known:
        return UNTIL_DECIDED
    return f"{plan.runs}" if plan.runs is not None else f"{plan.seconds:g} s"


def _read_length(text: str) -> dict[str, object]:
    plain = text.strip().casefold()
    if plain and UNTIL_DECIDED.startswith(plain) and not plain.isdigit():
        return {"runs": None, "seconds": None, "until_known": True}
    if plain.endswith("s"):
        return {"runs": None, "seconds": some_seconds(plain, "Measure"), "until_known": False}
    try:
        runs = whole_number(plain, "Measure", MAX_RUNS)
    except UsageError:
        raise UsageError(f"Measure: runs such as 100, seconds such as 30s, or {UNTIL_DECIDED}.") from None
    return {"runs": runs, "seconds": None, "until_known": False}


def _read_share(text: str) -> dict[str, object]:
    plain = text.strip()
    try:
        share = float(plain.removesuffix("%")) / 100 if plain.endswith("%") else float(plain)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UsageError("Equivalence: a share such as 1 % or 0.01.")
    return {"equivalence": share}


def _read_method(text: str) -> dict[str, object]:
    from latency_tui.plan import METHODS

    if text.strip() not in METHODS:
        raise UsageError(f"Method: one of {', '.join(METHODS)}.")
    return {"method": text.strip()}


def read_limits(text: str) -> tuple[Limit, ...]:
    """Parse limits, separated by semicolons; an empty text has none.

    Raises:
        UsageError: One of them is not a limit.
    """
    limits = [parse_limit(part) for part in text.split(";") if part.strip()]
    named = (
        limit if limit.candidate is None else msgspec.structs.replace(limit, candidate=slug_of(limit.candidate))
        for limit in limits
    )
    return tuple(dict.fromkeys(named))


def _limit_words(plan: Plan) -> str:
    if len(plan.limits) > _MAX_LIMITS_NAMED:
        return f"{len(plan.limits)} limits"
    return f"limit {' and '.join(str(limit) for limit in plan.limits)}" if plan.limits else ""


def _read_training_timeout(text: str) -> dict[str, object]:
    return {"training_timeout": some_seconds(text, "Train timeout") if text.strip() else None}


def _cores(plan: Plan) -> str:
    return plan.pinning if isinstance(plan.pinning, str) else ",".join(map(str, plan.pinning))


def _number_option(name: str, label: str, hint: str, most: int, default: int, words: str, least: int = 1) -> Option:
    return Option(
        name,
        label,
        hint,
        lambda plan: str(getattr(plan, name)),
        lambda text: {name: whole_number(text, label, most, least)},
        lambda plan: "" if getattr(plan, name) == default else words.format(f"{getattr(plan, name):,}"),
    )


OPTIONS: tuple[Option, ...] = (
    Option(
        "runs",
        "Measure",
        f"runs per model (100), seconds per model (30s), or {UNTIL_DECIDED}",
        _length,
        _read_length,
        lambda plan: f"{plan.seconds:g} s per model" if plan.seconds is not None else "",
    ),
    Option(
        "limits",
        "Limits",
        "p99 < 1ms; linear-svm: p50 < 1.05x; empty for none",
        lambda plan: "; ".join(str(limit) for limit in plan.limits),
        lambda text: {"limits": read_limits(text)},
        _limit_words,
        may_be_empty=True,
    ),
    Option(
        "metric",
        "Metric",
        "of the score: f1_macro, roc_auc, mean_absolute_error; empty for accuracy or R²",
        lambda plan: plan.metric or "",
        lambda text: {"metric": check_metric(text) if text.strip() else None},
        lambda plan: plan.metric or "",
        may_be_empty=True,
    ),
    _number_option("launches", "Launches", "fresh processes; use 5 for a prediction interval", 1000, 1, "{} launches"),
    Option(
        "method",
        "Method",
        "predict, predict_proba, decision_function or transform",
        lambda plan: plan.workload.method,
        _read_method,
        lambda _: "",  # the title line always shows it
    ),
    Option(
        "batch_size",
        "Batch",
        "rows per call, or a mix such as 0.8:1,0.2:64",
        lambda plan: batch_text(plan.workload),
        lambda text: {"batch_size": text},
        lambda _: "",  # as above
    ),
    Option(
        "sweeps",
        "Sweep",
        "batch=1,2,4..256, threads=1,2,4 or a parameter; empty for none",
        lambda plan: "; ".join(map(str, plan.sweeps)),
        lambda text: {"sweeps": tuple(parse_sweep(part) for part in text.split(";") if part.strip())},
        lambda plan: f"sweep {' and '.join(plan.swept)}" if plan.sweeps else "",
        may_be_empty=True,
    ),
    _number_option("threads", "Threads", "of BLAS and OpenMP, per model", 4096, 1, "{} threads"),
    Option(
        "pinning",
        "Cores",
        "auto for an idle core, none, or numbers such as 0,2-3",
        _cores,
        lambda text: {"pinning": parse_cores(text.strip())},
        lambda plan: {"auto": "", "none": "not pinned"}.get(_cores(plan), f"cores {_cores(plan)}"),
    ),
    Option(
        "equivalence",
        "Equivalence",
        "ratios this close to 1 count as equal, such as 1 %",
        lambda plan: f"{plan.equivalence * 100:.6g} %",
        _read_share,
        lambda plan: "" if plan.equivalence == EQUIVALENCE else f"equal within {plan.equivalence * 100:.6g} %",
    ),
    Option(
        "max_seconds",
        "Maximum time",
        f"seconds per launch when measuring {UNTIL_DECIDED}",
        lambda plan: f"{plan.max_seconds:g} s",
        lambda text: {"max_seconds": some_seconds(text, "Maximum time")},
        lambda plan: "" if plan.max_seconds == 60 else f"at most {format_seconds(plan.max_seconds)}",
    ),
    Option(
        "call_timeout",
        "Call timeout",
        "seconds after which a call counts as hung",
        lambda plan: f"{plan.call_timeout:g} s",
        lambda text: {"call_timeout": some_seconds(text, "Call timeout")},
        lambda plan: "" if plan.call_timeout == 60 else f"call timeout {format_seconds(plan.call_timeout)}",
    ),
    Option(
        "training_timeout",
        "Train timeout",
        "seconds after which training is stopped; empty for never",
        lambda plan: "" if plan.training_timeout is None else f"{plan.training_timeout:g} s",
        _read_training_timeout,
        lambda plan: f"training timeout {format_seconds(plan.training_timeout)}" if plan.training_timeout else "",
        may_be_empty=True,
    ),
    _number_option("seed", "Seed", "of the order of blocks and rows", 2**32 - 1, 0, "seed {}", least=0),
)


def read_options(plan: Plan, texts: dict[str, str]) -> Plan:
    """Return the plan with the typed values, given by the names of the options.

    Raises:
        UsageError: A text is not a valid value.
    """
    changes: dict[str, Any] = {}  # Any: values of all attributes of the plan
    for option in OPTIONS:
        if option.name in texts:
            changes |= option.read(texts[option.name])
    workload = plan.workload
    if "batch_size" in changes:
        workload = with_batch(changes.pop("batch_size"), workload)
    if "method" in changes:
        workload = msgspec.structs.replace(workload, method=changes.pop("method"))
    limits = changes.get("limits", plan.limits)
    if any(limit.metric in COLD_START_METRICS for limit in limits):
        changes["cold_start"] = True
    if changes.get("until_known") and len(plan.candidates) < 2 and not limits:
        raise UsageError(f"Measuring {UNTIL_DECIDED} takes two models at least.")
    return msgspec.structs.replace(
        plan,
        workload=workload,
        **changes,
    )


def changed_options(plan: Plan) -> tuple[str, ...]:
    """Return a description of each option that differs from the default, such as `5 launches` or `2 threads`."""
    return tuple(words for option in OPTIONS if (words := option.changed(plan)))


def estimated_seconds(plan: Plan, calls: dict[str, float]) -> float | None:
    """Return the estimated duration of the timed calls of a plan in seconds; None if it cannot be estimated.

    Args:
        plan: The plan.
        calls: Mean duration of a call in seconds, by slug, of the models that were measured in this session.
    """
    if plan.until_known:
        return None
    if plan.seconds is not None:
        return plan.seconds * len(plan.all_candidates) * plan.launches
    means = [calls.get(candidate.slug) for candidate in plan.candidates]
    if plan.runs is None or None in means:
        return None
    return plan.runs * plan.launches * sum(mean for mean in means if mean is not None)


def missing_for_onnx() -> tuple[str, ...]:
    """Return the packages that the runtime `onnx` needs but that are not installed."""
    return tuple(name for name in ("onnxruntime", "skl2onnx") if find_spec(name) is None)
