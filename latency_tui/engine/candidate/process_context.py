"""What a candidate's process receives from the engine when it starts, in addition to the dataset."""

from __future__ import annotations

from dataclasses import dataclass, field

from latency_tui.engine.candidate.threads import ThreadLimiter


@dataclass(frozen=True)
class ProcessContext:
    """Values that the engine and the processes of candidates share.

    Attributes:
        import_folders: Folders in which users' modules are searched; see `import_with_fallback`.
        thread_limiter: Limits the threads of libraries; a forked process inherits the libraries that were found.
    """

    import_folders: tuple[str, ...] = ()
    thread_limiter: ThreadLimiter = field(default_factory=ThreadLimiter)
