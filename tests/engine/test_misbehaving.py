"""What a model says and does beyond answering: it is limited and checked, and the other models are measured."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from array import array
from pathlib import Path
from statistics import median

import msgspec
import psutil
import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Event, JobFinished, Measure, TrainingFinished
from latency_tui.plan import Candidate, ModelSpec
from tests.engine.conftest import eventually, faulty, plan_of
from tests.engine.hostile_models import KINDS
from tests.parameters import one_quick

MAX_EVENT = 200_000
pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="groups and descriptors are looked at as Linux has them"
)


def misbehaving(kind: str) -> Candidate:
    return Candidate(model=ModelSpec(name="bad", factory=f"tests.engine.misbehaving:{kind}"))


async def measured_beside(engine: Engine, kind: str) -> list[Event]:
    """Measure a good model beside another one; check that it is measured to the end, and that no event is long."""
    plan = plan_of(misbehaving(kind), faulty("Planted", "good"), runs=200, call_timeout=5)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    good = [event for event in events if isinstance(event, BlockMeasured) and event.candidate == "good"]
    assert sum(len(block.block.samples) for block in good) == 200 * 8
    assert events[-1] == JobFinished(job="a", reason="completed")
    assert max(len(msgspec.json.encode(event)) for event in events) < MAX_EVENT
    return events


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("WritesRubbish", "wrote something to the pipe"),
        ("WritesLine", "wrote something to the pipe"),
        ("AnnouncesMuch", "wrote something to the pipe"),
        ("AnnouncesTooMuch", "wrote something to the pipe"),
        ("AnnouncesLess", "wrote something to the pipe"),
        ("RaisesAtLength", "ValueError: xxx"),
        ("RaisesManyLines", "ValueError: line"),
        ("RaisesSurrogates", "caf\\udce9"),
        ("RaisesUnprintable", "_UnprintableError, whose message cannot be shown"),
        ("RaisesAndLeaves", "_LeavesWhenAskedError, whose message cannot be shown"),
        ("RefusesToBeLookedAt", "_RefusesToBeLookedAtError, whose message cannot be shown"),
        ("BecomesAnother", "closed its connection to the measurement and was ended"),
        ("KillsItsGroup", "SIGTERM"),
        ("HangsUpOnItsGroup", "SIGHUP"),
        ("KillsItsGroupAtOnce", "was killed (SIGKILL) by another process or by itself, or because memory ran out"),
        ("AnswersFuture", "predict returned a Future, which has not computed anything"),
        ("AnswersCoroutine", "predict returned a coroutine, which has not computed anything"),
        ("AnswersGenerator", "predict returned a generator, which has not computed anything"),
        ("AnswersAsyncGenerator", "predict returned a async_generator, which has not computed anything"),
        ("AnswersClass", "predict returned the class Planted itself"),
        ("AnswersMethod", "predict returned a method"),
        ("AnswersError", "predict returned the error ValueError"),
        ("AnswersNotImplemented", "predict returned NotImplemented"),
    ],
)
async def test_a_model_fails_in_a_sentence_and_the_other_is_measured(engine: Engine, kind: str, said: str) -> None:
    events = await measured_beside(engine, kind)
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.candidate == "bad"
    assert said in failure.message
    assert "\n" not in failure.message


@pytest.mark.slow
async def test_a_reply_that_never_ends_is_given_up(engine: Engine) -> None:
    events = await measured_beside(engine, "AnnouncesWithoutSending")
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert "wrote something to the pipe" in failure.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("HasManyJobs", ()),
        ("RepliesTwice", ()),
        ("WarnsWithoutWords", ("UserWarning",)),
        ("WarnsAtLength", (f"UserWarning: {'w' * 500}… (30,000,000 characters)",)),
        ("WarnsOften", ("UserWarning: warning 0", "19,980 more warnings are not shown")),
        ("WarnsWithSurrogates", (r"UserWarning: /models/caf\udce9",)),
    ],
)
async def test_a_model_that_says_strange_things_is_measured(engine: Engine, kind: str, said: tuple[str, ...]) -> None:
    events = await measured_beside(engine, kind)
    assert not [event for event in events if isinstance(event, CandidateFailed)]
    (bad,) = (event for event in events if isinstance(event, TrainingFinished) and event.candidate == "bad")
    assert {*said} <= {*bad.notes}
    assert len(bad.notes) <= 21


@pytest.mark.parametrize(
    ("kind", "said"),
    one_quick(
        [
            ("AnswersNan", r"^(\d+) of (\d+) outputs for held-out rows are NaN$"),
            ("AnswersNanByRow", r"^(\d+) of (\d+) outputs for held-out rows are NaN$"),
            ("AnswersInfinity", r"^(\d+) of (\d+) outputs for held-out rows are infinite$"),
            ("AnswersNoNumbers", r"^(\d+) of (\d+) outputs for held-out rows are NaN$"),
            ("ChangesIntoNan", None),
        ]
    ),
)
async def test_answers_that_are_not_finite_are_counted_in_a_note(engine: Engine, kind: str, said: str | None) -> None:
    events = await measured_beside(engine, kind)
    assert not [event for event in events if isinstance(event, CandidateFailed)]
    assert sum(len(e.block.samples) for e in events if isinstance(e, BlockMeasured) and e.candidate == "bad") == 200 * 8
    (good,) = (event for event in events if isinstance(event, TrainingFinished) and event.candidate == "good")
    assert good.notes == ()
    (bad,) = (event for event in events if isinstance(event, TrainingFinished) and event.candidate == "bad")
    found = [re.match(said, note) for note in bad.notes if said]
    if said is None:
        assert not [note for note in bad.notes if "NaN" in note]
        return
    assert found[0], bad.notes
    some, all_of_them = map(int, found[0].groups())
    assert some == all_of_them if kind == "AnswersNoNumbers" else 0.2 < some / all_of_them < 0.8


@pytest.mark.slow
async def test_what_a_model_prints_is_kept_in_bounds(engine: Engine) -> None:
    longest = 0
    plan = plan_of(faulty("PrintsMuch"), runs=60)
    async for event in engine.run(Measure(job="a", plan=plan)):
        assert not isinstance(event, CandidateFailed)
        assert engine._folder is not None
        longest = max(longest, *(log.stat().st_size for log in Path(engine._folder).glob("*.log")), 0)
    assert 0 < longest < 60 * 10_000_000


EIGHTHS = [list(KINDS)[first : first + 8] for first in range(0, len(KINDS), 8)]


def processes_with(word: str) -> list[str]:
    """Return the command lines of the processes whose environment has a word, of this one's children and others."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and word in process.environ():
                found.append(" ".join(process.cmdline()))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kinds", EIGHTHS, ids=[kinds[0] for kinds in EIGHTHS])
async def test_eight_hostile_models_do_not_hurt_a_good_one(kinds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"HOSTILE_{os.getpid()}_{kinds[0]}"
    monkeypatch.setenv(mark, "1")
    bad = [Candidate(model=ModelSpec(name=kind, factory=f"tests.engine.hostile_models:{kind}")) for kind in kinds]
    plan = plan_of(*bad, faulty("Sleeper", "good"), runs=10, call_timeout=10, training_timeout=10)
    shared = {*Path("/dev/shm").iterdir()}
    async with Engine() as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert events[-1] == JobFinished(job="a", reason="completed")
    assert max(len(msgspec.json.encode(event)) for event in events) < MAX_EVENT
    failed = [event for event in events if isinstance(event, CandidateFailed)]
    assert "good" not in [event.candidate for event in failed]
    assert len({event.candidate for event in failed}) == len(failed), "each fails once"
    assert [event.message for event in failed if "\n" in event.message or not event.message] == []
    samples = array(
        "q", b"".join(e.block.samples for e in events if isinstance(e, BlockMeasured) and e.candidate == "good")
    )
    assert len(samples) == 10
    assert 2_000_000 <= median(samples) < 10**9
    assert await eventually(lambda: processes_with(mark) == []), processes_with(mark)
    assert await eventually(lambda: {*Path("/dev/shm").iterdir()} <= shared)
