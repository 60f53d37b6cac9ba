"""`python -m latency_tui.engine FOLDER [MODULES ...]`: the engine process. Commands on stdin, events on stdout.

FOLDER receives what candidates print and store. Its client removes it; this process does where the client is gone.
MODULES are folders in which models' modules may lie, besides the working directory.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

from latency_tui.engine import process_environment, user_imports


def main() -> None:
    """Serve one client until its end of the pipe closes, then end every process of this session."""
    # OpenBLAS starts its threads when it is loaded, and a process with threads cannot be copied by forking. A candidate
    # that is given more threads gets them when its limits are set.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    process_environment.disable_telemetry(os.environ)
    process_environment.set_temporary_folder(Path(sys.argv[1]))
    arguments = [argument for argument in sys.argv[2:] if argument != "--spawn"]
    user_imports.FOLDERS[:] = arguments
    with contextlib.suppress(FileNotFoundError):  # the working directory was deleted
        user_imports.FOLDERS.insert(0, os.getcwd())  # noqa: PTH109 (a folder as it is looked in)
    commands, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # whatever prints must not end up between the events
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's ctrl+c is the client's to handle
    signal.signal(signal.SIGTERM, _end_all)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a client that is killed closes nothing in time
    try:
        from latency_tui.engine import subreaper  # after the signals: all this takes a second to import
        from latency_tui.engine.server.candidate_process import CAN_FORK
        from latency_tui.engine.server.channel import Channel
        from latency_tui.engine.server.coordinator import Coordinator

        subreaper.become_subreaper()
        fork = CAN_FORK and "--spawn" not in sys.argv
        Coordinator(Channel(commands, events), Path(sys.argv[1]), fork=fork).serve(on_ready=_import_ahead)
    except BrokenPipeError:
        pass
    except Exception:  # noqa: BLE001 (said here, for nothing is said after what follows)
        traceback.print_exc()
        _end_all(code=1)
    finally:
        _end_all()


def _import_ahead() -> None:
    """Import what most plans need while the client still thinks, so that it is there before anything is forked."""
    for module in ("datasets", "ensemble", "linear_model", "model_selection", "neural_network", "preprocessing", "svm"):
        with contextlib.suppress(ImportError):
            __import__(f"sklearn.{module}")
    from latency_tui.engine.candidate.threads import limit_threads

    limit_threads(1)  # looks for the libraries; what is forked need not


def _end_all(*_: object, code: int = 0) -> None:
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    with contextlib.suppress(Exception):  # of a signal while this is imported: then nothing has been started yet
        from latency_tui.engine import subreaper

        subreaper.end(())  # what keeps out of the session, too
        if os.getsid(0) == os.getpid():  # started as the leader of a session: models may have started processes
            subreaper.signal_session(os.getpid(), signal.SIGKILL)
    os._exit(code)


if __name__ == "__main__":
    main()
