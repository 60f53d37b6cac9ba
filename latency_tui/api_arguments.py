"""The arguments of `api.measure`: checks of their types, and conversions to values of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Integral, Real
from typing import Any

import msgspec
import numpy as np

from latency_tui.catalog.runtimes import check_runtime
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, LoadTest, ModelSpec, Setting, Sweep, make_sweep, parse_sweep
from latency_tui.plan.candidates import slug_of
from latency_tui.plan.limits import Limit, parse_limit
from latency_tui.plan.load import DEFAULT_DURATION, WORKER_KINDS, Arrivals, WorkerKind
from latency_tui.plan.metrics import check_metric
from latency_tui.plan.mix import Mix, make_mix, mix_of
from latency_tui.plan.pinning import Pinning, check_cores, parse_cores
from latency_tui.plan.suggest import hint

_COMPUTED_BY = {
    "dask": "compute",
    "duckdb": "df",
    "ibis": "to_pandas",
    "narwhals": "collect",
    "polars": "collect",
    "pyspark": "toPandas",
}
"""Maps a library with lazy data frames to the method that computes the rows."""


def check_models(models: object) -> None:
    """Raise a `UsageError` unless the models are a mapping of names that is not empty."""
    if not isinstance(models, Mapping):
        raise UsageError(f"models must map names to models, not be {format_value(models)}.")
    if not models:
        raise UsageError("Give at least one model to measure.")
    for name in models:
        if not isinstance(name, str):
            raise UsageError(f"A model's name must be text, not {format_value(name)}.")


def parse_limits(limits: object) -> list[Limit]:
    """Return the limits of a list of texts; names of models stay as they were typed."""
    if isinstance(limits, str) or not isinstance(limits, Iterable):
        raise UsageError(f"limits must be a list of texts such as 'p99 < 5ms', not {format_value(limits)}.")
    return [parse_limit(limit) for limit in limits]


def parse_metric(metric: object) -> str | None:
    """Return the name of a metric; None for None."""
    if metric is not None and not isinstance(metric, str):
        raise UsageError(f"metric must be the name of a metric, or None, not {format_value(metric)}.")
    return None if metric is None else check_metric(metric)


def resolve_limit(limit: Limit, candidates: Sequence[Candidate]) -> Limit:
    """Return a limit in which the name of a model, if any, is replaced by the slug of its candidate."""
    return msgspec.structs.replace(limit, candidate=find_slug(limit.candidate, candidates))


def find_slug(baseline: object, candidates: Sequence[Candidate]) -> str | None:
    """Return the slug of the baseline, which is given by the name of a candidate or by a slug; None for None."""
    if baseline is None:
        return None
    if not isinstance(baseline, str):
        raise UsageError(f"baseline must be the name of a model, or None, not {format_value(baseline)}.")
    return next((one.slug for one in candidates if one.name == baseline), None) or slug_of(baseline)


def build_candidates(specs: Sequence[ModelSpec], settings: object) -> tuple[Candidate, ...]:
    """Return one candidate per model and entry of its settings."""
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise UsageError(f"settings must map names of models to settings, not be {format_value(settings)}.")
    names = [spec.name for spec in specs]
    for name in settings:
        if name not in names:
            raise UsageError(
                f"settings names {format_value(name)}, which is not among the models; {hint(str(name), names)}"
            )
    return tuple(
        Candidate(model=spec, settings=_convert_settings(spec.name, one))
        for spec in specs
        for one in _as_sequence(settings.get(spec.name, {}))
    )


def _as_sequence(settings: object) -> Sequence[object]:
    return settings if isinstance(settings, list | tuple) else (settings,)


def _convert_settings(model: str, settings: object) -> dict[str, Setting]:
    """Return the settings of a model with numpy numbers converted to Python numbers."""
    if not isinstance(settings, Mapping):
        raise UsageError(f"The settings of {model!r} must be a dictionary, not {format_value(settings)}.")
    found: dict[str, Setting] = {}
    for key, value in settings.items():
        if not isinstance(key, str) or not key.isidentifier():
            raise UsageError(f"A setting of {model!r} must have a name such as n_jobs, not {format_value(key)}.")
        found[key] = _convert_setting(f"{key} of {model!r}", value)
        if key == "runtime":
            check_runtime(str(value))
    return found


def _convert_setting(what: str, value: object) -> Setting:
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return str(value)
    raise UsageError(f"{what} must be text, a number, True or False, not {format_value(value)}.")


def build_sweeps(sweep: object) -> tuple[Sweep, ...]:
    """Return the sweeps of a mapping from settings to values; a text is parsed as on the command line."""
    if sweep is None:
        return ()
    if not isinstance(sweep, Mapping) or not all(isinstance(name, str) for name in sweep):
        raise UsageError(
            f"sweep must map a setting to its values, such as {{'batch': [1, 2]}}, not {format_value(sweep)}."
        )
    found = []
    for name, values in sweep.items():
        if isinstance(values, str):
            found.append(parse_sweep(f"{name}={values}"))
        elif isinstance(values, Iterable):
            found.append(make_sweep(name, [_convert_setting(f"A value of {name}", value) for value in values]))
        else:
            raise UsageError(f"The values of {name} must be a list such as [1, 2, 4], not {format_value(values)}.")
    return tuple(found)


def check_names(argument: str, value: object) -> tuple[str, ...]:
    """Return one name or a list of names as a tuple."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{argument} must be a list of names, not {format_value(value)}.")
    return tuple(names)


def check_bool(name: str, value: object) -> bool:
    """Return True or False, also of numpy, as a Python bool."""
    if not isinstance(value, np.bool_ | bool):
        raise UsageError(f"{name} must be True or False, not {format_value(value)}.")
    return bool(value)


def check_int(name: str, value: object) -> int:
    """Return a whole number as a Python int, because numpy integers cannot be encoded as JSON."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise UsageError(f"{name} must be a whole number, not {format_value(value)}.")
    return int(value)


def check_float(name: str, value: object) -> float:
    """Return a number as a Python float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name} must be a number, not {format_value(value)}.")
    return float(value)


def format_value(value: object) -> str:
    """Return the repr of a value, or its type if the repr is long."""
    written = repr(value)
    return written if len(written) <= 60 else f"a value of the type {type(value).__name__}"


def as_array(inputs: Any) -> Any:
    """Return a list of numbers as an array; any other input unchanged."""
    if not isinstance(inputs, list | tuple):
        return inputs
    try:
        array = np.asarray(inputs)
    except ValueError:  # rows of different lengths
        return inputs
    return array if array.dtype.kind in "biuf" else inputs


def count_rows(value: Any, name: str) -> int:
    """Return the number of rows of an array, a data frame, a list or named arrays."""
    library = type(value).__module__.partition(".")[0]
    if (compute := _COMPUTED_BY.get(library)) and callable(getattr(value, compute, None)):
        raise UsageError(f"{name} is a lazy {type(value).__name__} of {library}; pass {name}.{compute}() instead.")
    shape = getattr(value, "shape", None)
    if shape:
        return int(shape[0])
    if isinstance(value, Mapping) and value and all(getattr(array, "shape", None) for array in value.values()):
        return _count_named_rows(value)
    if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__len__") or shape is not None:
        raise UsageError(f"{name} must be an array, a data frame or a list of rows, not {format_value(value)}.")
    return len(value)


def _count_named_rows(arrays: Mapping[str, Any]) -> int:
    """Return the common number of rows of named arrays, the input of models with named inputs."""
    lengths = {int(array.shape[0]) for array in arrays.values()}
    if len(lengths) > 1:
        raise UsageError(f"The arrays in X must have the same number of rows, not {sorted(lengths)}.")
    return lengths.pop()


def count_features(inputs: Any) -> int:
    """Return the number of columns of a table or array; 0 if it has none."""
    shape = getattr(inputs, "shape", None)
    return int(shape[1]) if shape and len(shape) > 1 else 0


def parse_pinning(cpu: object) -> Pinning:
    """Return the cores that `cpu` names; None stands for one idle core."""
    if cpu is None:
        return "auto"
    if isinstance(cpu, str):
        return parse_cores(cpu)
    cores = tuple(cpu) if isinstance(cpu, Iterable) else (cpu,)
    if not cores or any(isinstance(core, bool) or not isinstance(core, Integral) for core in cores):
        raise UsageError(f"cpu must be core numbers, text such as '0,2-3', 'none' or None, not {format_value(cpu)}.")
    check_cores(cores)
    return tuple(int(core) for core in cores)


def check_mix(mix: object) -> Mix:
    """Return the mix that maps batch sizes to shares, or that has recorded batch sizes; empty for None."""
    if mix is None:
        return ()
    if isinstance(mix, Mapping):
        return make_mix({check_int("A batch size of mix", size): check_float("A share", mix[size]) for size in mix})
    if isinstance(mix, str | bytes) or not isinstance(mix, Sequence | np.ndarray):
        raise UsageError(f"mix must map batch sizes to shares, or list batch sizes, not be {format_value(mix)}.")
    sizes = np.asarray(mix)
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu":
        raise UsageError("mix must list batch sizes as whole numbers, or map them to their shares.")
    return mix_of(sizes.tolist())


def build_load_test(
    rate: object,
    find_rate: object,
    offline: object,
    workers: object,
    worker_kind: object,
    arrivals: object,
    duration: object,
) -> LoadTest | None:
    """Return the load test of the arguments of `measure`; None if they name no rate."""
    find, is_offline = check_bool("find_rate", find_rate), check_bool("offline", offline)
    if rate is None and not find and not is_offline:
        given = (workers, worker_kind, duration) != (1, "process", DEFAULT_DURATION)
        if given or not isinstance(arrivals, str) or arrivals != "poisson":
            raise UsageError("workers, worker_kind, arrivals and duration need rate, find_rate or offline.")
        return None
    if [rate is not None, find, is_offline].count(True) > 1:
        raise UsageError("rate, find_rate and offline exclude each other; give one of them.")
    rates = () if rate is None else tuple(check_float("rate", one) for one in _as_numbers(rate))
    kinds: dict[object, WorkerKind] = {kind: kind for kind in WORKER_KINDS}
    if not isinstance(worker_kind, str) or worker_kind not in kinds:
        raise UsageError(f"worker_kind must be 'process' or 'thread', not {format_value(worker_kind)}.")
    gaps: tuple[float, ...] = ()
    distribution: Arrivals = "recorded"
    if isinstance(arrivals, str):
        if arrivals not in ("poisson", "constant"):
            raise UsageError(
                f"arrivals must be 'poisson', 'constant' or gaps in seconds, not {format_value(arrivals)}."
            )
        distribution = "poisson" if arrivals == "poisson" else "constant"
    else:
        gaps = tuple(check_float("A gap of arrivals", one) for one in _as_numbers(arrivals))
    return LoadTest(
        rates=rates,
        find_rate=find,
        offline=is_offline,
        workers=check_int("workers", workers),
        worker_kind=kinds[worker_kind],
        arrivals=distribution,
        gaps=gaps,
        duration=check_float("duration", duration),
    )


def _as_numbers(value: object) -> Sequence[object]:
    """Return a number or several as a list."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return list(value)
    return [value]
