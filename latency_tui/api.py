"""The Python API: measures models from a script or a notebook, with the same engine as the app."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from latency_tui.analysis.recorder import Recorder
from latency_tui.api_arguments import (
    as_array,
    build_candidates,
    build_load_test,
    build_sweeps,
    check_bool,
    check_float,
    check_int,
    check_mix,
    check_models,
    check_names,
    count_features,
    count_rows,
    find_slug,
    format_value,
    parse_limits,
    parse_metric,
    parse_pinning,
    resolve_limit,
)
from latency_tui.catalog.runtimes import expand_runtimes
from latency_tui.catalog.validate import check_settings
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure as events_of
from latency_tui.engine.library_state import ModelWithState
from latency_tui.engine.object_pickling import dumps
from latency_tui.engine.process_environment import temporary_parent
from latency_tui.engine.protocol import Event
from latency_tui.errors import UsageError
from latency_tui.history.reading import read_result
from latency_tui.plan import Method, ModelSpec, Plan, Setting, StoredDataset, Workload, expand, make_slugs_unique
from latency_tui.plan.limits import COLD_START_METRICS
from latency_tui.plan.load import DEFAULT_DURATION, WorkerKind
from latency_tui.plan.mix import default_runs
from latency_tui.plan.plan import DEFAULT_CALL_TIMEOUT_SECONDS, DEFAULT_MAX_SECONDS
from latency_tui.report.progress import Progress
from latency_tui.report.result import Result, of
from latency_tui.stats.defaults import EQUIVALENCE

Settings = Mapping[str, Setting]


def measure(
    models: Mapping[str, Any],  # Any: an object with the method, or a function of an array
    X: Any,  # Any: an array, a data frame or a list
    y: Any = None,
    *,
    runs: int | None = None,
    seconds: float | None = None,
    until_known: bool = False,
    max_seconds: float = DEFAULT_MAX_SECONDS,
    batch_size: int = 1,
    mix: Mapping[int, float] | Sequence[int] | None = None,
    method: Method = "predict",
    baseline: str | None = None,
    settings: Mapping[str, Settings | Sequence[Settings]] | None = None,
    sweep: Mapping[str, str | Sequence[Setting]] | None = None,
    runtimes: Sequence[str] = (),
    launches: int = 1,
    control: bool = False,
    equivalence: float = EQUIVALENCE,
    cold_start: bool = False,
    steps: bool = False,
    seed: int = 0,
    call_timeout: float = DEFAULT_CALL_TIMEOUT_SECONDS,
    cpu: int | Sequence[int] | str | None = None,
    threads: int = 1,
    metric: str | None = None,
    limits: Sequence[str] = (),
    rate: float | Sequence[float] | None = None,
    find_rate: bool = False,
    offline: bool = False,
    workers: int = 1,
    worker_kind: WorkerKind = "process",
    arrivals: str | Sequence[float] = "poisson",
    duration: float = DEFAULT_DURATION,
    progress: bool | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Result:
    """Measure the latency of fitted models in separate processes and interleaved rounds.

    Models and data are sent to the processes with cloudpickle, so classes and functions defined in a script or notebook
    work too.

    Args:
        models: Maps a name to a fitted model that has the method, or to a function of an array.
        X: `(n_rows, ...)` rows to predict: an array, a data frame or a list.
        y: `(n_rows,)` targets; if given, models are scored.
        runs: Timed calls per model and launch; defaults to 100, or to more if a mix needs them, unless `seconds` or
            `until_known` is given.
        seconds: Time spent in timed calls per model and launch, instead of `runs`.
        until_known: Measure until each model is shown to differ from the baseline, or to match it, instead of `runs`.
        max_seconds: Time limit per launch for `until_known`.
        batch_size: Rows per call.
        mix: Several batch sizes instead: maps each to its share of the calls, `{1: 0.8, 64: 0.2}`, or lists the batch
            sizes of recorded requests.
        method: The method to call: `predict`, `predict_proba`, `decision_function` or `transform`.
        baseline: Name of the model that the others are compared with, as in `models`, followed by its settings in
            brackets if it has any; None for the fastest.
        settings: Maps names of `models` to settings, such as `{"forest": {"n_jobs": 1}}`, or to a list of settings that
            creates one candidate per entry: `{"forest": [{}, {"n_jobs": 1}]}`.
        sweep: Maps a setting to the values that each model is measured with, such as `{"batch": [1, 2, 4]}` or
            `{"batch": "1,2,4..256"}`: `batch` (rows per call), `threads`, or a setting such as `input`.
        runtimes: Runtimes of each model: `sklearn` (its own library) or `onnx`; creates one candidate per runtime.
        launches: Number of fresh engines that measure the plan one after the other; use five for a reliable verdict.
        control: Whether to add a hidden copy of the first model, an A/A test that shows the noise of this machine.
        equivalence: Ratios this close to 1 count as equal.
        cold_start: Whether to measure start-up and memory too, in a separate pass.
        steps: Whether to time the steps of each model too, in a separate pass; see `Result.steps`.
        seed: Seed of the order of blocks and rows.
        call_timeout: Seconds after which a call counts as hung.
        cpu: Core or cores to pin the models to: numbers, or text such as `"0,2-3"`; `"none"` for no pinning, None for
            one idle core.
        threads: Number of BLAS and OpenMP threads per model process.
        metric: Metric of the score, named as in scikit-learn, such as `"roc_auc"` or `"mean_absolute_error"`; None for
            accuracy of classifiers and R² of regressors.
        limits: Conditions such as `"p99 < 5ms"`, `"accuracy > 0.9"`, `"p50 < 1.05x"` or `"name: mean < 1ms"`; the
            result contains a verdict per model. A limit on cold start or memory implies that pass.
        rate: Requests per second to measure under load, or several rates; limits on latency are then on response times.
        find_rate: Whether to search the highest request rate at which the limits hold, instead of `rate`.
        offline: Whether to measure the throughput, with all requests there at once; sweep `batch` for the best size.
        workers: Workers per model under load.
        worker_kind: Whether workers are a `"process"` each, or a `"thread"` of one process.
        arrivals: Gaps between requests: `"poisson"`, `"constant"`, or recorded gaps in seconds, scaled to each rate.
        duration: Seconds of load per model and rate.
        progress: Whether to show a progress line on stderr; None shows it in a terminal and in a notebook.
        on_event: Called with every event, in the thread that reads the events.

    Returns:
        The result. It contains the error of a model that failed; a failed model does not raise.

    Raises:
        UsageError: An argument is invalid, or a model cannot be pickled.
        EngineError: The measuring process could not be started, or stopped early.
    """
    check_models(models)
    parsed = parse_limits(limits)
    if on_event is not None and not callable(on_event):
        raise UsageError(f"on_event must be a function of an event, or None, not {format_value(on_event)}.")
    X = as_array(X)  # scikit-learn's name
    rows = count_rows(X, "X")
    if rows == 0:
        raise UsageError("The data has no rows.")
    if y is not None and (targets := count_rows(y, "y")) != rows:
        raise UsageError(f"y must have one target per row: X has {rows:,} rows and y has {targets:,}.")
    with tempfile.TemporaryDirectory(
        prefix="latency-tui-", dir=temporary_parent()
    ) as folder:  # readable by this user alone
        specs = tuple(
            ModelSpec(
                name=name,
                file=_store(ModelWithState(model), Path(folder) / f"{index}.pickle", f"The model {name!r}"),
                file_format="pickle",
                is_temporary_pickle=True,
            )
            for index, (name, model) in enumerate(models.items())
        )
        data = StoredDataset(
            path=_store((X, y), Path(folder) / "data.pickle", "The data"), rows=rows, features=count_features(X)
        )
        candidates = make_slugs_unique(
            expand_runtimes(build_candidates(specs, settings), check_names("runtimes", runtimes))
        )
        sweeps = build_sweeps(sweep)
        candidates = expand(candidates, sweeps) if sweeps else candidates
        timed, requests = seconds is not None or until_known, check_mix(mix)
        plan = Plan(
            candidates=candidates,
            workload=Workload(
                dataset=data, method=method, batch_size=check_int("batch_size", batch_size), mix=requests
            ),
            runs=(None if timed else default_runs(requests)) if runs is None else check_int("runs", runs),
            seconds=None if seconds is None else check_float("seconds", seconds),
            until_known=check_bool("until_known", until_known),
            max_seconds=check_float("max_seconds", max_seconds),
            control=check_bool("control", control),
            equivalence=check_float("equivalence", equivalence),
            baseline=find_slug(baseline, candidates),
            launches=check_int("launches", launches),
            seed=check_int("seed", seed),
            call_timeout=check_float("call_timeout", call_timeout),
            pinning=parse_pinning(cpu),
            threads=check_int("threads", threads),
            steps=check_bool("steps", steps),
            cold_start=check_bool("cold_start", cold_start)
            or any(limit.metric in COLD_START_METRICS for limit in parsed),
            metric=parse_metric(metric),
            limits=tuple(resolve_limit(limit, candidates) for limit in parsed),
            sweeps=sweeps,
            load=build_load_test(rate, find_rate, offline, workers, worker_kind, arrivals, duration),
        )
        for candidate in plan.candidates:
            check_settings(candidate)
        shown = None if progress is None else check_bool("progress", progress)
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
        async with aclosing(events_of(plan, is_decided=recording.is_decided, new_engine=engine)) as events:
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
