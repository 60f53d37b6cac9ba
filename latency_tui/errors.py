"""Exceptions that are shown to the user; each has a title, a message that says what to do, and an exit code."""

from __future__ import annotations

from typing import ClassVar

MAX_SENTENCE = 2000
"""Maximum length of a message in characters, about one screen. Names from files can be of any length."""

_KEPT_OF_THE_END = 500
"""Characters at the end of a shortened message that are kept."""


class LatencyTuiError(Exception):
    """Base class of errors that a user can understand and correct.

    Attributes:
        title: The kind of error in a few words, used as a heading.
        exit_code: The exit code of the command line.
    """

    title: ClassVar[str] = "Error"
    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str) -> None:
        if len(sentence) > MAX_SENTENCE:  # the start says what happened, the end what to do
            sentence = f"{sentence[: MAX_SENTENCE - _KEPT_OF_THE_END]} … {sentence[-_KEPT_OF_THE_END:]}"
        super().__init__(sentence)


class UsageError(LatencyTuiError):
    """The request is invalid: an unknown name, a number out of range or an unreadable file."""

    title = "Invalid request"
    exit_code = 2


class UnknownCandidateError(UsageError, KeyError):
    """A result has no candidate of the given name."""

    __str__ = BaseException.__str__  # KeyError.__str__ would add quotation marks


class NothingToExportError(UsageError):
    """A result lacks what a format consists of, because nothing was measured or its samples were left out."""


class ModelError(LatencyTuiError):
    """A model failed, so that it could not be measured."""

    title = "A model failed"
    exit_code = 4


class SettingsError(ModelError):
    """A model does not have a setting given in brackets, or does not accept its value."""

    title = "Invalid setting"
    exit_code = 2


class EngineError(LatencyTuiError):
    """The measuring process could not be started, or exited before the measurement was complete."""

    title = "The engine stopped"
    exit_code = 1


class DataError(EngineError):
    """The file of a dataset does not contain what was expected."""

    title = "The data cannot be read"
    exit_code = 2


class HistoryError(UsageError):
    """The history cannot be read or written: a damaged file, a full disk, a read-only folder."""

    title = "The history cannot be used"
