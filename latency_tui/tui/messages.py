"""What the session tells the screen, in the past tense; the screen's handlers own every change of state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from latency_tui.engine.protocol import Event
from latency_tui.errors import LatencyTuiError
from latency_tui.plan import Candidate, Dataset, Plan, Trust

if TYPE_CHECKING:
    from latency_tui.result.result import Result
    from latency_tui.tui.widgets.results import Results


class EventsArrived(Message):
    """The engine told something about a job.

    Attributes:
        job: The job that the events belong to.
        events: In the order told.
    """

    def __init__(self, job: str, events: tuple[Event, ...]) -> None:
        super().__init__()
        self.job = job
        self.events = events


class JobEnded(Message):
    """Nothing more will come of a job.

    Attributes:
        job: The job.
        error: Why it ended early; None where it ran to its end or was stopped.
    """

    def __init__(self, job: str, error: LatencyTuiError | None = None) -> None:
        super().__init__()
        self.job = job
        self.error = error


class EngineLost(Message):
    """The engine's process is gone, and every trained model with it; the next job starts another.

    Attributes:
        error: Why; None where it was ended on purpose.
    """

    def __init__(self, error: LatencyTuiError | None) -> None:
        super().__init__()
        self.error = error


class ResultComputed(Message):
    """A measurement that has ended was computed exactly.

    Attributes:
        job: The job that measured it.
        result: All of it; None where nothing was recorded.
    """

    def __init__(self, job: str, result: Result | None) -> None:
        super().__init__()
        self.job = job
        self.result = result


class ResultsLoaded(Message):
    """What shows results is imported, and can be mounted."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self.results = results


class CandidatesAdded(Message):
    """The user has asked for more lines in the list.

    Attributes:
        candidates: What to list.
        after: Slug of the line that they are variants of; empty where they are of no line.
        trust: What is trusted from now on; None for no change.
    """

    def __init__(self, candidates: tuple[Candidate, ...], after: str = "", trust: Trust | None = None) -> None:
        super().__init__()
        self.candidates = candidates
        self.after = after
        self.trust = trust


class DatasetChosen(Message):
    """The user has asked for other data.

    Attributes:
        dataset: What the next measurement asks the models.
    """

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self.dataset = dataset


class PlanChanged(Message):
    """The user has changed how to measure.

    Attributes:
        plan: The plan, whose candidates are not meant.
        runtimes: Names of the runtimes to measure the selected models under; empty for as they are listed.
    """

    def __init__(self, plan: Plan, runtimes: tuple[str, ...]) -> None:
        super().__init__()
        self.plan = plan
        self.runtimes = runtimes


class FieldChanged(Message):
    """The user has typed into a field.

    Attributes:
        field: The field's id.
        text: What is in it now.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__()
        self.field = field
        self.text = text


class FieldLeft(Message):
    """The user has left a field by Enter or Escape."""
