"""Prepares a model: loads it, checks settings, adapts the data, fits, converts to another runtime, and scores."""

from __future__ import annotations

import copy
import gc
import pickle
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from latency_tui.engine.candidate.adapt_inputs import AdaptedData, adapt_inputs
from latency_tui.engine.candidate.failures import format_warnings
from latency_tui.engine.candidate.finite_check import note_not_finite
from latency_tui.engine.candidate.model_outputs import outputs_of
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.models.runtimes.conversion import convert
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate.scoring import score_outputs
from latency_tui.engine.candidate_protocol import (
    CheckSettings,
    Prepare,
    Prepared,
    Score,
    Scored,
    SettingsChecked,
    TrainedModel,
)
from latency_tui.engine.data.array_exchange import read_arrays
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.standardized import prepare_for_fit
from latency_tui.engine.protocol import Stage
from latency_tui.engine.score_events import MetricScore
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import LatencyTuiError
from latency_tui.plan.candidates import NATIVE
from latency_tui.plan.settings import Setting


class ModelPreparation:
    """Prepares one model for measuring.

    Args:
        data: The dataset if it was inherited by forking; otherwise `prepare` reads it.
        context: What this process shares with the engine.
        begin_stage: Called with each stage that begins.

    Attributes:
        data: The training and test data, in the form that the model takes.
        model: The model as it was loaded, fitted or converted.
        adapted: The data in the form that suits the model, and the other forms; None before `prepare`.
        method: Name of the method that will be measured.
        order: Memory order of arrays, C or F.
        converted: Whether the model was converted. The conversion makes calls, so no call after it is a first call.
        settings: Settings of the candidate; empty before `prepare`.
        origin: The scikit-learn version that saved the model, for error messages; empty if it is the installed one.
    """

    def __init__(self, data: Data | None, context: ProcessContext, begin_stage: Callable[[Stage], None]) -> None:
        self._context = context
        self._begin_stage = begin_stage
        self._loaded: loading.LoadedModel | None = None
        self.data = data
        self.model: Any = None
        self.adapted: AdaptedData | None = None
        self.method = "predict"
        self.order = "C"
        self.converted = False
        self.alternatives = 0
        self.origin = ""
        self.settings: dict[str, Setting] = {}

    def check_settings(self, request: CheckSettings) -> SettingsChecked:
        """Load the model and set its parameters before any candidate is trained; `prepare` uses the loaded model."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = self._load(request)
        self._loaded = replace(loaded, notes=(*loaded.notes, *format_warnings(caught)))
        return SettingsChecked()

    def _load(self, request: CheckSettings | Prepare) -> loading.LoadedModel:
        """Return the model with its parameters, as loaded by `check_settings` or loaded now."""
        if (loaded := self._loaded) is None:
            threads = int(request.candidate.settings.get("threads", request.threads))
            loaded = loading.load(request.candidate, request.trust, threads, self._context.import_folders)
            loading.apply_settings(loaded.model, request.candidate.settings)
        self._loaded = None
        self.model, self.origin = loaded.model, loaded.origin
        return loaded

    def prepare(self, request: Prepare) -> Prepared:
        """Load the model and fit it, unless it is fitted."""
        self._begin_stage("loading")
        if self.data is None:
            folders = self._context.import_folders
            self.data = (
                read_arrays(Path(request.arrays))
                if request.arrays
                else prepare(request.workload.dataset, request.trust, folders)
            )
        settings = self.settings = request.candidate.settings
        threads = int(settings.get("threads", request.threads))
        self.order = str(settings.get("order", "C"))
        self.method = request.workload.method
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = self._load(request)
            if not loaded.fitted:
                self.data = prepare_for_fit(self.data, request.candidate.model)
            self.adapted = adapt_inputs(
                self.data, self.model, settings, fitted=loaded.fitted, workload=request.workload
            )
            self._context.thread_limiter.limit(threads)
            seconds = None
            if not loaded.fitted:
                self._begin_stage("training")
                seconds = self._fit() if request.trained is None else self._take(request.trained)
                self._context.thread_limiter.limit(threads)  # for libraries that fitting has loaded
            self.data = self.adapted.data
        gc.collect()  # otherwise garbage of fitting could be collected during a call
        return Prepared(
            seconds=seconds,
            notes=tuple(
                dict.fromkeys(
                    (
                        *loaded.notes,
                        *self.adapted.notes,
                        *(request.trained.notes if request.trained else ()),
                        *format_warnings(caught),
                    )
                )
            ),
            jobs=loading.job_count(self.model),
            alternatives=self.alternatives,
        )

    def _take(self, trained: TrainedModel) -> float:
        """Take over a model that another process has fitted; return how long that took there.

        A model that cannot be loaded is fitted here.
        """
        assert self.adapted is not None
        try:
            self.model = import_with_fallback(lambda: _read_model(Path(trained.path)), self._context.import_folders)
        except Exception:  # noqa: BLE001 (a user's class may raise anything)
            return self._fit()
        for _ in range(trained.alternatives):
            self.adapted = self.adapted.alternatives[0]()
        loading.configure(self.settings)
        return trained.seconds

    def _fit(self) -> float:
        """Fit on the data, trying other forms if that fails; return the duration in seconds."""
        assert self.adapted is not None
        while True:
            data, started = self.adapted.data, time.perf_counter()
            try:
                self.model.fit(data.X_train, data.y_train)
            except Exception as error:
                if not self.try_alternative(error):
                    raise
                self.model = loading.unfitted(self.model)
            else:
                return time.perf_counter() - started

    def try_alternative(self, error: Exception) -> bool:
        """Switch to the next form of the data; return False if there is none."""
        assert self.adapted is not None
        if not self.adapted.alternatives or issubclass(type(error), LatencyTuiError):
            return False
        self.adapted = self.adapted.alternatives[0]()
        self.alternatives += 1
        return True

    def score(self, request: Score, *, rows_per_call: int, fresh_per_call: bool) -> Scored:
        """Convert the model to another runtime if one is set, and score it, before anything is timed.

        Args:
            request: The request with the candidate.
            rows_per_call: The batch size, if it is known.
            fresh_per_call: Whether the model changes its input.
        """
        assert self.data is not None
        self._begin_stage("loading")
        notes: tuple[str, ...] = ()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if request.candidate.runtime != NATIVE and not self.converted:
                settings = request.candidate.settings
                threads = int(settings.get("threads", request.threads))
                converted = convert(request.candidate.runtime, self.model, self.data, threads, settings)
                self.model, self.data, notes = converted.model, converted.data, converted.notes
                self.converted = True
            scores = self._scores(request, fresh_per_call=fresh_per_call)
        rows = copy.deepcopy(self.data.X_test) if fresh_per_call else self.data.X_test
        if note := note_not_finite(self.model, self.method, rows, rows_per_call):
            notes = (note, *notes)
        gc.collect()
        notes = (*notes, *(f"it could not be scored: {score.problem}" for score in scores if score.problem))
        return Scored(scores=scores, notes=(*notes, *format_warnings(caught)))

    def _scores(self, request: Score, *, fresh_per_call: bool) -> tuple[MetricScore, ...]:
        """Return the score of the model by each metric; none if there are no targets, unless a metric was asked for."""
        assert self.data is not None
        if self.data.y_test is None:
            problem = "the data have no targets"
            return tuple(MetricScore(metric=name, asked=name, problem=problem) for name in request.metrics if name)
        found = outputs_of(self.model, self.data, fresh_per_call=fresh_per_call)
        scores = score_outputs(found, request.metrics, request.seed)
        if found.note and any(score.value is not None for score in scores):
            warnings.warn(found.note, stacklevel=2)
        return scores


def _read_model(path: Path) -> Any:
    with path.open("rb") as file:  # another process of this engine has just written it
        model, _ = pickle.load(file)  # noqa: S301 (as said)
    return model
