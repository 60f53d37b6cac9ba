"""The Python API: measures models from a script or a notebook, with the same engine as the app."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence, Set
from contextlib import aclosing
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from latency_tui.analysis.recorder import Recorder
from latency_tui.catalog.runtimes import check_runtime, expand_runtimes
from latency_tui.catalog.validate import check_settings
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure as events_of
from latency_tui.engine.library_state import ModelWithState
from latency_tui.engine.object_pickling import dumps
from latency_tui.engine.process_environment import temporary_parent
from latency_tui.engine.protocol import Event
from latency_tui.errors import UsageError
from latency_tui.history.reading import read_result
from latency_tui.plan import Candidate, Method, ModelSpec, Plan, Setting, StoredDataset, Workload, make_slugs_unique
from latency_tui.plan.candidates import slug_of
from latency_tui.plan.limits import COLD_START_METRICS, Limit, parse_limit
from latency_tui.plan.pinning import Pinning, check_cores, parse_cores
from latency_tui.plan.suggest import hint
from latency_tui.report.progress import Progress
from latency_tui.report.result import Result, of
from latency_tui.stats.defaults import EQUIVALENCE

Settings = Mapping[str, Setting]

_COMPUTED_BY = {
    "dask": "compute",
    "duckdb": "df",
    "ibis": "to_pandas",
    "narwhals": "collect",
    "polars": "collect",
    "pyspark": "toPandas",
}
"""Maps a library with lazy data frames to the method that computes the rows."""


def measure(
    models: Mapping[str, Any],  # Any: an object with the method, or a function of an array
    X: Any,  # Any: an array, a data frame or a list
    y: Any = None,
    *,
    runs: int | None = None,
    seconds: float | None = None,
    until_known: bool = False,
    max_seconds: float = 60.0,
    batch_size: int = 1,
    method: Method = "predict",
    baseline: str | None = None,
    settings: Mapping[str, Settings | Sequence[Settings]] | None = None,
    runtimes: Sequence[str] = (),
    launches: int = 1,
    control: bool = False,
    equivalence: float = EQUIVALENCE,
    cold_start: bool = False,
    seed: int = 0,
    call_timeout: float = 60.0,
    cpu: int | Sequence[int] | str | None = None,
    threads: int = 1,
    limits: Sequence[str] = (),
    progress: bool | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Result:
    """Measure the latency of fitted models in separate processes and interleaved rounds.

    Models and data are sent to the processes with cloudpickle, so classes and functions defined in a script or notebook
    work too.

    Args:
        models: Maps a name to a fitted model that has the method, or to a function of an array.
        X: `(n_rows, ...)` rows to predict: an array, a data frame or a list.
        y: `(n_rows,)` targets; if given, models that have `score` are scored.
        runs: Timed calls per model and launch; defaults to 100 unless `seconds` or `until_known` is given.
        seconds: Time spent in timed calls per model and launch, instead of `runs`.
        until_known: Measure until each model is shown to differ from the baseline, or to match it, instead of `runs`.
        max_seconds: Time limit per launch for `until_known`.
        batch_size: Rows per call.
        method: The method to call: `predict`, `predict_proba`, `decision_function` or `transform`.
        baseline: Name of the model that the others are compared with, as in `models`, followed by its settings in
            brackets if it has any; None for the fastest.
        settings: Maps names of `models` to settings, such as `{"forest": {"n_jobs": 1}}`, or to a list of settings that
            creates one candidate per entry: `{"forest": [{}, {"n_jobs": 1}]}`.
        runtimes: Runtimes of each model: `sklearn` (its own library) or `onnx`; creates one candidate per runtime.
        launches: Number of fresh engines that measure the plan one after the other; use five for a reliable verdict.
        control: Whether to add a hidden copy of the first model, an A/A test that shows the noise of this machine.
        equivalence: Ratios this close to 1 count as equal.
        cold_start: Whether to measure start-up and memory too, in a separate pass.
        seed: Seed of the order of blocks and rows.
        call_timeout: Seconds after which a call counts as hung.
        cpu: Core or cores to pin the models to: numbers, or text such as `"0,2-3"`; `"none"` for no pinning, None for
            one idle core.
        threads: Number of BLAS and OpenMP threads per model process.
        limits: Conditions such as `"p99 < 5ms"`, `"p50 < 1.05x"` or `"name: mean < 1ms"`; the result contains a verdict
            per model. A limit on cold start or memory implies that pass.
        progress: Whether to show a progress line on stderr; None shows it in a terminal and in a notebook.
        on_event: Called with every event, in the thread that reads the events.

    Returns:
        The result. It contains the error of a model that failed; a failed model does not raise.

    Raises:
        UsageError: An argument is invalid, or a model cannot be pickled.
        EngineError: The measuring process could not be started, or stopped early.
    """
    _check_models(models)
    parsed = _parse_limits(limits)
    if on_event is not None and not callable(on_event):
        raise UsageError(f"on_event must be a function of an event, or None, not {_format_value(on_event)}.")
    X = _as_array(X)  # scikit-learn's name
    rows = _count_rows(X, "X")
    if rows == 0:
        raise UsageError("The data has no rows.")
    if y is not None and (targets := _count_rows(y, "y")) != rows:
        raise UsageError(f"y must have one target per row: X has {rows:,} rows and y has {targets:,}.")
    with tempfile.TemporaryDirectory(
        prefix="latency-tui-", dir=temporary_parent()
    ) as folder:  # readable by this user alone
        specs = tuple(
            ModelSpec(
                name=name,
                file=_store(ModelWithState(model), Path(folder) / f"{index}.pickle", f"The model {name!r}"),
                is_temporary_pickle=True,
            )
            for index, (name, model) in enumerate(models.items())
        )
        data = StoredDataset(
            path=_store((X, y), Path(folder) / "data.pickle", "The data"), rows=rows, features=_count_features(X)
        )
        candidates = make_slugs_unique(
            expand_runtimes(_build_candidates(specs, settings), _check_names("runtimes", runtimes))
        )
        timed = seconds is not None or until_known
        plan = Plan(
            candidates=candidates,
            workload=Workload(dataset=data, method=method, batch_size=_check_int("batch_size", batch_size)),
            runs=(None if timed else 100) if runs is None else _check_int("runs", runs),
            seconds=None if seconds is None else _check_float("seconds", seconds),
            until_known=_check_bool("until_known", until_known),
            max_seconds=_check_float("max_seconds", max_seconds),
            control=_check_bool("control", control),
            equivalence=_check_float("equivalence", equivalence),
            baseline=_find_slug(baseline, candidates),
            launches=_check_int("launches", launches),
            seed=_check_int("seed", seed),
            call_timeout=_check_float("call_timeout", call_timeout),
            pinning=_parse_pinning(cpu),
            threads=_check_int("threads", threads),
            cold_start=_check_bool("cold_start", cold_start)
            or any(limit.metric in COLD_START_METRICS for limit in parsed),
            limits=tuple(_resolve_limit(limit, candidates) for limit in parsed),
        )
        for candidate in plan.candidates:
            check_settings(candidate)
        shown = None if progress is None else _check_bool("progress", progress)
        return _run_coroutine(lambda: _measure(plan, shown, on_event))


def load(reference: str | Path, *, history: str | Path | None = None) -> Result:
    """Return a saved result.

    Args:
        reference: The JSON file of a result, or an id, a name, a tag, `last` or `last~2` of the history.
        history: The file of the history; None for the user's.

    Raises:
        UsageError: There is no such result, it cannot be read, or another tool wrote it.
    """
    return of(read_result(reference, None if history is None else Path(history)))


async def _measure(plan: Plan, shown: bool | None, on_event: Callable[[Event], None] | None) -> Result:
    recording = Recorder(plan)
    # Modules that are pickled by name, such as one beside the caller's script, must be importable in the engine.
    engine = partial(Engine, modules=[Path(entry) for entry in sys.path if entry])
    with Progress(plan, shown=shown) as progress:
        async with aclosing(events_of(plan, settled=recording.settled, new_engine=engine)) as events:
            async for event in events:
                recording.add(event)
                progress.update(event)
                if on_event is not None:
                    on_event(event)  # an exception also ends the engine
    return of(recording.result())


def _run_coroutine(work: Callable[[], Coroutine[None, None, Result]]) -> Result:
    """Run a coroutine to completion, in a new thread if this thread has a running loop, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    outcome: list[Result | BaseException] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(work())

    def target() -> None:
        try:
            outcome.append(loop.run_until_complete(task))
        except BaseException as error:  # noqa: BLE001 (carried over to the caller's thread)
            outcome.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=target, name="latency-tui")
    thread.start()
    try:
        thread.join()
    except BaseException:  # the notebook cell was interrupted: stop the engine first
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _store(value: object, path: Path, what: str) -> str:
    try:
        path.write_bytes(dumps(value))
    except Exception as error:
        raise UsageError(f"{what} cannot be pickled and sent to another process: {error}.") from error
    return str(path)


def _check_models(models: object) -> None:
    if not isinstance(models, Mapping):
        raise UsageError(f"models must map names to models, not be {_format_value(models)}.")
    if not models:
        raise UsageError("Give at least one model to measure.")
    for name in models:
        if not isinstance(name, str):
            raise UsageError(f"A model's name must be text, not {_format_value(name)}.")


def _parse_limits(limits: object) -> list[Limit]:
    if isinstance(limits, str) or not isinstance(limits, Iterable):
        raise UsageError(f"limits must be a list of texts such as 'p99 < 5ms', not {_format_value(limits)}.")
    return [parse_limit(limit) for limit in limits]


def _resolve_limit(limit: Limit, candidates: Sequence[Candidate]) -> Limit:
    """Return a limit in which the name of a model, if any, is replaced by the slug of its candidate."""
    return msgspec.structs.replace(limit, candidate=_find_slug(limit.candidate, candidates))


def _find_slug(baseline: object, candidates: Sequence[Candidate]) -> str | None:
    """Return the slug of the baseline, which is given by the name of a candidate or by a slug; None for None."""
    if baseline is None:
        return None
    if not isinstance(baseline, str):
        raise UsageError(f"baseline must be the name of a model, or None, not {_format_value(baseline)}.")
    return next((one.slug for one in candidates if one.name == baseline), None) or slug_of(baseline)


def _build_candidates(specs: Sequence[ModelSpec], settings: object) -> tuple[Candidate, ...]:
    """Return one candidate per model and entry of its settings."""
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise UsageError(f"settings must map names of models to settings, not be {_format_value(settings)}.")
    names = [spec.name for spec in specs]
    for name in settings:
        if name not in names:
            raise UsageError(
                f"settings names {_format_value(name)}, which is not among the models; {hint(str(name), names)}"
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
        raise UsageError(f"The settings of {model!r} must be a dictionary, not {_format_value(settings)}.")
    found: dict[str, Setting] = {}
    for key, value in settings.items():
        if not isinstance(key, str) or not key.isidentifier():
            raise UsageError(f"A setting of {model!r} must have a name such as n_jobs, not {_format_value(key)}.")
        if isinstance(value, np.bool_ | bool):
            found[key] = bool(value)
        elif isinstance(value, Integral):
            found[key] = int(value)
        elif isinstance(value, Real):
            found[key] = float(value)
        elif isinstance(value, str):
            found[key] = str(value)
        else:
            raise UsageError(f"{key} of {model!r} must be text, a number, True or False, not {_format_value(value)}.")
        if key == "runtime":
            check_runtime(str(value))
    return found


def _check_names(argument: str, value: object) -> tuple[str, ...]:
    """Return one name or a list of names as a tuple."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{argument} must be a list of names, not {_format_value(value)}.")
    return tuple(names)


def _check_bool(name: str, value: object) -> bool:
    if not isinstance(value, np.bool_ | bool):
        raise UsageError(f"{name} must be True or False, not {_format_value(value)}.")
    return bool(value)


def _check_int(name: str, value: object) -> int:
    """Return a whole number as a Python int, because numpy integers cannot be encoded as JSON."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise UsageError(f"{name} must be a whole number, not {_format_value(value)}.")
    return int(value)


def _check_float(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name} must be a number, not {_format_value(value)}.")
    return float(value)


def _format_value(value: object) -> str:
    """Return the repr of a value, or its type if the repr is long."""
    written = repr(value)
    return written if len(written) <= 60 else f"a value of the type {type(value).__name__}"


def _as_array(inputs: Any) -> Any:
    """Return a list of numbers as an array; any other input unchanged."""
    if not isinstance(inputs, list | tuple):
        return inputs
    try:
        array = np.asarray(inputs)
    except ValueError:  # rows of different lengths
        return inputs
    return array if array.dtype.kind in "biuf" else inputs


def _count_rows(value: Any, name: str) -> int:
    library = type(value).__module__.partition(".")[0]
    if (compute := _COMPUTED_BY.get(library)) and callable(getattr(value, compute, None)):
        raise UsageError(f"{name} is a lazy {type(value).__name__} of {library}; pass {name}.{compute}() instead.")
    shape = getattr(value, "shape", None)
    if shape:
        return int(shape[0])
    if isinstance(value, Mapping) and value and all(getattr(array, "shape", None) for array in value.values()):
        return _count_named_rows(value)
    if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__len__") or shape is not None:
        raise UsageError(f"{name} must be an array, a data frame or a list of rows, not {_format_value(value)}.")
    return len(value)


def _count_named_rows(arrays: Mapping[str, Any]) -> int:
    """Return the common number of rows of named arrays, the input of models with named inputs."""
    lengths = {int(array.shape[0]) for array in arrays.values()}
    if len(lengths) > 1:
        raise UsageError(f"The arrays in X must have the same number of rows, not {sorted(lengths)}.")
    return lengths.pop()


def _count_features(inputs: Any) -> int:
    shape = getattr(inputs, "shape", None)
    return int(shape[1]) if shape and len(shape) > 1 else 0


def _parse_pinning(cpu: object) -> Pinning:
    if cpu is None:
        return "auto"
    if isinstance(cpu, str):
        return parse_cores(cpu)
    cores = tuple(cpu) if isinstance(cpu, Iterable) else (cpu,)
    if not cores or any(isinstance(core, bool) or not isinstance(core, Integral) for core in cores):
        raise UsageError(f"cpu must be core numbers, text such as '0,2-3', 'none' or None, not {_format_value(cpu)}.")
    check_cores(cores)
    return tuple(int(core) for core in cores)
