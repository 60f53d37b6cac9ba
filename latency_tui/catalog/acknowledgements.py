"""Reads the file of acknowledged slowdowns of `latency-tui check --ack FILE`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.errors import UsageError
from latency_tui.plan.limits import Acknowledgement, parse_limit

_MAX_BYTES = 1 << 20


class _File(msgspec.Struct, forbid_unknown_fields=True):
    acknowledged: list[Acknowledgement] = []


def read_acknowledgements(path: Path) -> tuple[Acknowledgement, ...]:
    """Return the acknowledged slowdowns in a TOML file.

    Raises:
        UsageError: The file cannot be read or is invalid; the message has the reason.
    """
    content = read_whole(path, _MAX_BYTES, wanted="file of acknowledgements")
    try:
        found = msgspec.toml.decode(content, type=_File).acknowledged
        for one in found:
            limit, bound = parse_limit(one.limit), parse_limit(one.bound)
            if (limit.metric, limit.relative) != (bound.metric, bound.relative):
                raise UsageError(f"the bound '{one.bound}' is on another metric than the limit '{one.limit}'")
            if limit.candidate or bound.candidate:
                raise UsageError(f"the limit '{one.limit}' names a model; name it in model = \"...\"")
    except (msgspec.MsgspecError, UsageError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a file of acknowledgements: {str(error).rstrip('.')}.") from error
    return tuple(found)
