"""Checks the Python interpreters of candidates that name one, and starts a process of each to fork candidates from.

That process has imported scikit-learn under its interpreter. Candidates of the engine's own interpreter are forked from
the engine, which has imported it too, so all candidates start in the same state.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Annotated

import msgspec

from latency_tui.catalog.interpreters import find_interpreter
from latency_tui.catalog.trust_store import check_configuration_trust
from latency_tui.engine import machine
from latency_tui.engine.candidate import environment_report
from latency_tui.engine.candidate.environment_report import EnvironmentReport, EnvironmentRequest
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate_protocol import BecomeForkServer, ForkServerReady, protocol
from latency_tui.engine.server.candidate_process import CandidateProcess, Interpreter
from latency_tui.engine.server.channel import POLL_SECONDS, Channel
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Plan

CHECK_SECONDS = 60.0
"""Time limit for an interpreter to start, import latency-tui and describe itself; a cold disk takes several seconds."""
START_SECONDS = 120.0
"""Time limit for an interpreter to import scikit-learn."""
LIBRARIES = (
    *("sklearn.datasets", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection"),
    *("sklearn.neural_network", "sklearn.preprocessing", "sklearn.svm"),
)
"""Modules that most plans need, which the engine imports too."""
_MAX_ANSWER = 2**20
_MAX_LOG = 2**24
_LOG_TAIL = 4000

_CHECK = """
import sys
if sys.path and not sys.path[0]:
    del sys.path[0]  # the working directory: a stray json.py in it must not hurt
import json, os
def answer(**found):
    with os.fdopen(int(sys.argv[1]), "wb") as pipe:
        pipe.write(json.dumps(found).encode() + b"\\n")
    os._exit(0)
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
if sys.version_info < (3, 11):
    answer(**found)
try:
    import latency_tui
except ModuleNotFoundError as error:
    answer(missing=error.name, **found)
except BaseException as error:
    answer(error=repr(error), **found)
try:
    from importlib.metadata import version
    found["version"] = version("latency-tui")
except Exception:
    pass
try:
    from latency_tui.engine.candidate_protocol import protocol
    found["protocol"] = protocol()
except ImportError as error:
    if not str(error.name).startswith("latency_tui"):
        answer(missing=error.name, error=repr(error), **found)
except BaseException as error:
    answer(error=repr(error), **found)
if found.get("protocol") != sys.argv[2]:
    answer(**found)
try:
    from latency_tui.engine.candidate.environment_report import answer as describe
    with open(sys.argv[3], "rb") as file:
        found["report"] = json.loads(describe(file.read()))
except BaseException as error:
    answer(error=repr(error), missing=getattr(error, "name", None), **found)
answer(**found)
"""
"""Code that any interpreter understands: it writes one line of JSON to a descriptor."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    python: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+")]
    version: str = ""
    protocol: str = ""
    missing: str | None = None
    error: str = ""
    report: EnvironmentReport | None = None


class Interpreters:
    """The interpreters of the candidates of a job.

    Args:
        channel: Commands are read from it while an interpreter is awaited.
        folder: Returns the private folder of the engine.
        context: What processes share with the engine.
        fork: Whether candidates are forked.
    """

    def __init__(self, channel: Channel, folder: Callable[[], Path], context: ProcessContext, *, fork: bool) -> None:
        self._channel = channel
        self._folder = folder
        self._context = context
        self._fork = fork
        self._reports: dict[Interpreter, EnvironmentReport] = {}
        self._parents: dict[Interpreter, CandidateProcess | None] = {}

    @property
    def pids(self) -> set[int]:
        """The process ids of the processes from which candidates are forked."""
        return {parent.pid for parent in self._parents.values() if parent is not None}

    def find(self, candidate: Candidate) -> Interpreter:
        """Return the interpreter of a candidate that names one.

        Raises:
            UsageError: There is no such interpreter.
        """
        return interpreter_of(candidate, self._context.import_folders)

    def check(self, plan: Plan) -> dict[str, str]:
        """Check the interpreters of a plan; return the reason why a candidate cannot run, by slug.

        Raises:
            JobStopped: The client wants the job to end.
        """
        refused: dict[str, str] = {}
        before, self._reports = self._reports, {}
        groups: dict[Interpreter, list[Candidate]] = {}
        for candidate in plan.all_candidates:
            if candidate.python:
                try:
                    check_configuration_trust(candidate, plan.trust)
                    groups.setdefault(self.find(candidate), []).append(candidate)
                except UsageError as error:
                    refused[candidate.slug] = str(error)
        for interpreter, candidates in groups.items():
            try:
                self._reports[interpreter] = self._describe(interpreter, candidates)
            except UsageError as error:
                refused |= {candidate.slug: str(error) for candidate in candidates}
        for interpreter in [*self._parents]:
            new = self._reports.get(interpreter)
            if new is None or interpreter not in before or new.versions != before[interpreter].versions:
                self._end(interpreter)
        return refused

    def report(self, candidate: Candidate) -> EnvironmentReport:
        """Return the description of the environment of a candidate, which was checked, or of the engine."""
        if not candidate.python:
            return environment_report.describe((), ())
        return self._reports[self.find(candidate)]

    def fingerprint(self, candidate: Candidate) -> object:
        """Return a value that changes if the environment of a candidate changes; None for that of the engine."""
        report = self._reports.get(self.find(candidate)) if candidate.python else None
        return report and (report.versions, report.inputs.get(candidate.slug))

    def inputs(self, candidates: Iterable[Candidate]) -> dict[str, str]:
        """Return the library versions and the modules of candidates in other environments, by name."""
        found: dict[str, str] = {}
        for candidate in candidates:
            if candidate.python and (report := self._reports.get(self.find(candidate))):
                own = {name: report.versions[name] for name in ("Python", *machine.PACKAGES) if name in report.versions}
                own |= report.inputs.get(candidate.slug, {})
                found |= {f"{name} of {candidate.environment}": value for name, value in own.items()}
            if candidate.revision:
                found[f"the commit of {candidate.revision.name}"] = candidate.revision.commit
        return found

    def parent(self, interpreter: Interpreter, log: Path) -> CandidateProcess | None:
        """Return the process from which candidates of an interpreter are forked; None if they cannot be forked.

        Raises:
            JobStopped: The client wants the job to end.
        """
        if not self._fork:
            return None
        if interpreter not in self._parents or (
            (known := self._parents[interpreter]) is not None and known.has_ended()
        ):
            self._end(interpreter)
            self._parents[interpreter] = self._start(interpreter, log)
        return self._parents[interpreter]

    def end(self) -> None:
        """End the processes from which candidates are forked. The candidates continue to run."""
        for interpreter in [*self._parents]:
            self._end(interpreter)

    def _end(self, interpreter: Interpreter) -> None:
        parent = self._parents.pop(interpreter, None)
        if parent is not None:
            parent.end()

    def _start(self, interpreter: Interpreter, log: Path) -> CandidateProcess | None:
        try:
            process = CandidateProcess("", log, None, self._context, fork=False, interpreter=interpreter)
        except OSError:
            return None
        try:
            process.ask(BecomeForkServer(modules=LIBRARIES), "loading", START_SECONDS)
            while not (heard := self._channel.wait([process.connection], POLL_SECONDS)):
                self._channel.flush()
                if process.has_ended() or process.is_late():
                    break
            reply = process.reply() if heard else None
        except BaseException:
            process.end()
            raise
        if not isinstance(reply, ForkServerReady) or reply.threads != 1:
            process.end()
            return None
        return process

    def _describe(self, interpreter: Interpreter, candidates: Iterable[Candidate]) -> EnvironmentReport:
        """Run an interpreter once, and return the description of its environment_report.

        Raises:
            UsageError: It is not a Python interpreter, or it lacks latency-tui, or has another version of it.
            JobStopped: The client wants the job to end.
        """
        request = self._folder() / "environment_report.json"
        request.write_bytes(
            msgspec.json.encode(EnvironmentRequest(candidates=tuple(candidates), folders=interpreter.folders))
        )
        answer = self._ask(interpreter, str(request))
        name = interpreter.name
        install = f"run {interpreter.shown} -m pip install latency-tui"
        if tuple(map(int, answer.python.split(".")[:2])) < (3, 11):
            raise UsageError(f"{name} has Python {answer.python}; latency-tui needs Python 3.11 or later there.")
        if answer.missing == "latency_tui":
            raise UsageError(f"latency-tui is not installed in {name}; {install}.")
        if answer.error:
            raise UsageError(f"latency-tui cannot be imported in {name}: {answer.error}; {install}.")
        if answer.report is None:
            mine = machine.versions_of(["latency-tui"]).get("latency-tui", "")
            theirs = f" {answer.version}" if answer.version and answer.version != mine else ""
            raise UsageError(
                f"latency-tui{theirs} in {name} is of another version, which this latency-tui {mine} cannot talk to; "
                f"{install}=={mine}."
            )
        return answer.report

    def _ask(self, interpreter: Interpreter, request: str) -> _Answer:
        reading, writing = os.pipe()
        words = [interpreter.python, "-c", _CHECK, str(writing), protocol(), request]
        try:
            process = subprocess.Popen(  # noqa: S603 (checked for trust before)
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[writing],
                cwd=interpreter.folder,
                env=interpreter.environment(),
                process_group=0,
            )
        except OSError as error:
            os.close(reading)
            why = error.strerror or error
            raise UsageError(f"{interpreter.name} cannot be run: {why}.") from error
        finally:
            os.close(writing)
        try:
            answer, log, in_time = self._listen(process, reading)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(reading)
            if process.stderr is not None:
                process.stderr.close()
        if not in_time:
            raise UsageError(f"{interpreter.name} did not answer within {CHECK_SECONDS:g} s and was ended.")
        try:
            return msgspec.json.decode(answer, type=_Answer)
        except msgspec.MsgspecError:
            lines = log.decode(errors="replace").strip().splitlines()
            why = f": {lines[-1]}" if lines else ""
            raise UsageError(f"{interpreter.name} is no Python interpreter, or it cannot start{why}.") from None

    def _listen(self, process: subprocess.Popen[bytes], reading: int) -> tuple[bytes, bytes, bool]:
        """Return the answer, the end of what was printed, and whether the answer came in time."""
        assert process.stderr is not None
        errors = process.stderr.fileno()
        answer, log, printed, open_pipes = b"", b"", 0, [reading, errors]
        deadline = time.monotonic() + CHECK_SECONDS
        while reading in open_pipes and b"\n" not in answer and len(answer) <= _MAX_ANSWER:
            if time.monotonic() > deadline or printed > _MAX_LOG:
                return answer, log, False
            self._channel.wait([], 0)
            for pipe in wait(open_pipes, POLL_SECONDS):
                assert isinstance(pipe, int)
                chunk = os.read(pipe, 1 << 16)
                if not chunk:
                    open_pipes.remove(pipe)
                elif pipe == reading:
                    answer += chunk
                else:
                    printed += len(chunk)
                    log = (log + chunk)[-_LOG_TAIL:]
        if not answer and errors in open_pipes and wait([errors], POLL_SECONDS):
            log = (log + os.read(errors, 1 << 16))[-_LOG_TAIL:]
        return answer, log, True


def interpreter_of(candidate: Candidate, folders: tuple[str, ...]) -> Interpreter:
    """Return the interpreter of a candidate that names one.

    Args:
        candidate: The candidate.
        folders: Folders in which users' modules are searched, unless the candidate names a revision.

    Raises:
        UsageError: There is no such interpreter.
    """
    revision = candidate.revision
    python, shown = find_interpreter(candidate.python), candidate.python
    folders = (revision.folder, *revision.modules) if revision else folders
    return Interpreter(
        python=python,
        shown=f"{shown.rstrip('/')}/bin/python" if os.path.isdir(Path(shown).expanduser()) else shown,  # noqa: PTH112
        name=candidate.environment,
        folder=revision.folder if revision else None,
        folders=folders,
        python_path=revision.python_path if revision else None,
    )
