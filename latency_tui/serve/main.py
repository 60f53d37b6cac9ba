"""Runs the server: listens, prints the URL, serves until a signal arrives, and ends all sessions."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import signal
import socket
from collections.abc import Callable, Sequence

from aiohttp import web

from latency_tui.errors import UsageError
from latency_tui.serve.access import Access, own_names
from latency_tui.serve.admission import Admission
from latency_tui.serve.log import log_to_file
from latency_tui.serve.server import Server


def serve(
    arguments: Sequence[str],
    *,
    host: str,
    port: int,
    public_url: str | None,
    remote: bool,
    signals: Sequence[signal.Signals],
) -> int:
    """Serve a command until a signal arrives; return the exit code.

    Args:
        arguments: The command line of the app.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        public_url: Scheme, host and port that browsers see if the server is behind a proxy; None without a proxy.
        remote: Whether other machines can reach the address.
        signals: Signals that end the server.

    Raises:
        UsageError: The server cannot listen on the address.
    """
    access = Access(
        token=secrets.token_urlsafe(32),
        remote=remote,
        public_url=public_url,
        names=own_names() | {host.lower()} if remote else frozenset({host.lower()}),
    )
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    server = Server(arguments, access, port)
    with log_to_file():
        return asyncio.run(_serve(server, listener, signals, lambda: _announce(access, host, port)))


async def _serve(
    server: Server, listener: socket.socket, signals: Sequence[signal.Signals], announce: Callable[[], None]
) -> int:
    # Open tabs must not delay the shutdown, so their sockets are closed and nothing waits for them. A lingering time
    # of 0 closes a refused connection after the response, even if its request announced a longer body.
    runner = web.AppRunner(
        await server.application(), access_log=None, shutdown_timeout=2.0, keepalive_timeout=75, lingering_time=0
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, ended.set)
    await runner.setup()
    assert runner.server is not None
    admission = Admission(runner.server)
    door = await loop.create_server(admission, sock=listener, backlog=admission.backlog)
    try:
        announce()
        await ended.wait()
    finally:
        door.close()
        admission.close()
        await runner.cleanup()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the port; called before any output, so that an error is one sentence."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"Port {port} of {host} is in use; choose another with --port.") from error
        raise UsageError(f"Cannot listen on port {port} of {host}: {error.strerror or error}.") from error
    return listener


def _announce(access: Access, host: str, port: int) -> None:
    """Print the URL of the app, and how to reach it from other machines."""
    name = f"[{host}]" if ":" in host else host
    if host in ("0.0.0.0", "::"):  # noqa: S104  browsers cannot open these addresses; show the host name
        name = socket.gethostname()
    url = access.public_url or f"http://{name}:{port}"
    lines = [f"latency-tui is at {url}/?token={access.token}", "Press Ctrl+C to stop."]
    if access.public_url:
        lines.append(f"Let the proxy pass requests and web sockets on to http://{name}:{port}.")
    if access.remote and url.startswith("http:"):
        lines.append("Note: the connection is not encrypted; use ssh -L, or a proxy with TLS in front of it.")
    elif not access.remote and not access.public_url and os.environ.get("SSH_CONNECTION"):
        lines.append(f"From your own machine first: ssh -L {port}:{name}:{port} {socket.gethostname()}")
    with contextlib.suppress(OSError):  # stdout is closed: serve anyway
        print("\n".join(lines), flush=True)  # noqa: T201  the only output of the server
