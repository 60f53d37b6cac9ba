"""One measurement at a time per machine: an advisory lock that the engines of all front ends and users respect."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from latency_tui.engine.machine_events import MachineBusy
from latency_tui.engine.process_environment import LOCK_VARIABLE
from latency_tui.engine.server.channel import Channel

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FILES = ("/run/lock/latency-tui.lock", "/var/tmp/latency-tui.lock")  # noqa: S108 (shared by all users on purpose)
"""Places of the lock file, the best first. TMPDIR differs between users and jobs, so it is not used."""
POLL_SECONDS = 0.1
"""How often a lock that another process holds is tried again."""
_LOCK_LINE = re.compile(r"FLOCK\s+ADVISORY\s+WRITE\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s")


@contextlib.contextmanager
def machine_lock(channel: Channel, job: str) -> Iterator[None]:
    """Hold the lock of this machine; wait if another measurement holds it, and report that once.

    The variable `LATENCY_TUI_LOCK` names another file, or none if it is empty. Without a place for the file, nothing is
    locked.

    Args:
        channel: Events out, and commands in while this process waits.
        job: The job that waits.

    Raises:
        InputClosed: The client has closed the channel.
        JobStopped: The client stopped the job.
    """
    descriptor = _open()
    if descriptor is None:
        yield
        return
    try:
        reported = False
        while not _lock(descriptor):
            if not reported:
                reported = True
                channel.send(MachineBusy(job=job, process=_holder(descriptor)))
                channel.flush()
            channel.wait([], POLL_SECONDS)
        yield
    finally:
        _unlock(descriptor)
        os.close(descriptor)


def _open() -> int | None:
    """Return a descriptor of the lock file, which is never written; None if there is no place for it.

    The file may belong to another user, so it is opened for reading, which is enough for a lock.
    """
    if fcntl is None:
        return None
    reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    named = os.environ.get(LOCK_VARIABLE)
    for path in FILES if named is None else filter(None, [named]):
        for flags in (reading, reading | os.O_CREAT | os.O_EXCL, reading):  # another process may create it meanwhile
            with contextlib.suppress(OSError):
                return os.open(path, flags, 0o644)
    return None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return True
    return True


def _unlock(descriptor: int) -> None:
    """Release the lock, which forked candidates would otherwise hold with this process."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _holder(descriptor: int) -> int | None:
    """Return the id of the process that holds the lock; None if the system does not report it."""
    with contextlib.suppress(OSError):
        inode = os.fstat(descriptor).st_ino
        for process, locked in _LOCK_LINE.findall(Path("/proc/locks").read_text()):
            if int(locked) == inode:
                return int(process)
    return None
