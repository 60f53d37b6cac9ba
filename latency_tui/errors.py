"""The errors a user can meet: each has a title, a sentence that says what to do, and an exit code."""

from __future__ import annotations

from typing import ClassVar

LONGEST_SENTENCE = 2000
"""Characters of a sentence: a screen full. Names in it may come from files, and be of any length and number."""

_KEPT_OF_THE_END = 500


class LatencyTuiError(Exception):
    """Something went wrong that a user can understand and mend.

    Attributes:
        title: A few words that name the kind of trouble, for a heading.
        exit_code: What the command line exits with.
    """

    title: ClassVar[str] = "Error"
    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str) -> None:
        if len(sentence) > LONGEST_SENTENCE:  # what happened stands at its beginning, what to do at its end
            sentence = f"{sentence[: LONGEST_SENTENCE - _KEPT_OF_THE_END]} … {sentence[-_KEPT_OF_THE_END:]}"
        super().__init__(sentence)


class UsageError(LatencyTuiError):
    """What was asked for makes no sense: an unknown name, a number out of range, an unreadable file."""

    title = "That cannot be measured"
    exit_code = 2


class UnknownCandidateError(UsageError, KeyError):
    """A result has no candidate of that name."""

    __str__ = BaseException.__str__  # a KeyError's own puts the sentence into quotation marks


class ModelError(LatencyTuiError):
    """A model failed and nothing could be measured of it."""

    title = "A model failed"
    exit_code = 4


class SettingsError(ModelError):
    """A setting in brackets is none that the model has, or has a value that it cannot have."""

    title = "A setting makes no sense"
    exit_code = 2


class EngineError(LatencyTuiError):
    """The measuring process could not be started, or ended before its work was done."""

    title = "The engine stopped"
    exit_code = 1


class DataError(EngineError):
    """The dataset's file does not hold what it should."""

    title = "The data cannot be read"
    exit_code = 2
