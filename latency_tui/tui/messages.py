"""What the session tells the screen, in the past tense; the screen's handlers own every change of state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from latency_tui.engine.protocol import Event
from latency_tui.errors import LatencyTuiError

if TYPE_CHECKING:
    from latency_tui.result.result import Result
    from latency_tui.tui.widgets.results import Results


class EngineMessage(Message):
    """What the session or the computation of a result reports to the screen."""


class EventsArrived(EngineMessage):
    """The engine told something about a job.

    Attributes:
        job: The job that the events belong to.
        events: In the order told.
    """

    def __init__(self, job: str, events: tuple[Event, ...]) -> None:
        super().__init__()
        self.job = job
        self.events = events


class JobEnded(EngineMessage):
    """Nothing more will come of a job.

    Attributes:
        job: The job.
        error: Why it ended early; None where it ran to its end or was stopped.
    """

    def __init__(self, job: str, error: LatencyTuiError | None = None) -> None:
        super().__init__()
        self.job = job
        self.error = error


class EngineLost(EngineMessage):
    """The engine's process is gone, and every trained model with it; the next job starts another.

    Attributes:
        error: Why; None where it was ended on purpose.
    """

    def __init__(self, error: LatencyTuiError | None) -> None:
        super().__init__()
        self.error = error


class ResultComputed(EngineMessage):
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


class SavedPointed(Message):
    """The mouse picked a result of the history."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
