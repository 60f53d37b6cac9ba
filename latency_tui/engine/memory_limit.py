"""The limits on memory that the shell set for this process and those it starts."""

from __future__ import annotations

import sys

from latency_tui.errors import EngineError

COMMANDS = {"RLIMIT_AS": "ulimit -v", "RLIMIT_DATA": "ulimit -d"}
MIN_MIB = {"RLIMIT_AS": 384, "RLIMIT_DATA": 128}
"""Below these, numpy or scikit-learn cannot be imported: OpenBLAS exits or hangs the process if it gets no memory."""
SCREEN_LEAST_MIB = {"RLIMIT_AS": 512, "RLIMIT_DATA": 128}
"""The same for a process with a screen, whose threads reserve address space too."""
PLENTY_MIB = 4096
"""Above this, a measuring process that ends early has another reason."""


def check_memory_limit(*, screen: bool = False) -> None:
    """Check that this process may use enough memory to start measuring; call this before numpy is imported.

    Args:
        screen: Whether this process draws the app.

    Raises:
        EngineError: A limit is too low.
    """
    least = SCREEN_LEAST_MIB if screen else MIN_MIB
    for name, limit in _limits_mib().items():
        if limit < least[name]:
            raise EngineError(
                f"The measuring process could not start: memory is limited to {limit:,} MiB ({COMMANDS[name]}), and "
                f"{'the app' if screen else 'measuring'} needs at least {least[name]} MiB; raise the limit."
            )


def describe_memory_limit() -> str:
    """Return the limit that is likely to stop a measuring process, `400 MiB (ulimit -v)`; empty if there is none."""
    limits = _limits_mib()
    return next((f"{limits[name]:,} MiB ({COMMANDS[name]})" for name in limits if limits[name] < PLENTY_MIB), "")


def _limits_mib() -> dict[str, int]:
    """Return the limits that are set, by the name of the resource."""
    if sys.platform == "win32":
        return {}
    import resource

    limits = {name: resource.getrlimit(getattr(resource, name))[0] for name in COMMANDS}
    return {name: limit // 2**20 for name, limit in limits.items() if limit != resource.RLIM_INFINITY}
