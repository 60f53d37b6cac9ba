"""Getting a model ready: load it, check its settings, adapt the data, fit, convert to another runtime, score."""

from __future__ import annotations

import copy
import gc
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from latency_tui.engine.candidate.context import ProcessContext
from latency_tui.engine.candidate.failures import format_warnings
from latency_tui.engine.candidate.inputs import AdaptedData, adapt_inputs
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.models.runtimes.conversion import convert
from latency_tui.engine.candidate.not_finite import note_not_finite
from latency_tui.engine.candidate_protocol import CheckSettings, Prepare, Prepared, Score, Scored, SettingsChecked
from latency_tui.engine.data.arrays import read_arrays
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.standardized import prepare_for_fit
from latency_tui.engine.protocol import Stage
from latency_tui.errors import LatencyTuiError
from latency_tui.plan.candidates import NATIVE


class ModelPreparation:
    """One model on its way from a file or a class to one that answers.

    Args:
        data: The dataset if it was inherited by forking; otherwise `prepare` reads it.
        context: What this process shares with the engine.
        begin_stage: Called with each stage that begins.

    Attributes:
        data: The training and test data, as the model gets them.
        model: The model as it was loaded, fitted or converted.
        adapted: The data in the form that suits the model, and the other forms; None before `prepare`.
        method: Name of the method that is going to be measured.
        order: Memory order of arrays, C or F.
        converted: Whether the model was converted. The conversion makes calls, so no call after it is a first call.
        origin: Which other version of scikit-learn made the model, for failure messages; empty if it is not known.
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
        self.origin = ""

    def check_settings(self, request: CheckSettings) -> SettingsChecked:
        """Load, and set the parameters, before any candidate is trained; what is loaded is kept for `prepare`."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = self._load(request)
        self._loaded = replace(loaded, notes=(*loaded.notes, *format_warnings(caught)))
        return SettingsChecked()

    def _load(self, request: CheckSettings | Prepare) -> loading.LoadedModel:
        """Return the model with its parameters set, as it was loaded to check these or anew."""
        if (loaded := self._loaded) is None:
            threads = int(request.candidate.settings.get("threads", request.threads))
            loaded = loading.load(request.candidate, request.trust, threads, self._context.import_folders)
            loading.apply_settings(loaded.model, request.candidate.settings)
        self._loaded = None
        self.model, self.origin = loaded.model, loaded.origin
        return loaded

    def prepare(self, request: Prepare) -> Prepared:
        """Load and fit."""
        self._begin_stage("loading")
        if self.data is None:
            folders = self._context.import_folders
            self.data = (
                read_arrays(Path(request.arrays))
                if request.arrays
                else prepare(request.workload.dataset, request.trust, folders)
            )
        settings = request.candidate.settings
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
                seconds = self._fit()
                self._context.thread_limiter.limit(threads)  # for what was only loaded by fitting
            self.data = self.adapted.data
        gc.collect()  # what fitting left behind is not to be collected during a call
        return Prepared(
            seconds=seconds,
            notes=(*loaded.notes, *self.adapted.notes, *format_warnings(caught)),
            jobs=loading.job_count(self.model),
        )

    def _fit(self) -> float:
        """Fit on the data as adapted, else on one of their other forms; return the seconds that it took."""
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
        """Take the next form of the data if there is one; return whether there was."""
        assert self.adapted is not None
        if not self.adapted.alternatives or issubclass(type(error), LatencyTuiError):
            return False
        self.adapted = self.adapted.alternatives[0]()
        return True

    def score(self, request: Score, *, rows_per_call: int, fresh_per_call: bool) -> Scored:
        """Convert if another runtime is wanted, and score: everything that calls the model before anything is timed.

        Args:
            request: Which candidate.
            rows_per_call: The workload's batch size, as far as it is known.
            fresh_per_call: Whether the model changes the rows that it receives.
        """
        assert self.data is not None
        self._begin_stage("loading")
        notes: tuple[str, ...] = ()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if request.candidate.runtime != NATIVE:
                settings = request.candidate.settings
                threads = int(settings.get("threads", request.threads))
                converted = convert(request.candidate.runtime, self.model, self.data, threads, settings)
                self.model, self.data, notes = converted.model, converted.data, converted.notes
                self.converted = True
            score = loading.score(self.model, copy.deepcopy(self.data) if fresh_per_call else self.data)
        rows = copy.deepcopy(self.data.X_test) if fresh_per_call else self.data.X_test
        if note := note_not_finite(self.model, self.method, rows, rows_per_call):
            notes = (note, *notes)
        gc.collect()
        return Scored(score=score, notes=(*notes, *format_warnings(caught)))
