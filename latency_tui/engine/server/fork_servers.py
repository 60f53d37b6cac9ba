"""Fork servers: processes that have imported the libraries of candidates, from which replicas are forked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate_protocol import BecomeForkServer, ForkServerReady
from latency_tui.engine.server.candidate_process import CandidateProcess, Interpreter
from latency_tui.engine.server.channel import POLL_SECONDS, Channel

_Key = tuple[Interpreter | None, frozenset[str]]


class ForkServers:
    """One fork server for each interpreter and set of libraries that candidates have imported.

    Args:
        channel: Commands are read from it while fork servers are awaited.
        launch: Starts a process, given a slug, a log and an interpreter.
        context: What processes share with the engine.
        fork: Whether processes are forked; if they are not, there are no fork servers.
    """

    def __init__(
        self,
        channel: Channel,
        launch: Callable[[str, Path, Interpreter | None], CandidateProcess],
        context: ProcessContext,
        *,
        fork: bool,
    ) -> None:
        self._channel = channel
        self._launch = launch
        self._context = context
        self._fork = fork
        self._processes: dict[_Key, CandidateProcess] = {}

    @property
    def pids(self) -> set[int]:
        """The process ids of the fork servers."""
        return {fork_server.pid for fork_server in self._processes.values()}

    def start(self, processes: Iterable[CandidateProcess], timeout: float) -> None:
        """Start a fork server for each set of libraries that these processes have imported, and wait for them.

        A fork server that fails, hangs or has threads is ended. Replicas then import the libraries themselves.

        Raises:
            JobStopped: The client stopped the job.
        """
        starting: list[CandidateProcess] = []
        for process in processes:
            key = _package_set(process)
            if not self._fork or not process.libraries or key in self._processes:
                continue
            try:
                fork_server = self._launch(process.slug, process.log, process.interpreter)
            except OSError:
                continue
            self._processes[key] = fork_server
            fork_server.libraries = process.libraries
            fork_server.ask(BecomeForkServer(modules=process.libraries), "loading", timeout)
            starting.append(fork_server)
        while starting:
            self._channel.flush()
            heard = self._channel.wait([fork_server.connection for fork_server in starting], POLL_SECONDS)
            for fork_server in [one for one in starting if one.connection in heard or one.has_ended() or one.is_late()]:
                starting.remove(fork_server)
                reply = fork_server.reply() if fork_server.connection in heard else None
                if not isinstance(reply, ForkServerReady) or reply.threads != 1:
                    self._processes.pop(_package_set(fork_server)).end()

    def fork(self, process: CandidateProcess) -> CandidateProcess | None:
        """Fork a replica of a process from the fork server of its libraries; return None if that is impossible."""
        key = _package_set(process)
        if fork_server := self._processes.get(key):
            try:
                return CandidateProcess(
                    process.slug,
                    process.log,
                    process.data,
                    self._context,
                    fork_server=fork_server,
                    interpreter=process.interpreter,
                )
            except OSError:  # the fork server has ended, for example
                self._processes.pop(key).end()
        return None

    def end(self) -> None:
        """End the fork servers. Processes that were forked from them continue to run."""
        while self._processes:
            self._processes.popitem()[1].end()


def _package_set(process: CandidateProcess) -> _Key:
    """Return the interpreter of a process, and the packages that it has imported."""
    return process.interpreter, frozenset(name.partition(".")[0] for name in process.libraries)
