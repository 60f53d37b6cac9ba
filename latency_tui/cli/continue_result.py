"""`run --continue`: measures the missing calls of a saved result and adds them to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from latency_tui.analysis.continuation import plan_to_continue
from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import resume
from latency_tui.catalog.configuration import runs_code
from latency_tui.catalog.model_files import kind_of
from latency_tui.catalog.trust_store import remember, trust_for
from latency_tui.catalog.validate import check_plan
from latency_tui.cli.headless import HeadlessRun, run_and_report
from latency_tui.cli.history_options import Place
from latency_tui.cli.options import TRAINING_SECONDS
from latency_tui.cli.output import print_status
from latency_tui.engine.input_consistency import InputsChangedError, check_environment, check_inputs
from latency_tui.engine.protocol import EngineStarted, Event
from latency_tui.errors import UsageError
from latency_tui.history.references import is_path
from latency_tui.history.store import History
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.datasets import FileDataset, StoredDataset
from latency_tui.plan.trust import Trust
from latency_tui.report import Format
from latency_tui.result.atomic_files import check_writable
from latency_tui.result.result import Result, load
from latency_tui.text.formatting import format_more
from latency_tui.text.sanitize import clean

_KEPT_LOAD = (
    "The load test of this result is kept as it is; to measure it again, repeat latency-tui run with its --rate, "
    "--find-rate or --scenario offline."
)


def continue_result(
    reference: str,
    *,
    report_format: Format,
    output: Path | None,
    samples: bool,
    trust: Iterable[str],
    types: Iterable[str],
    place: Place,
    modules: Path | None = None,
) -> int:
    """Measure what a saved result lacks, write the whole result, and return the exit code.

    Args:
        reference: The file of the result, or a reference to a result of the history.
        report_format: The format of the report.
        output: The output file; None to replace the result, or for stdout.
        samples: Whether the JSON contains the individual latencies.
        trust: Files that may run their author's code, possibly including the result.
        types: Types that are trusted in skops files.
        place: Where the result is kept.
        modules: An additional folder in which modules of models are searched.

    Raises:
        UsageError: The result cannot be continued; the message has the reason.
    """
    file = Path(reference)
    if is_path(reference):
        result, base = load(file), True
    else:
        with History.open(place.path) as history:
            result, base = history.load(history.find(reference)), False
    if result.checkpoint is None and result.more is None:
        return _report_complete(file, result)
    try:
        recording = resume(result)
    except UsageError as error:
        raise UsageError(f"{file} cannot be continued: {error}. Measure it again.") from error
    more = recording.result(samples=False).more
    if more is None:
        return _report_complete(file, result)
    plan = _replace_trust(plan_to_continue(recording.plan, more, recording.active), file, trust, types)
    if plan.training_timeout is None:  # no user is present to cancel a long training
        plan = msgspec.structs.replace(plan, training_timeout=TRAINING_SECONDS)
    check_plan(plan)
    remember(plan.candidates, plan.trust)
    path = output or (file if base else None)
    if path is not None:
        check_writable(path)
    print_status(clean(f"measuring {format_more(more)} for {file}."))
    if recording.plan.load is not None:
        print_status(_KEPT_LOAD)
    consistency = ConsistencyCheck(file, recording, plan)
    measurement = HeadlessRun(plan, modules, place=place, continued=recording, base=result if base else None)
    measurement.watch = consistency.check
    return run_and_report(measurement, report_format=report_format, path=path, samples=samples)


def _report_complete(file: Path, result: Result) -> int:
    open_pairs = any(pair.verdict == "inconclusive" for pair in result.comparisons)
    unknown = open_pairs or any(limit.verdict == "inconclusive" for limit in result.limits)
    what = "may not be decided by more runs" if unknown else "needs no more runs"
    print_status(clean(f"{file} {what}. {result.answer}".strip()))
    if result.plan.load is not None:
        print_status(_KEPT_LOAD)
    return 0


def _replace_trust(plan: Plan, file: Path, trusted: Iterable[str], types: Iterable[str]) -> Plan:
    """Return the plan of a result with the trust of the command line instead of that in the file.

    Raises:
        UsageError: The plan runs code that is not trusted, or was measured from objects of a Python program.
    """
    stored = isinstance(plan.workload.dataset, StoredDataset)
    if stored or any(candidate.model.is_temporary_pickle for candidate in plan.candidates):
        raise UsageError(
            f"{file} was measured from objects of a Python program and cannot be continued here; measure them again "
            "with latency_tui.measure."
        )
    trusted = tuple(trusted)
    itself = [text for text in trusted if Path(text).resolve() == file.resolve()]
    for candidate in plan.candidates:
        model = candidate.model
        if candidate.python and not itself:
            raise UsageError(
                f"{candidate.name} runs a program, {candidate.python}, that {file} names. If you trust that file, add "
                f"--trust {file}."
            )
        if model.factory and not itself and runs_code(model.factory, {**model.parameters, **candidate.settings}):
            raise UsageError(
                f"{model.name} runs the code {model.factory}, which {file} names. If you trust that file, add "
                f"--trust {file}."
            )
    candidates = tuple(map(_as_named_by_user, plan.candidates))
    plan = msgspec.structs.replace(plan, candidates=candidates, trust=Trust())
    data = plan.workload.dataset.path if isinstance(plan.workload.dataset, FileDataset) else ""
    files = [text for text in trusted if text not in itself]
    return msgspec.structs.replace(plan, trust=trust_for(plan.candidates, files=files, types=types, data=data))


def _as_named_by_user(candidate: Candidate) -> Candidate:
    """Return a candidate as if the user had named it: without what the result says about its file."""
    model = msgspec.structs.replace(candidate.model, configuration_digest="", file_digest="")
    if model.file:
        model = msgspec.structs.replace(model, file_format=kind_of(Path(model.file)))
    return msgspec.structs.replace(candidate, model=model)


class ConsistencyCheck:
    """Checks, before anything is loaded, that machine, libraries, files and modules are those of the result.

    Args:
        file: The result.
        recording: The content of the result.
        plan: The plan that is measured.
    """

    def __init__(self, file: Path, recording: Recorder, plan: Plan) -> None:
        self._file = file
        self._has_calls = recording.rounds > 0
        self._before = recording.noise_recorder.machine
        self._inputs = recording.inputs
        self._plan = plan
        self._warned = False

    def check(self, event: Event) -> None:
        """Check an event of the measurement.

        Raises:
            UsageError: The environment or an input differs.
        """
        if not self._has_calls:
            return
        try:
            if isinstance(event, EngineStarted) and self._before is not None:
                check_environment(self._before, event.environment)
                self._warn_about_host(event.environment.host)
            check_inputs(self._plan, self._inputs, event)
        except InputsChangedError as changed:
            raise UsageError(f"{self._file} cannot be continued, because {changed}. Measure it again.") from changed

    def _warn_about_host(self, host: str) -> None:
        if self._before is not None and self._before.host != host and not self._warned:
            self._warned = True
            print_status(clean(f"{self._file} was measured on the host {self._before.host}; make sure it is this one."))
