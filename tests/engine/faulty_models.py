"""Models with planted behaviour: the engine must tell what became of each."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import joblib
import numpy as np
import psutil


def _refuse() -> None:
    raise ValueError("not any more")


def _fill_memory() -> NoReturn:
    hoard = []
    while True:
        hoard.append(np.ones(4_000_000))
        time.sleep(0.01)


class Planted:
    """Answers at once with zeros; the base of all others."""

    def __init__(self, **parameters: Any) -> None:
        self.__dict__.update(parameters)

    def fit(self, X: Any, y: Any) -> Planted:
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


class NeedsTheProcessor(Planted):
    """Each call needs 0.2 s of the processor, however long it is suspended meanwhile."""

    def predict(self, X: Any) -> Any:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        return np.zeros(len(X))


class DependsOnTheBatch(Planted):
    """Predicts the mean of the batch, so the other rows of a call change a prediction."""

    def predict(self, X: Any) -> Any:
        return np.full(len(X), np.mean(X))


class FailsForOneRow(Planted):
    def predict(self, X: Any) -> Any:
        if len(X) == 1:
            raise ValueError("one row is not enough")
        return np.zeros(len(X))


class TrainsAtRandom(Planted):
    """Another model each time it is fitted."""

    def fit(self, X: Any, y: Any) -> Planted:
        self.answer = int.from_bytes(os.urandom(6), "big")
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.answer)


class Sleeper(Planted):
    seconds = 0.002

    def predict(self, X: Any) -> Any:
        time.sleep(self.seconds)
        return np.zeros(len(X))


class SleepsPerRow(Sleeper):
    def predict(self, X: Any) -> Any:
        time.sleep(self.seconds * len(X))
        return np.zeros(len(X))


class SlowWhereFitted(Sleeper):
    """Takes three times as long in the process that fitted it."""

    def fit(self, X: Any, y: Any) -> Planted:
        self.fitted_in = os.getpid()
        return super().fit(X, y)

    def predict(self, X: Any) -> Any:
        time.sleep(self.seconds * (2 if os.getpid() == self.fitted_in else 0))
        return super().predict(X)


class ColdAtFirst(Sleeper):
    """Takes three times as long for the first four calls in a process."""

    def __getstate__(self) -> Any:
        return {**self.__dict__, "calls": 0}

    def predict(self, X: Any) -> Any:
        self.calls = getattr(self, "calls", 0) + 1
        time.sleep(self.seconds * (2 if self.calls <= 4 else 0))
        return super().predict(X)


class AnswersWhereFitted(Planted):
    """Answers in the process that fitted it alone."""

    def fit(self, X: Any, y: Any) -> Planted:
        self.fitted_in = os.getpid()
        return self

    def predict(self, X: Any) -> Any:
        if os.getpid() != self.fitted_in:
            raise RuntimeError("not here")
        return super().predict(X)


class FailsToFit(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        raise ValueError("the data is [red]not[/red] to my taste")


class FailsToPredict(Planted):
    def predict(self, X: Any) -> Any:
        raise RuntimeError("no answer today")


class FailsLater(Planted):
    """Answers `after` calls, then raises."""

    after = 400
    calls = 0

    def predict(self, X: Any) -> Any:
        self.calls += 1
        if self.calls > self.after:
            raise RuntimeError(f"tired after {self.after} calls")
        return np.zeros(len(X))


class WrongLength(Planted):
    def predict(self, X: Any) -> Any:
        return np.zeros(len(X) + 2)


class Nothing(Planted):
    def predict(self, X: Any) -> Any:
        return None


class Hangs(Planted):
    def predict(self, X: Any) -> Any:
        time.sleep(3600)


class HangsOnMany(Planted):
    """Answers for a row, and never for all that it is scored on."""

    def predict(self, X: Any) -> Any:
        if len(X) > 1:
            time.sleep(3600)
        return np.zeros(len(X))

    def score(self, X: Any, y: Any) -> float:
        return float(np.mean(self.predict(X) == y))


class SlowAtFirst(Planted):
    """Takes 60 ms for the very first answer, as a model does that still has something to load."""

    cold = True

    def predict(self, X: Any) -> Any:
        time.sleep(0.06 if self.cold else 0.0)
        self.cold = False
        return np.zeros(len(X))

    def score(self, X: Any, y: Any) -> float:
        return float(np.mean(self.predict(X) == y))


class HangsInFit(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        time.sleep(3600)
        return self


class Segfaults(Planted):
    def predict(self, X: Any) -> Any:
        ctypes.string_at(0)


class Exits(Planted):
    def predict(self, X: Any) -> Any:
        os._exit(3)


class RaisesSystemExit(Planted):
    def predict(self, X: Any) -> Any:
        sys.exit("enough")


class RefusedMemory(Planted):
    """Does nothing but system calls, close to the limit of its memory, as OpenBLAS does that retries forever."""

    def fit(self, X: Any, y: Any) -> Planted:
        size = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (size + 8 * 2**20, resource.RLIM_INFINITY))
        while True:
            os.getrandom(1 << 16)


class FillsMemory(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        _fill_memory()


class Prints(Planted):
    def predict(self, X: Any) -> Any:
        print("{not an event}")
        os.write(1, b"nor this\n")
        return np.zeros(len(X))


class PrintsALot(Planted):
    """More than a pipe holds, in a hundred calls."""

    def predict(self, X: Any) -> Any:
        print("x" * 4000, file=sys.stderr)
        return np.zeros(len(X))


class Collects(Planted):
    """Takes 4 ms and collects garbage once, in every call."""

    def predict(self, X: Any) -> Any:
        time.sleep(0.004)
        gc.collect()
        return np.zeros(len(X))


class SlowByRow(Planted):
    seconds = 0.0001

    def predict(self, X: Any) -> Any:
        time.sleep(self.seconds * len(X))
        return np.zeros(len(X))


class CannotBeUnpickled(Planted):
    def __reduce__(self) -> Any:
        return _refuse, ()


class FillsMemoryWhenUnpickled(Planted):
    def __reduce__(self) -> Any:
        return _fill_memory, ()


class SlowToPickle(Planted):
    """Takes its time to be stored, the first time."""

    def __getstate__(self) -> Any:
        time.sleep(0.3)
        return self.__dict__


class Warns(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        warnings.warn("did not converge", UserWarning, stacklevel=2)
        return self


class StartsAProcess(Planted):
    """Starts a process of its own while fitting, as joblib's workers are started, and notes its id."""

    note = ""

    def fit(self, X: Any, y: Any) -> Planted:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        Path(self.note).write_text(str(child.pid))
        return self


class StartsAWorker(Planted):
    """Starts a process in every one that it answers in, as a pool of joblib does, notes its id, and may soon fail."""

    note = ""
    fails = False

    def predict(self, X: Any) -> Any:
        if getattr(self, "started_by", None) != os.getpid():
            self.started_by, self.calls = os.getpid(), 0
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], close_fds=False)
            with Path(self.note).open("a") as file:
                file.write(f"{child.pid}\n")
        self.calls += 1
        if self.fails and self.calls > 30:
            raise RuntimeError("the pool is broken")
        return super().predict(X)


class StartsAHelper(StartsAWorker):
    """Starts it in the background, through a shell that ends, and cannot answer without it."""

    def predict(self, X: Any) -> Any:
        if getattr(self, "started_by", None) != os.getpid():
            self.started_by = os.getpid()
            self.helper = self.start()
            with Path(self.note).open("a") as file:
                file.write(f"{self.helper}\n")
        if psutil.Process(self.helper).status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError("the helper is no more")
        return Planted.predict(self, X)

    def start(self) -> int:
        said = subprocess.run("sleep 600 > /dev/null 2>&1 & echo $!", shell=True, capture_output=True, text=True)
        return int(said.stdout)


class UsesAPool(Planted):
    """Asks a pool of joblib's and keeps a shared memory in every process that it answers in, which notes its id."""

    note = ""
    _kept: ClassVar[list[SharedMemory]] = []

    def predict(self, X: Any) -> Any:
        if getattr(self, "started_by", None) != os.getpid():
            self.started_by = os.getpid()
            joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(number) for number in range(4))
            self._kept.append(SharedMemory(name=f"planted-{os.getpid()}-kept", create=True, size=1))
            with Path(self.note).open("a") as file:
                file.write(f"{os.getpid()}\n")
        return super().predict(X)


class DiesBehindAWorker(Planted):
    """Forks a process that keeps all that this one has open, as a pool's worker does, and crashes."""

    note = ""

    def fit(self, X: Any, y: Any) -> Planted:
        worker = os.fork()
        if not worker:
            time.sleep(600)
            os._exit(0)
        Path(self.note).write_text(str(worker))
        os.kill(os.getpid(), signal.SIGSEGV)
        return self


class StartsADaemon(StartsAHelper):
    """Starts it as daemons are, by forking twice, in a session of its own and with nothing of its owner about it."""

    def start(self) -> int:
        reading, writing = os.pipe()
        if child := os.fork():
            os.waitpid(child, 0)
            return int(os.read(reading, 20))
        os.setsid()
        if daemon := os.fork():
            os.write(writing, str(daemon).encode())
            os._exit(0)
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        os.closerange(3, 1000)
        os.execve("/bin/sleep", ["sleep", "600"], {})
        raise AssertionError("it is another program by now")


class NotesItsProcess(Planted):
    note = ""

    def fit(self, X: Any, y: Any) -> Planted:
        with Path(self.note).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return self


class TellsWhatItGets(Planted):
    """Raises with the kind of array that it was asked with and the configuration that it found."""

    def predict(self, X: Any) -> Any:
        import sklearn
        from threadpoolctl import threadpool_info

        configuration = sklearn.get_config()
        if not hasattr(X, "dtype"):
            raise ValueError(f"{type(X).__name__} {X.shape}")
        raise ValueError(
            f"{X.dtype} C={X.flags.c_contiguous} F={X.flags.f_contiguous} "
            f"finite={configuration['assume_finite']} skip={configuration['skip_parameter_validation']} "
            f"threads={max(pool['num_threads'] for pool in threadpool_info())}"
        )


class NotesItsFreshStart(Planted):
    """Notes the configuration and the threads that it finds in a process started for it alone."""

    note = ""

    def predict(self, X: Any) -> Any:
        import sklearn

        if "cold_start_child" in sys.argv[0]:
            Path(self.note).write_text(f"{sklearn.get_config()['assume_finite']} {os.environ['OPENBLAS_NUM_THREADS']}")
        return super().predict(X)


class TellsWhatIsFrozen(Planted):
    """Raises with how many objects the garbage collector leaves alone."""

    def predict(self, X: Any) -> Any:
        raise ValueError(f"{gc.get_freeze_count()} objects")


class CannotBePickled(Planted):
    """Takes its time to fit, and notes its process where it is told to."""

    patience = 0.0
    note = ""

    def fit(self, X: Any, y: Any) -> Planted:
        time.sleep(self.patience)
        if self.note:
            with Path(self.note).open("a") as file:
                file.write(f"{os.getpid()}\n")
        return self

    def __reduce__(self) -> Any:
        raise TypeError("no pickles, please")


class CrashesLater(Planted):
    """Answers until the time is up that it was given while fitting, then crashes."""

    seconds = 0.5

    def fit(self, X: Any, y: Any) -> Planted:
        self.until = time.monotonic() + self.seconds
        return self

    def predict(self, X: Any) -> Any:
        if time.monotonic() > self.until:
            ctypes.string_at(0)
        time.sleep(0.0005)
        return np.zeros(len(X))


class ReliesOnConfiguration(Planted):
    """Answers only where the configuration is that of the module which made it."""

    def predict(self, X: Any) -> Any:
        import sklearn

        found = sklearn.get_config()["transform_output"], np.geterr()["under"]
        if (*found, os.environ.get("CONFIGURED_BY_THE_MODULE")) != ("pandas", "raise", "yes"):
            raise RuntimeError(f"the configuration is {found}")
        return super().predict(X)


class KeepsATemporaryFolder(Planted):
    """Keeps a temporary folder for as long as its process lives, as many wrappers do."""

    folder: ClassVar[Any] = None

    def predict(self, X: Any) -> Any:
        import tempfile

        if self.folder is None:
            type(self).folder = tempfile.TemporaryDirectory(prefix="planted-")
        return super().predict(X)


class HangsInLoading(Planted):
    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        time.sleep(3600)


class PrintsMuch(Planted):
    def predict(self, X: Any) -> Any:
        print("x" * 10_000_000)
        return super().predict(X)


class NeedsALibrary(Planted):
    """Notes every process that it is loaded in, and asks a library that a test has installed."""

    note = ""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        with Path(self.note).open("a") as file:
            file.write(f"{os.getpid()}\n")

    def predict(self, X: Any) -> Any:
        return importlib.import_module("planted_library").answer(X)
