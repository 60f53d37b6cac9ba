"""Limits the number and the duration of connections that have not sent a request yet.

Any client that reaches the port can open connections without sending anything. They must not use up the connections
that the user needs. A connection is therefore held here, outside the HTTP server, until the head of its first request
has arrived. It is closed after a time limit, or if it is the oldest and there are too many; browsers send at once.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable

FIRST_REQUEST_SECONDS = 5.0
"""Time limit for the head of the first request."""
MAX_HEAD = 32 * 1024
"""Maximum size of a request's head in bytes; aiohttp accepts 8 KiB per line."""
_MAX_WAITING = 128
_MAX_PER_ADDRESS = 48
_END_OF_HEAD = b"\r\n\r\n"


class Admission:
    """The connections that wait for their first request.

    Args:
        handler: Creates the protocol that takes over a connection.
        descriptors: Number of files that this process may open; at most a quarter of them are waiting connections.
        seconds: Time limit for the head of the first request.
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
        self._waiting: dict[PendingConnection, None] = {}

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return PendingConnection(self)

    @property
    def backlog(self) -> int:
        """Maximum number of connections that asyncio accepts before it reads from any of them."""
        return max(self._most // 2, 2)

    def add(self, connection: PendingConnection) -> None:
        """Add a waiting connection; close the oldest one if there are too many."""
        self._waiting[connection] = None
        neighbours = [other for other in self._waiting if other.address == connection.address]
        if len(neighbours) > min(_MAX_PER_ADDRESS, self._most):
            neighbours[0].abort()
        if len(self._waiting) > self._most:
            next(iter(self._waiting)).abort()

    def remove(self, connection: PendingConnection) -> None:
        """Remove a connection that was handed over or closed."""
        self._waiting.pop(connection, None)

    def close(self) -> None:
        """Close all waiting connections."""
        for connection in list(self._waiting):
            connection.abort()


class PendingConnection(asyncio.Protocol):
    """The protocol of a connection until the head of its first request has arrived.

    Attributes:
        address: IP address of the client.
    """

    def __init__(self, admission: Admission) -> None:
        self.address = ""
        self._admission = admission
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time limit."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._deadline = asyncio.get_running_loop().call_later(self._admission.seconds, self.abort)
        self._admission.add(self)

    def data_received(self, data: bytes) -> None:
        """Collect the head; hand the connection over once it is complete."""
        if self._transport is None:
            return
        searched = max(len(self._head) - len(_END_OF_HEAD), 0)
        self._head += data
        if self._head.find(_END_OF_HEAD, searched) < 0:
            if len(self._head) > MAX_HEAD:
                self.abort()
            return
        transport, handler = self._transport, self._admission.handler()
        self._remove()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(bytes(self._head))

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop waiting."""
        self._remove()

    def abort(self) -> None:
        """Close the connection without a response."""
        transport = self._transport
        self._remove()
        if transport is not None:
            transport.abort()

    def _remove(self) -> None:
        self._transport = None
        self._admission.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
