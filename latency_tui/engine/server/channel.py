"""The engine's end of the channel: reads commands, also while it waits for replies, and writes events in batches."""

from __future__ import annotations

import os
import time
from collections import deque
from multiprocessing.connection import Connection, wait

from latency_tui.engine.message_codec import decode_command, encode
from latency_tui.engine.protocol import (
    Command,
    Event,
    Job,
    JobFinished,
    Reason,
    Stop,
    StopTraining,
)

POLL_SECONDS = 0.05
"""How often the time, memory and log of busy processes are checked; a reply or a command is noticed at once."""


class JobStopped(Exception):  # noqa: N818 (not an error: it ends a job from within)
    """The client stopped the job."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason


class InputClosed(Exception):  # noqa: N818 (as above)
    """The client has closed the channel."""


class Channel:
    """Reads commands and writes events.

    Args:
        commands: Descriptor from which commands are read.
        events: Descriptor to which events are written.

    Attributes:
        end_reason: The reason why the job ends with the current round; None if it continues.
    """

    def __init__(self, commands: int, events: int) -> None:
        self._commands = commands
        self._events = events
        self._unread = b""
        self._queue: deque[Job] = deque()
        self._job = ""
        self._unsent: list[bytes] = []
        self._sent_at = 0.0
        self.end_reason: Reason | None = None
        self._stop_requested: set[str] = set()

    def next_job(self) -> Job:
        """Wait for the next command that starts a job.

        Raises:
            InputClosed: The client has closed the channel.
        """
        self._job, self.end_reason = "", None
        self._stop_requested.clear()
        while not self._queue:
            wait([self._commands])
            self._listen()
        command = self._queue.popleft()
        self._job = command.job
        return command

    def wait(self, connections: list[Connection], seconds: float) -> list[Connection]:
        """Wait until a connection can be read or the time is over, and read commands meanwhile.

        Args:
            connections: The connections.
            seconds: Maximum time to wait.

        Returns:
            The connections that can be read.

        Raises:
            InputClosed: The client has closed the channel.
            JobStopped: The client stopped the job.
        """
        found = wait([self._commands, *connections], seconds)
        if self._commands in found:
            self._listen()
        return [connection for connection in connections if connection in found]

    def is_stop_requested(self, slug: str) -> bool:
        """Return whether the client stopped the training of a candidate during this job."""
        return slug in self._stop_requested

    def send(self, event: Event) -> None:
        """Queue an event for the next `flush`."""
        self._unsent.append(encode(event))

    def flush(self, *, at_most_every: float = 0.0) -> None:
        """Write the queued events, unless events were written less than `at_most_every` seconds ago."""
        now = time.monotonic()
        if now - self._sent_at < at_most_every:
            return
        self._sent_at = now
        waiting, self._unsent = memoryview(b"".join(self._unsent)), []
        while waiting:
            waiting = waiting[os.write(self._events, waiting) :]

    def _listen(self) -> None:
        """Read commands: jobs are queued, and a stop of the running job takes effect."""
        read = os.read(self._commands, 1 << 16)
        if not read:
            raise InputClosed
        *lines, self._unread = (self._unread + read).split(b"\n")
        stopped = False
        for command in (decode_command(line) for line in lines if line):
            stopped |= self._handle(command)
        if stopped:
            raise JobStopped("stopped")

    def _handle(self, command: Command) -> bool:
        """Queue a job; return whether the command stops the running one at once."""
        if isinstance(command, StopTraining):
            if command.job == self._job:
                self._stop_requested.add(command.candidate)
            return False
        if not isinstance(command, Stop):
            self._queue.append(command)
            return False
        if command.job != self._job:  # finished, or queued and then removed
            if any(job.job == command.job for job in self._queue):
                self._queue = deque(job for job in self._queue if job.job != command.job)
                self.send(JobFinished(job=command.job, reason="stopped"))
                self.flush()
            return False
        if command.reason != "stopped":
            self.end_reason = command.reason
            return False
        return True
