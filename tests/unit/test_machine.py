"""What the system tells of its cores: the time that a host took from them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import namedtuple
from typing import Any

import msgspec
import psutil
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latency_tui.engine.candidate.models.loading import job_count
from latency_tui.engine.machine import CoreLoad, StealTime, choose_cores, expand_cores
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan

Linux = namedtuple("Linux", "user steal")
Elsewhere = namedtuple("Elsewhere", "user")


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sets the clock and the cores' times that the system tells."""

    def set_to(seconds: float, cores: list[Any]) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: seconds)
        monkeypatch.setattr(psutil, "cpu_times", lambda *, percpu: cores if percpu else cores[0])

    return set_to


@pytest.mark.parametrize(("cores", "share"), [((1,), 0.25), ((0,), 0.0), ((0, 1), 0.125), ((), 0.125)])
def test_steal_is_a_share_of_the_time_of_the_cores_that_count(tell: Any, cores: tuple[int, ...], share: float) -> None:
    tell(100.0, [Linux(user=9, steal=5.0), Linux(user=9, steal=7.0)])
    steal = StealTime(cores)
    tell(104.0, [Linux(user=13, steal=5.0), Linux(user=12, steal=8.0)])
    assert steal.share() == pytest.approx(share)


def test_steal_is_unknown_if_the_system_or_a_core_is_silent(tell: Any) -> None:
    tell(100.0, [Elsewhere(user=9)])
    steal = StealTime(())
    tell(104.0, [Elsewhere(user=13)])
    assert steal.share() is None
    tell(100.0, [Linux(user=9, steal=5.0), Linux(user=9, steal=7.0)])
    steal = StealTime(())
    tell(104.0, [Linux(user=13, steal=5.0)])
    assert steal.share() is None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="there is no pinning here")
def test_threads_that_a_library_has_started_are_pinned_too() -> None:
    program = (
        "import os, threading\n"
        "from latency_tui.engine.machine import pin\n"
        "told, done = threading.Event(), threading.Event()\n"
        "cores = []\n"
        "def work():\n"
        "    told.set(); done.wait(); cores.append(os.sched_getaffinity(0))\n"
        "thread = threading.Thread(target=work); thread.start(); told.wait()\n"
        "one = min(os.sched_getaffinity(0)); pin((one,)); done.set(); thread.join()\n"
        "assert cores == [{one}] and os.sched_getaffinity(0) == {one}, cores\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_cores_are_refused_where_the_system_has_no_pinning() -> None:
    plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[1]),))
    assert choose_cores(plan, (), CoreLoad()) == ()
    with pytest.raises(UsageError, match="does not support pinning"):
        choose_cores(msgspec.structs.replace(plan, pinning=(0,)), (), CoreLoad())


@pytest.mark.parametrize(
    ("model", "jobs"),
    [
        (RandomForestClassifier(), 1),
        (RandomForestClassifier(n_jobs=3), 3),
        (make_pipeline(StandardScaler(), RandomForestClassifier(n_jobs=-1)), 0),
        (len, 1),
    ],
    ids=["none", "three", "a step's", "no estimator"],
)
def test_a_models_own_jobs_are_known(model: Any, jobs: int) -> None:
    assert job_count(model) == jobs


@pytest.mark.parametrize(("jobs", "cores"), [(1, (2,)), (2, (2, 0)), (0, (2, 0, 1, 3)), (9, (2, 0, 1, 3))])
def test_a_candidate_gets_the_cores_that_its_model_can_use(jobs: int, cores: tuple[int, ...]) -> None:
    candidate = Candidate(model=BUILTIN_MODELS[1])
    plan = Plan(candidates=(candidate,))
    assert expand_cores((2,), candidate, plan, (0, 1, 2, 3), jobs) == cores
    named = msgspec.structs.replace(plan, pinning=(2,))
    assert expand_cores((2,), candidate, named, (0, 1, 2, 3), jobs) == (2,), "it was asked for"
