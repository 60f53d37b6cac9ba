"""Messages to the main screen, named in the past tense. Only the screen's handlers change the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from latency_tui.engine.protocol import Event
from latency_tui.errors import LatencyTuiError

if TYPE_CHECKING:
    from latency_tui.result.result import Result
    from latency_tui.tui.widgets.results import Results


class EngineMessage(Message):
    """Base class of the messages that report progress and results of the engine."""


class EventsArrived(EngineMessage):
    """The engine sent events of a job.

    Attributes:
        job: The job to which the events belong.
        events: The events, in the order in which the engine sent them.
    """

    def __init__(self, job: str, events: tuple[Event, ...]) -> None:
        super().__init__()
        self.job = job
        self.events = events


class JobEnded(EngineMessage):
    """A job has ended; no events of it follow.

    Attributes:
        job: The job.
        error: The error that ended it early; None if it was completed or stopped.
    """

    def __init__(self, job: str, error: LatencyTuiError | None = None) -> None:
        super().__init__()
        self.job = job
        self.error = error


class EngineLost(EngineMessage):
    """The engine's process has ended, and trained models are lost; the next job starts another engine.

    Attributes:
        error: The reason; None if it was ended intentionally.
    """

    def __init__(self, error: LatencyTuiError | None) -> None:
        super().__init__()
        self.error = error


class ResultComputed(EngineMessage):
    """The exact result of a measurement that has ended was computed.

    Attributes:
        job: The job of the measurement.
        result: The result; None if nothing was recorded.
    """

    def __init__(self, job: str, result: Result | None) -> None:
        super().__init__()
        self.job = job
        self.result = result


class ResultsLoaded(Message):
    """The widget that shows results has been imported, and can be mounted."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self.results = results


class FieldChanged(Message):
    """The user has changed the text of a field.

    Attributes:
        field: The id of the field.
        text: The new text.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__()
        self.field = field
        self.text = text


class FieldLeft(Message):
    """The user has left a field with Enter or Escape."""


class SavedPointed(Message):
    """The user clicked a result of the history."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
