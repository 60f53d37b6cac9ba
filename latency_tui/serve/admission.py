"""Connections that have not asked for anything yet: few of them, and not for long.

Anybody who reaches the port can open connections and say nothing. Such a connection must not take the place of the
owner's, so it waits here, outside the HTTP server, until the head of its first request has arrived. There is a deadline
for that, and where too many wait the oldest goes: a browser sends its request at once, and is never among the oldest.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable

FIRST_REQUEST_SECONDS = 5.0
"""How long the head of a first request may take."""
MAX_HEAD = 32 * 1024
"""Bytes of a request's head; aiohttp itself takes 8 KiB per line."""
_MAX_WAITING = 128
_MAX_PER_ADDRESS = 48
_END_OF_HEAD = b"\r\n\r\n"


class Admission:
    """The connections that wait for their first request.

    Args:
        handler: Makes the protocol that a connection is handed over to.
        descriptors: How many files this process may open; a quarter of them may be connections that wait.
        seconds: How long the head of a first request may take.
    """

    def __init__(
        self,
        handler: Callable[[], asyncio.Protocol],
        *,
        descriptors: int | None = None,
        seconds: float = FIRST_REQUEST_SECONDS,
    ) -> None:
        if descriptors is None:
            descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.handler = handler
        self.seconds = seconds
        self._most = _MAX_WAITING if descriptors < 0 else max(min(_MAX_WAITING, descriptors // 4), 4)
        self._waiting: dict[Waiting, None] = {}

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return Waiting(self)

    @property
    def backlog(self) -> int:
        """How many connections are accepted at once, before any of them is looked at."""
        return max(self._most // 2, 2)

    def add(self, connection: Waiting) -> None:
        """Let a connection wait, in the place of the oldest where there are too many."""
        self._waiting[connection] = None
        neighbours = [other for other in self._waiting if other.address == connection.address]
        if len(neighbours) > min(_MAX_PER_ADDRESS, self._most):
            neighbours[0].abort()
        if len(self._waiting) > self._most:
            next(iter(self._waiting)).abort()

    def remove(self, connection: Waiting) -> None:
        """Forget a connection that was handed over or closed."""
        self._waiting.pop(connection, None)

    def close(self) -> None:
        """Close all connections that still wait."""
        for connection in list(self._waiting):
            connection.abort()


class Waiting(asyncio.Protocol):
    """A connection from its start to the end of its first request's head.

    Attributes:
        address: Where it comes from.
    """

    def __init__(self, admission: Admission) -> None:
        self.address = ""
        self._admission = admission
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._deadline = asyncio.get_running_loop().call_later(self._admission.seconds, self.abort)
        self._admission.add(self)

    def data_received(self, data: bytes) -> None:
        """Collect the head; hand the connection over once it is whole."""
        if self._transport is None:
            return
        searched = max(len(self._head) - len(_END_OF_HEAD), 0)
        self._head += data
        if self._head.find(_END_OF_HEAD, searched) < 0:
            if len(self._head) > MAX_HEAD:
                self.abort()
            return
        transport, handler = self._transport, self._admission.handler()
        self._forget()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(bytes(self._head))

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop waiting."""
        self._forget()

    def abort(self) -> None:
        """Close the connection without an answer."""
        transport = self._transport
        self._forget()
        if transport is not None:
            transport.abort()

    def _forget(self) -> None:
        self._transport = None
        self._admission.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
