"""Files with the results of several hosts, in which `hosts.json#web1` names the result of one host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from latency_tui.errors import UsageError

SEPARATOR = "#"
_NO_RESULT = msgspec.Raw(b"null")


class HostEntry(msgspec.Struct, frozen=True):
    """The result of one host as JSON; `null` if it measured nothing."""

    host: str = ""
    result: msgspec.Raw = _NO_RESULT


def split_host(reference: str | Path) -> tuple[Path, str]:
    """Return the file and the host of a reference such as `hosts.json#web1`; no host if it is the name of a file."""
    file, separator, host = str(reference).partition(SEPARATOR)
    if separator and host and not Path(reference).exists() and Path(file).is_file():
        return Path(file), host
    return Path(reference), ""


def measured_in(entries: Sequence[HostEntry]) -> list[str]:
    """Return the names of hosts that have a result."""
    return [one.host for one in entries if one.result != _NO_RESULT]


def entry_of(entries: Sequence[HostEntry], host: str, path: str | Path) -> bytes:
    """Return the JSON of the result of one host.

    Args:
        entries: The hosts of the file.
        host: Name of the host; empty if none was named.
        path: The file, for messages.

    Raises:
        UsageError: No host was named, or it is not in the file, or it measured nothing.
    """
    measured = {one.host: one.result for one in entries if one.result != _NO_RESULT}
    if host in measured:
        return bytes(measured[host])
    if not measured:
        raise UsageError(f"{path} holds no result, because no host measured anything.")
    names = ", ".join(measured)
    if not host and len(entries) == 1:
        return bytes(entries[0].result)
    if not host:
        example = f"'{path}{SEPARATOR}{next(iter(measured))}'"
        raise UsageError(f"{path} holds the results of several hosts ({names}); name one of them, as in {example}.")
    raise UsageError(f"{path} has no result of {host}; it has {names}.")
