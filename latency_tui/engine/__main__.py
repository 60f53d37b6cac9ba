"""`python -m latency_tui.engine FOLDER [MODULES ...]`: the engine process. Commands on stdin, events on stdout.

FOLDER receives the output of candidates and their stored models. The client removes it, or this process if the client
has ended. MODULES are folders in which users' modules are searched, in addition to the working directory.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from latency_tui.engine import process_environment

if TYPE_CHECKING:
    from latency_tui.engine.candidate.threads import ThreadLimiter


def main() -> None:
    """Serve one client until its end of the pipe closes, then end every process of this session."""
    # OpenBLAS starts its threads when it is loaded, and a process with threads cannot be forked safely. Candidates with
    # more threads get them when their limits are set.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    process_environment.disable_telemetry(os.environ)
    process_environment.set_temporary_folder(Path(sys.argv[1]))
    folders = [argument for argument in sys.argv[2:] if argument != "--spawn"]
    with contextlib.suppress(FileNotFoundError):  # the working directory was deleted
        folders.insert(0, os.getcwd())  # noqa: PTH109 (text, as in sys.path)
    commands, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # printed text must not end up between the events
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the client handles Ctrl+C
    signal.signal(signal.SIGTERM, _end_all)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a killed client closes nothing
    try:
        from latency_tui.engine import subreaper  # after the signal handlers: these imports take a second
        from latency_tui.engine.candidate.process_context import ProcessContext
        from latency_tui.engine.server.candidate_process import CAN_FORK
        from latency_tui.engine.server.channel import Channel
        from latency_tui.engine.server.coordinator import Coordinator

        subreaper.become_subreaper()
        fork = CAN_FORK and "--spawn" not in sys.argv
        context = ProcessContext(tuple(folders))
        coordinator = Coordinator(Channel(commands, events), Path(sys.argv[1]), context, fork=fork)
        coordinator.serve(on_ready=partial(_import_ahead, context.thread_limiter))
    except BrokenPipeError:
        pass
    except Exception:  # noqa: BLE001 (printed here, because the next call exits)
        traceback.print_exc()
        _end_all(code=1)
    finally:
        _end_all()


def _import_ahead(thread_limiter: ThreadLimiter) -> None:
    """Import the modules that most plans need before the first command, so that forked processes have them."""
    for module in ("datasets", "ensemble", "linear_model", "model_selection", "neural_network", "preprocessing", "svm"):
        with contextlib.suppress(ImportError):
            __import__(f"sklearn.{module}")
    thread_limiter.limit(1)  # finds the libraries, which forked processes inherit


def _end_all(*_: object, code: int = 0) -> None:
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    with contextlib.suppress(Exception):  # a signal arrived during the import: nothing has been started yet
        from latency_tui.engine import subreaper

        subreaper.end_orphans(())  # including processes that left the session
        if os.getsid(0) == os.getpid():  # started as the leader of a session: models may have started processes
            subreaper.signal_session(os.getpid(), signal.SIGKILL)
    os._exit(code)


if __name__ == "__main__":
    main()
