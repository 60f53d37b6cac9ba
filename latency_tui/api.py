"""The Python API: measure models of your own, from a script or a notebook, by the engine that the screens use."""

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
from latency_tui.catalog.runtimes import check_runtime, with_runtimes
from latency_tui.catalog.validate import check_settings
from latency_tui.engine.caller_objects import dumps
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure as events_of
from latency_tui.engine.library_state import WithState
from latency_tui.engine.process_environment import temporary_base
from latency_tui.engine.protocol import Event
from latency_tui.errors import UsageError
from latency_tui.plan import (
    Candidate,
    Method,
    ModelSpec,
    Plan,
    Setting,
    StoredDataset,
    Workload,
    number_apart,
    slug_of,
)
from latency_tui.plan.limits import FRESH, Limit, parse_limit
from latency_tui.plan.pinning import Pinning, check_cores, parse_cores
from latency_tui.plan.suggest import hint
from latency_tui.report.progress import Progress
from latency_tui.report.result import Result, of

Settings = Mapping[str, Setting]

_COMPUTED_BY = {
    "dask": "compute",
    "duckdb": "df",
    "ibis": "to_pandas",
    "narwhals": "collect",
    "polars": "collect",
    "pyspark": "toPandas",
}
"""The method by which a description of rows becomes rows, by library."""


def measure(
    models: Mapping[str, Any],  # Any: anything with the method, or a function of an array
    X: Any,  # Any: whatever holds rows
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
    equivalence: float = 0.01,
    cold_start: bool = False,
    seed: int = 0,
    call_timeout: float = 60.0,
    cpu: int | Sequence[int] | str | None = None,
    threads: int = 1,
    limits: Sequence[str] = (),
    progress: bool | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Result:
    """Measure how long models take to answer, in processes of their own, in interleaved rounds.

    Models and data travel to those processes by cloudpickle, so what was defined in the script or notebook works too.

    Args:
        models: Maps a name to a fitted model with the method asked for, or to a function of an array.
        X: `(n_rows, ...)` rows to ask: an array, a data frame or a list.
        y: `(n_rows,)` targets; with them, models that have `score` are scored.
        runs: Timed calls per model and launch; 100 unless one of the next two says how long.
        seconds: Time spent in timed calls per model and launch, instead of `runs`.
        until_known: Measure until each model is shown to differ from the baseline, or to match it, instead of `runs`.
        max_seconds: Time limit per launch for `until_known`.
        batch_size: Rows per call.
        method: `predict`, `predict_proba`, `decision_function` or `transform`.
        baseline: Name of the model that the others are compared with, as in `models`, with its settings in brackets if
            it has any; None for the fastest.
        settings: Maps names of `models` to settings, such as `{"forest": {"n_jobs": 1}}`, or to several, each of which
            is a candidate: `{"forest": [{}, {"n_jobs": 1}]}`.
        runtimes: What runs each model: `sklearn` (its own library) or `onnx`; each is a candidate.
        launches: Fresh engines that measure the plan one after the other; five for a verdict to rely on.
        control: Measure a hidden copy of the first model too, an A/A test of this machine.
        equivalence: Ratios this close to 1 count as equal.
        cold_start: Measure start-up and memory too, in a pass of their own.
        seed: Seeds the order of turns and of rows.
        call_timeout: Seconds after which a call counts as hung.
        cpu: Core or cores to pin the models to, by number or as the option has them (`"0,2-3"`), `"none"` for no
            pinning, None for one quiet core.
        threads: Threads of BLAS and OpenMP in a model's process.
        limits: Conditions such as `"p99 < 5ms"`, `"p50 < 1.05x"` or `"name: mean < 1ms"`; the result says of each model
            whether it meets them. A limit on cold start or memory measures these too.
        progress: Show a line on stderr while it measures; None to show it in a terminal and in a notebook.
        on_event: Called with every event as it happens, from the thread that reads them.

    Returns:
        The result. A model that failed is in it, with its error; it does not raise.

    Raises:
        UsageError: The arguments make no sense, or a model cannot be pickled.
        EngineError: The measuring process could not be started, or ended.
    """
    _check_models(models)
    parsed = _limits(limits)
    if on_event is not None and not callable(on_event):
        raise UsageError(f"on_event must be a function of an event, or None, not {_shown(on_event)}.")
    X = _as_array(X)  # scikit-learn's name
    rows = _rows(X, "X")
    if rows == 0:
        raise UsageError("The data has no rows.")
    if y is not None and (targets := _rows(y, "y")) != rows:
        raise UsageError(f"y must hold a target a row: X has {rows:,} rows and y {targets:,}.")
    with tempfile.TemporaryDirectory(
        prefix="latency-tui-", dir=temporary_base()
    ) as folder:  # readable by this user alone
        specs = tuple(
            ModelSpec(
                name=name,
                file=_store(WithState(model), Path(folder) / f"{index}.pickle", f"The model {name!r}"),
                handed_over=True,
            )
            for index, (name, model) in enumerate(models.items())
        )
        data = StoredDataset(
            path=_store((X, y), Path(folder) / "data.pickle", "The data"), rows=rows, features=_features(X)
        )
        candidates = number_apart(with_runtimes(_with_settings(specs, settings), _names("runtimes", runtimes)))
        timed = seconds is not None or until_known
        plan = Plan(
            candidates=candidates,
            workload=Workload(dataset=data, method=method, batch_size=_whole("batch_size", batch_size)),
            runs=(None if timed else 100) if runs is None else _whole("runs", runs),
            seconds=None if seconds is None else _number("seconds", seconds),
            until_known=_truth("until_known", until_known),
            max_seconds=_number("max_seconds", max_seconds),
            control=_truth("control", control),
            equivalence=_number("equivalence", equivalence),
            baseline=_baseline(baseline, candidates),
            launches=_whole("launches", launches),
            seed=_whole("seed", seed),
            call_timeout=_number("call_timeout", call_timeout),
            pinning=_pinning(cpu),
            threads=_whole("threads", threads),
            cold_start=_truth("cold_start", cold_start) or any(limit.metric in FRESH for limit in parsed),
            limits=tuple(_for_candidate(limit, candidates) for limit in parsed),
        )
        for candidate in plan.candidates:
            check_settings(candidate)
        shown = None if progress is None else _truth("progress", progress)
        return _in_a_loop(lambda: _measure(plan, shown, on_event))


async def _measure(plan: Plan, shown: bool | None, on_event: Callable[[Event], None] | None) -> Result:
    recording = Recorder(plan)
    # What a model was pickled from by name, a module beside the caller's script say, is to be found there again.
    engine = partial(Engine, modules=[Path(entry) for entry in sys.path if entry])
    with Progress(plan, shown=shown) as progress:
        async with aclosing(events_of(plan, settled=recording.settled, new_engine=engine)) as events:
            async for event in events:
                recording.add(event)
                progress.update(event)
                if on_event is not None:
                    on_event(event)  # what it raises ends the engine too
    return of(recording.result())


def _in_a_loop(work: Callable[[], Coroutine[None, None, Result]]) -> Result:
    """Run a coroutine to its end, in a thread of its own where this one has a running loop (a notebook)."""
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
    except BaseException:  # an interrupt of the cell: end the engine before it goes on its way
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
        raise UsageError(f"{what} cannot be sent to a process of its own: {error}.") from error
    return str(path)


def _check_models(models: object) -> None:
    if not isinstance(models, Mapping):
        raise UsageError(f"models must map names to models, not be {_shown(models)}.")
    if not models:
        raise UsageError("Give at least one model to measure.")
    for name in models:
        if not isinstance(name, str):
            raise UsageError(f"A model's name must be text, not {_shown(name)}.")


def _limits(limits: object) -> list[Limit]:
    if isinstance(limits, str) or not isinstance(limits, Iterable):
        raise UsageError(f"limits must be a list of texts such as 'p99 < 5ms', not {_shown(limits)}.")
    return [parse_limit(limit) for limit in limits]


def _for_candidate(limit: Limit, candidates: Sequence[Candidate]) -> Limit:
    """Return a limit with the slug of the model that it names, if it names one."""
    return msgspec.structs.replace(limit, candidate=_baseline(limit.candidate, candidates))


def _baseline(baseline: object, candidates: Sequence[Candidate]) -> str | None:
    """Return the slug of the baseline, by the name that it was given or by what is typed for it."""
    if baseline is None:
        return None
    if not isinstance(baseline, str):
        raise UsageError(f"baseline must be the name of a model, or None, not {_shown(baseline)}.")
    return next((one.slug for one in candidates if one.name == baseline), None) or slug_of(baseline)


def _with_settings(specs: Sequence[ModelSpec], settings: object) -> tuple[Candidate, ...]:
    """Return a candidate per model and settings."""
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise UsageError(f"settings must map names of models to settings, not be {_shown(settings)}.")
    names = [spec.name for spec in specs]
    for name in settings:
        if name not in names:
            raise UsageError(f"settings names {_shown(name)}, which is not among the models; {hint(str(name), names)}")
    return tuple(
        Candidate(model=spec, settings=_settings(spec.name, one))
        for spec in specs
        for one in _each(settings.get(spec.name, {}))
    )


def _each(settings: object) -> Sequence[object]:
    return settings if isinstance(settings, list | tuple) else (settings,)


def _settings(model: str, settings: object) -> dict[str, Setting]:
    """Return settings of a model, their numbers as Python's own."""
    if not isinstance(settings, Mapping):
        raise UsageError(f"The settings of {model!r} must be a dictionary, not {_shown(settings)}.")
    found: dict[str, Setting] = {}
    for key, value in settings.items():
        if not isinstance(key, str) or not key.isidentifier():
            raise UsageError(f"A setting of {model!r} must have a name such as n_jobs, not {_shown(key)}.")
        if isinstance(value, np.bool_ | bool):
            found[key] = bool(value)
        elif isinstance(value, Integral):
            found[key] = int(value)
        elif isinstance(value, Real):
            found[key] = float(value)
        elif isinstance(value, str):
            found[key] = str(value)
        else:
            raise UsageError(f"{key} of {model!r} must be text, a number, True or False, not {_shown(value)}.")
        if key == "runtime":
            check_runtime(str(value))
    return found


def _names(argument: str, value: object) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{argument} must be a list of names, not {_shown(value)}.")
    return tuple(names)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, np.bool_ | bool):
        raise UsageError(f"{name} must be True or False, not {_shown(value)}.")
    return bool(value)


def _whole(name: str, value: object) -> int:
    """Return a whole number as Python's own, for numpy's cannot travel."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise UsageError(f"{name} must be a whole number, not {_shown(value)}.")
    return int(value)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name} must be a number, not {_shown(value)}.")
    return float(value)


def _shown(value: object) -> str:
    """Return a value as it was written, or its type where that is long."""
    written = repr(value)
    return written if len(written) <= 60 else f"a value of the type {type(value).__name__}"


def _as_array(inputs: Any) -> Any:
    """Return a list of numbers as the array that a function of an array expects; anything else as it is."""
    if not isinstance(inputs, list | tuple):
        return inputs
    try:
        array = np.asarray(inputs)
    except ValueError:  # rows of several lengths
        return inputs
    return array if array.dtype.kind in "biuf" else inputs


def _rows(value: Any, name: str) -> int:
    library = type(value).__module__.partition(".")[0]
    if (compute := _COMPUTED_BY.get(library)) and callable(getattr(value, compute, None)):
        raise UsageError(
            f"{name} is a {type(value).__name__} of {library}, which has not been computed; give {name}.{compute}()."
        )
    shape = getattr(value, "shape", None)
    if shape:
        return int(shape[0])
    if isinstance(value, Mapping) and value and all(getattr(array, "shape", None) for array in value.values()):
        return _same_rows(value)
    if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__len__") or shape is not None:
        raise UsageError(f"{name} must hold rows, as an array, a data frame or a list does, not be {_shown(value)}.")
    return len(value)


def _same_rows(arrays: Mapping[str, Any]) -> int:
    """Return the number of rows of arrays by name, for models with named inputs."""
    lengths = {int(array.shape[0]) for array in arrays.values()}
    if len(lengths) > 1:
        raise UsageError(f"The arrays in X must have the same number of rows, not {sorted(lengths)}.")
    return lengths.pop()


def _features(inputs: Any) -> int:
    shape = getattr(inputs, "shape", None)
    return int(shape[1]) if shape and len(shape) > 1 else 0


def _pinning(cpu: object) -> Pinning:
    if cpu is None:
        return "auto"
    if isinstance(cpu, str):
        return parse_cores(cpu)
    cores = tuple(cpu) if isinstance(cpu, Iterable) else (cpu,)
    if not cores or any(isinstance(core, bool) or not isinstance(core, Integral) for core in cores):
        raise UsageError(f"cpu must be core numbers, text such as '0,2-3', 'none' or None, not {_shown(cpu)}.")
    check_cores(cores)
    return tuple(int(core) for core in cores)
