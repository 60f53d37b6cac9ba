"""Models that misbehave in what they say: too much, nothing that can be sent, or to somebody else."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.faulty_models import Planted


def _open_sockets() -> list[int]:
    links = {int(one.name): str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}
    return [number for number, target in links.items() if target.startswith("socket:")]


def _write(data: bytes) -> None:
    for number in _open_sockets():
        os.write(number, data)


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class _LeavesWhenAskedError(Exception):
    def __str__(self) -> str:
        raise SystemExit(7)


class _RefusesToBeLookedAtError(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class WritesRubbish(Planted):
    """Writes to the pipe of its own process."""

    data = b"not a message"

    def predict(self, X: Any) -> Any:
        _write(self.data)
        return super().predict(X)


class WritesLine(WritesRubbish):
    data = b"\x00\x00\x00\x05hello"


class AnnouncesMuch(WritesRubbish):
    data = struct.pack("!i", 2**30)


class AnnouncesTooMuch(WritesRubbish):
    data = struct.pack("!iQ", -1, 2**62)


class AnnouncesLess(WritesRubbish):
    data = struct.pack("!i", -7)


class AnnouncesWithoutSending(WritesRubbish):
    data = struct.pack("!i", 5_000_000)


class RepliesTwice(Planted):
    """Forks a process, once, that returns from the call as well."""

    forked = False

    def predict(self, X: Any) -> Any:
        if not self.forked:
            self.forked = True
            os.fork()
        return super().predict(X)


class RaisesAtLength(Planted):
    length = 50_000_000

    def predict(self, X: Any) -> Any:
        raise ValueError("x" * self.length)


class RaisesManyLines(Planted):
    def predict(self, X: Any) -> Any:
        raise ValueError("line\n" * 5_000_000)


class RaisesSurrogates(Planted):
    def predict(self, X: Any) -> Any:
        raise FileNotFoundError(2, "no such file", "/models/caf\udce9")


class RaisesUnprintable(Planted):
    def predict(self, X: Any) -> Any:
        raise _UnprintableError


class RaisesAndLeaves(Planted):
    def predict(self, X: Any) -> Any:
        raise _LeavesWhenAskedError


class RefusesToBeLookedAt(Planted):
    def predict(self, X: Any) -> Any:
        raise _RefusesToBeLookedAtError


class BecomesAnother(Planted):
    def predict(self, X: Any) -> Any:
        os.execvp("sleep", ["sleep", "3600"])


class HasManyJobs(Planted):
    def get_params(self, deep: bool = True) -> Any:
        return {"n_jobs": 10**30}


class WarnsWithoutWords(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        warnings.warn(UserWarning(), stacklevel=2)
        warnings.warn("\n\n", stacklevel=2)
        return self


class WarnsAtLength(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        warnings.warn("w" * 30_000_000, stacklevel=2)
        return self


class WarnsOften(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        for number in range(20_000):
            warnings.warn(f"warning {number}", stacklevel=2)
        return self


class WarnsWithSurrogates(Planted):
    def fit(self, X: Any, y: Any) -> Planted:
        warnings.warn("/models/caf\udce9", stacklevel=2)
        return self


class KillsItsGroup(Planted):
    """Ends its process group, as the clean-up of some libraries does."""

    number = int(signal.SIGTERM)

    def predict(self, X: Any) -> Any:
        os.killpg(0, self.number)
        return super().predict(X)


class HangsUpOnItsGroup(KillsItsGroup):
    number = int(signal.SIGHUP)


class KillsItsGroupAtOnce(KillsItsGroup):
    number = int(signal.SIGKILL)


class AnswersFuture(Planted):
    def predict(self, X: Any) -> Any:
        return concurrent.futures.Future()


class AnswersCoroutine(Planted):
    async def predict(self, X: Any) -> Any:
        await asyncio.sleep(0)


class AnswersGenerator(Planted):
    def predict(self, X: Any) -> Any:
        yield from np.zeros(len(X))


class AnswersAsyncGenerator(Planted):
    async def predict(self, X: Any) -> Any:
        yield 0


class AnswersClass(Planted):
    def predict(self, X: Any) -> Any:
        return Planted


class AnswersMethod(Planted):
    def predict(self, X: Any) -> Any:
        return self.fit


class AnswersError(Planted):
    def predict(self, X: Any) -> Any:
        return ValueError("not for me")


class AnswersNotImplemented(Planted):
    def predict(self, X: Any) -> Any:
        return NotImplemented


class _AnswersByRow(Planted):
    """Answers half of the rows with one value, the others with zeros."""

    value = 0.0

    def predict(self, X: Any) -> Any:
        return np.where(np.asarray(X)[:, 0] >= self.threshold, self.value, 0.0)

    def fit(self, X: Any, y: Any) -> Planted:
        self.threshold = np.quantile(np.asarray(X)[:, 0], 0.5)
        return self


class AnswersNan(_AnswersByRow):
    value = np.nan


class AnswersInfinity(_AnswersByRow):
    value = -np.inf


class AnswersNanByRow(AnswersNan):
    """Takes one row per call and no more."""

    def predict(self, X: Any) -> Any:
        if len(X) > 1:
            raise ValueError("one row per call")
        return super().predict(X)


class AnswersNoNumbers(Planted):
    """Answers with objects, all of which are NaN."""

    def predict(self, X: Any) -> Any:
        return np.array([float("nan")] * len(X), dtype=object)


class ChangesIntoNan(Planted):
    """Fills the rows that it receives with NaN, and answers with them."""

    def predict(self, X: Any) -> Any:
        answer = np.asarray(X).copy()
        X[:] = np.nan
        return answer
