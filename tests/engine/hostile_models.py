"""A hundred models that misbehave, each in its own way, to be measured beside one that does not.

`KINDS` has all of them: their `fit` or `predict` does what a model should not do, or returns what is no answer.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import faulthandler
import gc
import logging
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

LONG_SECONDS = 3600.0
_sleep = time.sleep


def _ok(X: Any) -> Any:
    return np.zeros(len(X))


class _Fine:
    def fit(self, X: Any, y: Any) -> Any:
        return self

    def predict(self, X: Any) -> Any:
        return _ok(X)


KINDS: dict[str, type[_Fine]] = {}


def _kind(name: str, **members: Any) -> None:
    KINDS[name] = globals()[name] = type(name, (_Fine,), {"__module__": __name__, "__qualname__": name, **members})


def _raising(name: str, error: Callable[[], BaseException]) -> None:
    def fail(self: Any, X: Any, y: Any = None) -> NoReturn:
        raise error()

    _kind(f"{name}InFit", fit=fail)
    _kind(f"{name}InPredict", predict=fail)


def _doing(name: str, act: Callable[[], object]) -> None:
    """Add a model that does something in each call and then answers."""

    def predict(self: Any, X: Any) -> Any:
        act()
        return _ok(X)

    _kind(name, predict=predict)


def _once(name: str, act: Callable[[], object]) -> None:
    """Add a model that does something when it is fitted, and then answers as if nothing had happened."""

    def fit(self: Any, X: Any, y: Any) -> Any:
        act()
        return self

    _kind(name, fit=fit)


def _answering(name: str, answer: Callable[[Any], Any]) -> None:
    _kind(name, predict=lambda self, X: answer(X))


class _StrangeError(Exception):
    def __reduce__(self) -> Any:
        raise RuntimeError("not to be pickled")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class _LoopError(Exception):
    def __init__(self) -> None:
        super().__init__("in circles")
        self.__cause__ = self
        self.__context__ = self


class _NotToBePickled(_Fine):
    def __reduce__(self) -> Any:
        raise RuntimeError("not to be pickled")


class _AnswersEverything(_Fine):
    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self


class _RefusesEverything(_Fine):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class _HangsWhenEnding(_Fine):
    def __del__(self) -> None:
        _sleep(LONG_SECONDS)


class _EqualToEverything(_Fine):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    def __hash__(self) -> int:
        raise RuntimeError("not to be hashed")

    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")

    def __len__(self) -> int:
        return -1


class _LeavesOnUnpickling(_Fine):
    def __setstate__(self, state: Any) -> None:
        os._exit(4)

    def __getstate__(self) -> Any:
        return {"a": 1}


class _CrashesOnPickling(_Fine):
    def __getstate__(self) -> Any:
        ctypes.string_at(0)


class _HugeWhenPickled(_Fine):
    def __getstate__(self) -> Any:
        return {"a": np.zeros(20_000_000)}


class _Array(np.ndarray[Any, Any]):
    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __array_function__(self, *arguments: Any) -> Any:
        raise RuntimeError("no function")


class _LyingLength:
    def __len__(self) -> int:
        return 2**62


class _RaisingArray:
    def __array__(self, *arguments: Any, **named: Any) -> NoReturn:
        raise RuntimeError("no array")

    def __len__(self) -> int:
        return 1


KINDS |= {_class.__name__: _class for _class in _Fine.__subclasses__()}


def _recurse() -> None:
    _recurse()


def _recurse_in_c() -> None:
    sys.setrecursionlimit(10**9)
    nested: Any = None
    for _ in range(10**6):
        nested = (nested,)
    hash(nested)


def _forever() -> None:
    while True:
        pass


def _print_forever() -> None:
    while True:
        print("x" * 100_000)


def _fork_and_stay() -> None:
    if not os.fork():
        _sleep(LONG_SECONDS)
        os._exit(0)


def _fork_and_return() -> None:
    os.fork()


def _daemonise() -> None:
    if not os.fork():
        os.setsid()
        if not os.fork():
            _sleep(LONG_SECONDS)
        os._exit(0)


def _start(*words: str, **named: Any) -> None:
    subprocess.Popen(words or ("sleep", "3600"), **named)


def _write_everywhere() -> None:
    for number in range(64):
        with contextlib.suppress(OSError):
            os.write(number, b"\x00\x00\x00\x04\xff\xff\xff\xffrubbish\n" * 20)


def _close_everything() -> None:
    os.closerange(0, 256)


def _replace_descriptors() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3, 40):
        with contextlib.suppress(OSError):
            os.fstat(number)
            os.dup2(nothing, number)


def _ignore_all_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)


def _block_all_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _raise_by_timer() -> None:
    def strike(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)


def _alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.05)


def _start_threads() -> None:
    for _ in range(20):
        threading.Thread(target=_sleep, args=(LONG_SECONDS,)).start()


def _start_busy_thread() -> None:
    threading.Thread(target=_forever, daemon=True).start()


def _leak_descriptors() -> None:
    kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
    kept.append(0)


def _use_up_descriptors() -> None:
    with contextlib.suppress(OSError):
        while True:
            os.open(os.devnull, os.O_RDONLY)


def _limit(what: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(what, (value, resource.getrlimit(what)[1]))


def _stop_time() -> None:
    time.perf_counter_ns = lambda: 1
    time.perf_counter = time.monotonic = time.time = lambda: 1.0


def _jump_in_time() -> None:
    ticks = iter(range(10**9, 0, -1))
    time.perf_counter_ns = lambda: next(ticks)


def _replace_sleep() -> None:
    time.sleep = lambda *_: None


def _replace_modules() -> None:
    for name in ("pickle", "json", "time", "traceback", "warnings", "msgspec", "numpy"):
        sys.modules[name] = type(sys)(name)


def _remove_modules() -> None:
    for name in [name for name in sys.modules if name.startswith(("sklearn", "latency_tui", "joblib"))]:
        del sys.modules[name]


def _replace_builtins() -> None:
    builtins.len = lambda *_: 1
    vars(builtins)["open"] = vars(builtins)["print"] = None


def _close_output() -> None:
    sys.stdout.close()
    sys.stderr.close()
    sys.stdout = sys.stderr = sys.stdin = None


def _leave_folder() -> None:
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    Path(gone).rmdir()


def _play_with_garbage() -> None:
    gc.enable()
    gc.set_threshold(1, 1, 1)
    gc.callbacks.append(lambda *_: 1 / 0)


def _trace() -> None:
    sys.settrace(lambda *_: None)
    sys.setprofile(lambda *_: None)


def _swallow_output() -> None:
    logging.disable(100)
    warnings.simplefilter("error")
    faulthandler.disable()


def _hang_at_exit() -> None:
    atexit.register(_sleep, LONG_SECONDS)


def _raise_in_hooks() -> None:
    for hooks in (sys, threading):
        vars(hooks)["excepthook"] = vars(sys)["unraisablehook"] = lambda *_: os._exit(9)
    vars(sys)["displayhook"] = None


def _fill_pipes() -> None:
    left, _ = socket.socketpair()
    left.setblocking(False)
    with contextlib.suppress(OSError):
        while True:
            left.send(b"x" * 65536)


def _pool() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(abs, range(4))


def _escape_group() -> None:
    with contextlib.suppress(OSError):
        os.setsid()


def _outlive_parent() -> None:
    ctypes.CDLL(None).prctl(1, 0)
    _ignore_all_signals()


def _fork_often() -> None:
    for _ in range(10):
        _fork_and_stay()


def _nest(X: Any) -> Any:
    nested: Any = []
    for _ in range(5_000):
        nested = [nested]
    return nested


for _name, _error in {
    "ValueErrors": lambda: ValueError("no"),
    "Exits": lambda: SystemExit("enough"),
    "ExitsWithZero": lambda: SystemExit(0),
    "Interrupts": KeyboardInterrupt,
    "RunsOutOfMemory": MemoryError,
    "ClosesGenerator": GeneratorExit,
    "StopsIteration": lambda: StopIteration(3),
    "BareBaseException": BaseException,
    "Strange": _StrangeError,
    "InCircles": _LoopError,
    "InGroups": lambda: BaseExceptionGroup("all", [ValueError(1), KeyboardInterrupt()]),
    "BrokenPipes": BrokenPipeError,
    "EndOfFile": EOFError,
}.items():
    _raising(_name, _error)

for _name, _act in {
    "RecursesDeeply": _recurse,
    "OverflowsStackInC": _recurse_in_c,
    "LeavesAtOnce": lambda: os._exit(0),
    "LeavesWithCode": lambda: os._exit(77),
    "Aborts": os.abort,
    "StopsItself": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "TerminatesItself": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "StopsItsGroup": lambda: os.killpg(0, signal.SIGSTOP),
    "QuitsItsGroup": lambda: os.killpg(0, signal.SIGQUIT),
    "UsersItsGroup": lambda: os.killpg(0, signal.SIGUSR1),
    "BecomesAnother": lambda: os.execvp("sleep", ["sleep", "3600"]),
    "BecomesOneThatEnds": lambda: os.execvp("true", ["true"]),
    "LoopsForever": _forever,
    "SleepsForever": lambda: _sleep(LONG_SECONDS),
    "PrintsForever": _print_forever,
    "ReadsInput": lambda: sys.stdin.read(),
    "WritesEverywhere": _write_everywhere,
    "ClosesEverything": _close_everything,
    "ReplacesDescriptors": _replace_descriptors,
    "CrashesInC": lambda: ctypes.string_at(0),
    "LeaksDescriptors": _leak_descriptors,
    "ForksAndReturns": _fork_and_return,
}.items():
    _doing(_name, _act)

for _name, _act in {
    "ForksAndStays": _fork_and_stay,
    "ForksOften": _fork_often,
    "Daemonises": _daemonise,
    "StartsAProcess": _start,
    "StartsASession": lambda: _start(start_new_session=True),
    "StartsWithDescriptors": lambda: _start(close_fds=False),
    "StartsOneThatIgnoresSignals": lambda: _start("sh", "-c", "trap '' TERM HUP INT; sleep 3600; sleep 3600"),
    "UsesAPool": _pool,
    "IgnoresAllSignals": _ignore_all_signals,
    "BlocksAllSignals": _block_all_signals,
    "OutlivesItsParent": _outlive_parent,
    "RaisesByTimer": _raise_by_timer,
    "SetsAnAlarm": _alarm,
    "StartsThreads": _start_threads,
    "StartsABusyThread": _start_busy_thread,
    "UsesUpDescriptors": _use_up_descriptors,
    "LimitsDescriptors": _limit(resource.RLIMIT_NOFILE, 3),
    "LimitsFiles": _limit(resource.RLIMIT_FSIZE, 0),
    "LimitsTime": _limit(resource.RLIMIT_CPU, 1),
    "LimitsMemory": _limit(resource.RLIMIT_AS, 2**26),
    "StopsTime": _stop_time,
    "JumpsInTime": _jump_in_time,
    "ReplacesSleep": _replace_sleep,
    "ReplacesModules": _replace_modules,
    "RemovesModules": _remove_modules,
    "ReplacesBuiltins": _replace_builtins,
    "ClosesOutput": _close_output,
    "LeavesItsFolder": _leave_folder,
    "ChangesUmask": lambda: os.umask(0o777),
    "ClearsTheEnvironment": os.environ.clear,
    "ChangesItsCores": lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}),
    "IsNice": lambda: os.nice(10),
    "PlaysWithGarbage": _play_with_garbage,
    "DisablesCollection": gc.disable,
    "Traces": _trace,
    "SwallowsOutput": _swallow_output,
    "HangsAtExit": _hang_at_exit,
    "RaisesInHooks": _raise_in_hooks,
    "FillsPipes": _fill_pipes,
    "EscapesItsGroup": _escape_group,
    "EmptiesThePath": sys.path.clear,
}.items():
    _once(_name, _act)

for _name, _answer in {
    "AnswersNone": lambda X: None,
    "AnswersNothing": lambda X: [],
    "AnswersTooMany": lambda X: np.zeros(len(X) + 1),
    "AnswersNan": lambda X: np.full(len(X), np.nan),
    "AnswersInfinity": lambda X: np.full(len(X), np.inf),
    "AnswersText": lambda X: "yes" * len(X),
    "AnswersScalar": lambda X: 3.0,
    "AnswersMuch": lambda X: np.zeros((len(X), 1_000_000)),
    "AnswersSubclass": lambda X: _ok(X).view(_Array),
    "AnswersWrongLength": lambda X: _LyingLength(),
    "AnswersNoArray": lambda X: _RaisingArray(),
    "AnswersObjects": lambda X: np.array([object()] * len(X)),
    "AnswersNested": _nest,
    "AnswersItsInput": lambda X: X,
    "AnswersSets": lambda X: {1, 2, 3},
    "AnswersMappings": lambda X: {"a": _ok(X)},
    "AnswersBytes": lambda X: b"\xff" * len(X),
    "AnswersMemory": lambda X: memoryview(_ok(X)),
}.items():
    _answering(_name, _answer)
