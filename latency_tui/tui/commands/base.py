"""What every command has: title, keys, help, and when it applies."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import ClassVar

from textual.message import Message

from latency_tui.tui.state import State

KEY_LABELS: ContextVar[Mapping[str, str]] = ContextVar("KEY_LABELS", default=MappingProxyType({}))
"""How the keys are written that the configuration of the running app changes, by the command's name."""


class Command(Message):
    """One action of a user.

    Attributes:
        title: Its name in the command palette, a verb.
        keys: Its keys, as Textual names them; the first one is shown.
        shown: How the key is written; empty for the name of the first key.
        footer: Its label in the footer; empty if it is not shown there.
        group: Its heading on the help screen.
    """

    title: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()
    shown: ClassVar[str] = ""
    footer: ClassVar[str] = ""
    group: ClassVar[str] = "Measure"

    @classmethod
    def help(cls) -> str:
        """Return the help text: the first line of the docstring."""
        return (cls.__doc__ or "").partition("\n")[0].strip()

    @classmethod
    def key_label(cls) -> str:
        """Return the key as a person reads it: the one of the configuration if it changes the key."""
        return KEY_LABELS.get().get(cls.__name__) or cls.default_label()

    @classmethod
    def default_label(cls) -> str:
        """Return the default key as a person reads it."""
        return cls.shown or (cls.keys[0] if cls.keys else "")

    @classmethod
    def applies(cls, state: State) -> bool:  # noqa: ARG003  # those that depend on it read it
        """Return whether the command would do something now."""
        return True


class PlanCommand(Command):
    """A command that changes or starts what is measured; it does not apply while something is running."""

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running."""
        return state.work == "idle"
