"""Access control: decides by a request's headers whether it is allowed. Pure functions, tested without a server.

A client that reaches the app can run code as its user, and a page of any web site can make the user's browser send
requests to 127.0.0.1. A request is allowed if all three rules hold:

- Host: the Host header names this server. This rejects DNS rebinding, a foreign name that resolves to 127.0.0.1.
- Origin: the Origin header, if there is one, is this server's. This rejects web sockets that foreign pages open.
- Token: the printed URL contains a secret of this run, which is exchanged for another secret in a cookie. This
  rejects other users of the machine and other programs.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from latency_tui.errors import UsageError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class Access:
    """The rules of one server.

    Attributes:
        token: The secret in the printed URL; it gives access to the page only.
        session: The secret in the cookie; it gives access to everything.
        remote: Whether the server listens on other addresses than loopback; the Host header may then be any IP address.
        public_url: Scheme, host and port that browsers see if the server is behind a proxy; None without a proxy.
        names: Additional host names of this server.
    """

    token: str = field(repr=False)
    session: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))
    remote: bool = False
    public_url: str | None = None
    names: frozenset[str] = frozenset()

    def refuse_host(self, host: str | None) -> str | None:
        """Return why a request with this Host header is refused; None if it is allowed.

        The port is ignored, because a tunnel (`ssh -L 9000:localhost:8000`) changes it. DNS rebinding needs a name.
        """
        name = _name_of(host)
        if name is None:
            return "The request does not say which host it is meant for."
        if name in LOOPBACK_NAMES or name in self.names or name == self._public_name:
            return None
        if self.remote and _is_address(name):
            return None
        return f"This server is not {name}; open the address that latency-tui serve printed."

    def refuse_origin(self, origin: str | None, host: str | None) -> str | None:
        """Return why a request from a page of this origin is refused; None if it is allowed.

        Requests from programs and from a browser's address bar have no Origin; they are allowed by their token.
        """
        if origin is None:
            return None
        if self.public_url is not None and _same(origin, self.public_url):
            return None
        if host and any(_same(origin, f"{scheme}://{host}") for scheme in ("http", "https")):
            return None
        return "Pages of another origin may not use this server."

    def is_token(self, candidate: str | None) -> bool:
        """Return whether a value from a URL is the token."""
        return _equal(candidate, self.token)

    def is_session_secret(self, candidate: str | None) -> bool:
        """Return whether the value of a cookie is the session's secret."""
        return _equal(candidate, self.session)

    @property
    def _public_name(self) -> str | None:
        return urlsplit(self.public_url).hostname if self.public_url else None


def content_security(headers: Mapping[str, str]) -> str:
    """Return the Content-Security-Policy of the response to a request with these headers.

    Everything must come from this server. Inline styles are allowed because the terminal in the page (xterm.js)
    creates style elements. The web socket is listed because Safari does not include it in 'self'.
    """
    host = headers.get("Host", "")
    sockets = f" ws://{host} wss://{host}" if _name_of(host) else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def check_address(host: str, *, allow_remote: bool) -> bool:
    """Return whether other machines can reach an address.

    Raises:
        UsageError: They can but `allow_remote` is not set, or the address does not exist.
    """
    if _is_loopback(host):
        return False
    if not allow_remote:
        raise UsageError(
            f"{host} can be reached from other machines, and whoever reaches the port runs this program as you: "
            "add --allow-remote if you mean it, or keep 127.0.0.1 and come through ssh -L."
        )
    return True


def check_public_url(url: str) -> str:
    """Return scheme, host and port of a public URL.

    Raises:
        UsageError: It is not an http or https URL, or has a path; the terminal's script requests downloads at the root.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(f"The public URL must look like https://latency.example.org, not {url!r}.")
    if parts.path not in ("", "/"):
        raise UsageError(f"The public URL must end with its host or port; {parts.path} is a path.")
    return f"{parts.scheme}://{parts.netloc}"


def own_names() -> frozenset[str]:
    """Return the host names of this machine."""
    name = socket.gethostname().lower()
    return frozenset({name, name.partition(".")[0], f"{name.partition('.')[0]}.local", socket.getfqdn().lower()})


def _is_loopback(host: str) -> bool:
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as error:
        raise UsageError(f"There is no address {host!r} to listen on.") from error
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _equal(candidate: str | None, ours: str) -> bool:
    """Compare in constant time. Bytes that are not valid UTF-8 arrive as surrogates and never compare equal."""
    return bool(candidate) and hmac.compare_digest(str(candidate).encode("utf-8", "surrogatepass"), ours.encode())


def _name_of(host: str | None) -> str | None:
    """Return the host of a Host header in lower case, without its port; None if the header is invalid."""
    if not host or not host.isascii() or any(character in host for character in "/@?#\\ \t;,'\""):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname


def _same(one: str, other: str) -> bool:
    return _origin(one) == _origin(other) is not None


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None
