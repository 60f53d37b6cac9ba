"""The HTTP server: textual-serve's routes and protocol with the access control of `access`.

The terminal's script and style, the protocol and the downloads are textual-serve's. The following are replaced: access
control, which it lacks; the page, which loads a font from the internet; the end of sessions; and the shutdown, which
waits for open tabs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from weakref import WeakSet

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.server import Server as TextualServer
from textual_serve.server import to_int

from latency_tui.serve.access import Access, content_security
from latency_tui.serve.tab_process import Session
from latency_tui.tui.browser_tab import clamp_size

STATIC = Path(__file__).parent / "static"
CLOSING_SECONDS = 0.5
"""Time limit for a tab to confirm that its socket is closing."""
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MAX_STAMP = 40
_MAX_FONT = 1000
_REDIRECT_PAGE = (
    '<!doctype html><meta http-equiv="refresh" content="0; url={address}"><a href="{address}">latency-tui</a>\n'
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class Server(TextualServer):
    """Serves one command to browsers that have the token.

    Args:
        arguments: The command line of the app.
        access: The access rules.
        port: The port on which the server listens.
    """

    def __init__(self, arguments: Sequence[str], access: Access, port: int) -> None:
        super().__init__("latency-tui", port=port)
        self._arguments = tuple(arguments)
        self._access = access
        self._sockets: WeakSet[web.WebSocketResponse] = WeakSet()
        self._sessions: WeakSet[Session] = WeakSet()

    @property
    def cookie(self) -> str:
        """The name of the cookie; it contains the port, because browsers share cookies between ports."""
        return f"latency-tui-{self.port}"

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self.handle_index, name="index"),
                web.get("/ws", self.handle_websocket, name="websocket"),
                web.get("/download/{key}", self.handle_download, name="download"),
                web.static("/static", self.statics_path, name="static"),
                web.static("/page", STATIC, name="page"),
            ]
        )
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self._close_sockets)
        app.on_cleanup.append(self._end_sessions)
        return app

    async def application(self) -> web.Application:
        """Return the aiohttp application."""
        return await self._make_app()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        refusal = self._access.refuse_host(host) or self._access.refuse_origin(origin, host)
        has_token = request.path == "/" and self._access.is_token(request.query.get("token"))
        if refusal is None and not has_token and not self._access.is_session_secret(request.cookies.get(self.cookie)):
            refusal = "Open the address that latency-tui serve printed when it started, with its token."
        if refusal is not None:
            response = web.Response(status=403, text=f"{refusal}\n")
            response.force_close()  # refused clients must not keep a connection
            return response
        return await handler(request)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Return the page; if the URL has the token, set the cookie and redirect to the URL without it."""
        response: web.StreamResponse
        if "token" not in request.query:
            response = web.FileResponse(STATIC / "page.html")
        elif request.headers.get("Sec-Fetch-Site") == "cross-site":
            # The user followed a link on another site. Browsers then omit SameSite=Strict cookies, also after a
            # redirect, so a page of this server loads the URL.
            response = web.Response(
                text=_REDIRECT_PAGE.format(address=_without_token(request)), content_type="text/html"
            )
        else:
            response = web.Response(status=303, headers={"Location": _without_token(request)})
        secure = request.secure or (self._access.public_url or "").startswith("https:")
        response.set_cookie(
            self.cookie, self._access.session, httponly=True, samesite="Strict", secure=secure, path="/"
        )
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the app while the tab is open."""
        socket = web.WebSocketResponse(heartbeat=15, timeout=CLOSING_SECONDS)
        width, height = (
            clamp_size(to_int(request.query.get(name, ""), fallback), fallback) for name, fallback in _SIZES
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        session = Session(
            self._arguments,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=socket.close,
            download_manager=self.download_manager,
        )
        self._sessions.add(session)
        try:
            await session.start(width, height)
            await self._process_messages(socket, session)
        except OSError as error:
            log.error("The app could not be started: %s.", error.strerror or error)
        finally:
            await asyncio.shield(session.stop())
            with contextlib.suppress(ConnectionError, RuntimeError):
                await socket.close()
        return socket

    async def _process_messages(self, websocket: web.WebSocketResponse, app_service: AppService) -> None:
        async for message in websocket:
            try:
                await self._process(message, websocket, app_service)
            except (ValueError, RecursionError):
                await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"Invalid message.")
            except (ConnectionError, RuntimeError):  # the tab or the app has just closed
                return

    async def _process(self, message: WSMessage, socket: web.WebSocketResponse, session: AppService) -> None:
        """Handle a message from the page; raises `ValueError` or `RecursionError` if it is invalid."""
        if message.type != WSMsgType.TEXT:
            raise ValueError(message.type)
        match json.loads(message.data):
            case ["stdin", str(text)]:
                await session.send_bytes(text.encode("utf-8", "replace"))
            case ["resize", {"width": int() | float() as width, "height": int() | float() as height}]:
                await session.set_terminal_size(_size(width), _size(height))
            case ["ping", str() | int() | float() as stamp] if len(str(stamp)) <= _MAX_STAMP:
                await socket.send_json(["pong", stamp])
            case [("focus" | "blur") as kind, *_]:
                await session.send_meta({"type": kind})
            case _:
                raise ValueError(message.data[:100])

    async def _close_sockets(self, _app: web.Application) -> None:
        closing = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"The server ends.") for socket in self._sockets]
        await asyncio.gather(*closing, return_exceptions=True)

    async def _end_sessions(self, _app: web.Application) -> None:
        """End the sessions that still run after their sockets have been closed."""
        for session in self._sessions:
            session.kill()


_SIZES = (("width", 80), ("height", 24))


def _size(number: float) -> int:
    """Return a valid number of columns or rows; raises `ValueError` for infinity and NaN."""
    if not math.isfinite(number):
        raise ValueError(number)
    return clamp_size(number, 1)


def _without_token(request: web.Request) -> str:
    """Return the requested URL without the token; only the page's font size is kept."""
    font = to_int(request.query.get("fontsize", ""), 0)
    return f"/?fontsize={font}" if 0 < font < _MAX_FONT else "/"


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = content_security(request.headers)
