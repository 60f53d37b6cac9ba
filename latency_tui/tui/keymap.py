"""Reads the keys of a configuration file, and checks that no two actions have the same key.

A module of its own, imported only if a configuration changes keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.keys import Keys, format_key, key_to_character

from latency_tui.errors import UsageError
from latency_tui.plan.suggest import hint
from latency_tui.tui.bindings import binding_id
from latency_tui.tui.commands import COMMANDS

_NAMED = frozenset(key.value for key in Keys)


def keymap(keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return Textual's keymap, which maps the ids of bindings to keys, and the label of each key by the command's name.

    Args:
        keys: Maps an action, such as `make-baseline`, to its keys, separated by commas.

    Raises:
        UsageError: An action or a key does not exist, or two actions have the same key.
    """
    actions = {binding_id(name): name for name, command in COMMANDS.items() if command.keys}
    changed: dict[str, tuple[str, ...]] = {}
    for action, text in keys.items():
        if action not in actions:
            raise UsageError(f"keys.{action} is no action; {hint(action, actions, listed_by='latency-tui init')}")
        changed[action] = tuple(part.strip() for part in text.split(","))
        for key in changed[action]:
            if not _is_key(key):
                raise UsageError(f"keys.{action} has {key!r}, which is no key; write p, f5, ctrl+t or space.")
    taken: dict[str, str] = {}
    for action, name in actions.items():
        for key in changed.get(action, COMMANDS[name].keys):
            other = taken.setdefault(format_key(key), action)
            if other != action:
                raise UsageError(f"The key {format_key(key)} is that of {other} and of {action}; change one of them.")
    return (
        {action: ",".join(several) for action, several in changed.items()},
        {actions[action]: format_key(several[0]) for action, several in changed.items()},
    )


def _is_key(text: str) -> bool:
    last = text if len(text) == 1 else text.rpartition("+")[2]
    return len(last) == 1 or last in _NAMED or key_to_character(last) is not None
