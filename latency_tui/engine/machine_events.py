"""Events about the machine as a whole. See `protocol` for all events."""

from __future__ import annotations

import msgspec


class MachineBusy(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The job waits, because another measurement runs on this machine.

    Attributes:
        job: The job that waits.
        process: Id of the process that measures; None if the system does not report it.
    """

    job: str
    process: int | None = None
