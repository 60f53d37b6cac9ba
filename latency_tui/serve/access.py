"""Who may come in. Pure rules over a request's headers, so that each can be tested without a server.

Whoever reaches the app runs this program as its user, and a page of any web site can make the user's browser send
requests to 127.0.0.1. Three rules, all of which must hold:

- Host: the name that the browser believes to be talking to is one of ours. A site that lets its own name point to
  127.0.0.1 (DNS rebinding) fails here.
- Origin: where a browser says which page asks, that page is ours. A foreign page that opens a web socket fails here.
- Token: a secret of this run in the printed address, which is exchanged for another one in a cookie. Other users of
  the machine, and programs, fail here.
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
        token: The secret in the printed address, good for the page only.
        session: The secret in the cookie, good for everything.
        remote: Whether the server listens on more than loopback; then it may be called by any address of the machine.
        public_url: Scheme, host and port that browsers see, where a proxy stands before the server.
        names: Further host names that are ours.
    """

    token: str = field(repr=False)
    session: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))
    remote: bool = False
    public_url: str | None = None
    names: frozenset[str] = frozenset()

    def refuse_host(self, host: str | None) -> str | None:
        """Return why a request with that Host header is refused, or None where it is not.

        The port is left alone: a tunnel (`ssh -L 9000:localhost:8000`) changes it, and rebinding needs a name.
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
        """Return why a request from a page of that origin is refused, or None where it is not.

        No Origin at all is what programs, and a browser's address bar, send: the token judges those.
        """
        if origin is None:
            return None
        if self.public_url is not None and _same(origin, self.public_url):
            return None
        if host and any(_same(origin, f"{scheme}://{host}") for scheme in ("http", "https")):
            return None
        return "Pages of another origin may not use this server."

    def knows_token(self, candidate: str | None) -> bool:
        """Return whether what stands in an address is the token."""
        return _equal(candidate, self.token)

    def knows_session(self, candidate: str | None) -> bool:
        """Return whether what stands in a cookie is the secret that the token was exchanged for."""
        return _equal(candidate, self.session)

    @property
    def _public_name(self) -> str | None:
        return urlsplit(self.public_url).hostname if self.public_url else None


def content_security(headers: Mapping[str, str]) -> str:
    """Return the Content-Security-Policy of an answer to a request with these headers.

    Everything comes from this server and from nowhere else. Styles are the exception: the terminal in the page
    (xterm.js) makes style elements as it goes. The web socket is named because Safari does not count it as 'self'.
    """
    host = headers.get("Host", "")
    sockets = f" ws://{host} wss://{host}" if _name_of(host) else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def check_address(host: str, *, allow_remote: bool) -> bool:
    """Return whether other machines can reach that address.

    Raises:
        UsageError: They can and nobody allowed it, or there is no such address.
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
        UsageError: It is no http or https URL, or has a path: the terminal's script asks for downloads at the root.
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
    """Return the names that this machine goes by."""
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
    """Compare in constant time; bytes that are no UTF-8 come as surrogates, and are not equal to anything."""
    return bool(candidate) and hmac.compare_digest(str(candidate).encode("utf-8", "surrogatepass"), ours.encode())


def _name_of(host: str | None) -> str | None:
    """Return the host of a Host header without its port, lower case; None where it makes no sense."""
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
