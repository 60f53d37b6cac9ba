"""Checks the memory limits of this process before numpy is imported: OpenBLAS exits or hangs if it gets no memory."""

from __future__ import annotations

import sys

from latency_tui.errors import EngineError

MIN_MIB = {"RLIMIT_AS": (256, "ulimit -v"), "RLIMIT_DATA": (128, "ulimit -d")}
"""Below these, in MiB, numpy cannot be imported here and in the measuring process. Measuring takes about twice that."""


def check_memory_limit() -> None:
    """Check that this process may use enough memory to start measuring.

    Raises:
        EngineError: A limit of the system is too low.
    """
    if sys.platform == "win32":
        return
    import resource

    for name, (least, command) in MIN_MIB.items():
        limit = resource.getrlimit(getattr(resource, name))[0]
        if limit != resource.RLIM_INFINITY and limit < least * 2**20:
            raise EngineError(
                f"The measuring process could not start: memory is limited to {limit / 2**20:,.0f} MiB ({command}), "
                f"and measuring needs at least {least} MiB; raise the limit."
            )
