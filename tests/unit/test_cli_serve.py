"""Who may come in, rule by rule; tests/browser asks a real server."""

from __future__ import annotations

import pytest

from latency_tui.errors import UsageError
from latency_tui.serve.access import Access, check_address, check_public_url, content_security

LOCAL = Access(token="secret", session="cookie")
PUBLIC = Access(token="secret", public_url="https://latency.example.org")
REMOTE = Access(token="secret", remote=True, names=frozenset({"box", "box.example.org"}))


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:9000", "[::1]:8000"])
def test_loopback_names_are_ours_whatever_the_port(host: str) -> None:
    assert LOCAL.refuse_host(host) is None


@pytest.mark.parametrize(
    "host",
    [
        *(None, "", "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.1", "user@localhost"),
        *("localhost/..", "[::1", "localhost:port", "localhost evil", "localhost,evil", "0.0.0.0"),
        *("\udcff\udcfe", "localhost\udcff", "löcalhost"),
    ],
)
def test_other_names_are_not(host: str | None) -> None:
    assert LOCAL.refuse_host(host)


def test_the_proxys_name_counts_where_there_is_one() -> None:
    assert PUBLIC.refuse_host("latency.example.org") is None
    assert LOCAL.refuse_host("latency.example.org")


def test_remote_takes_addresses_and_its_own_names_only() -> None:
    for host in ("192.0.2.1:8000", "[2001:db8::1]:8000", "box", "box.example.org:8000", "localhost"):
        assert REMOTE.refuse_host(host) is None
    assert REMOTE.refuse_host("evil.example")


def test_an_origin_must_be_that_of_the_page_we_served() -> None:
    assert LOCAL.refuse_origin(None, "localhost:8000") is None
    assert LOCAL.refuse_origin("http://localhost:8000", "localhost:8000") is None
    assert LOCAL.refuse_origin("http://localhost", "localhost:80") is None
    assert PUBLIC.refuse_origin("https://latency.example.org", "127.0.0.1:8000") is None
    for origin in (
        "http://localhost:8001",
        "http://127.0.0.1:8000",
        "null",
        "",
        "https://latency.example.org",
        "http://",
    ):
        assert LOCAL.refuse_origin(origin, "localhost:8000")


def test_only_the_token_is_the_token() -> None:
    assert LOCAL.is_token("secret")
    for guess in (None, "", "secre", "secrets", "SECRET", "sécret", "\udcff", "cookie"):
        assert not LOCAL.is_token(guess)


def test_only_what_the_token_was_exchanged_for_is_the_session() -> None:
    assert LOCAL.is_session_secret("cookie")
    for guess in (None, "", "cooki", "\udcff", "secret"):
        assert not LOCAL.is_session_secret(guess)


def test_the_token_is_not_in_what_is_logged() -> None:
    assert "secret" not in repr(LOCAL)
    assert "cookie" not in repr(LOCAL)


def test_a_host_header_cannot_write_into_the_policy() -> None:
    assert "evil" not in content_security({"Host": "x; script-src evil"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_leave(host: str) -> None:
    assert check_address(host, allow_remote=False) is False


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_addresses_do(host: str) -> None:
    assert check_address(host, allow_remote=True) is True
    with pytest.raises(UsageError, match="runs this program as you"):
        check_address(host, allow_remote=False)


@pytest.mark.parametrize(
    ("url", "kept"), [("https://a.example", "https://a.example"), ("http://a.example:81/", "http://a.example:81")]
)
def test_public_urls(url: str, kept: str) -> None:
    assert check_public_url(url) == kept


@pytest.mark.parametrize(
    "url", ["a.example", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u:p@a", "https://a:b"]
)
def test_public_urls_that_are_none(url: str) -> None:
    with pytest.raises(UsageError, match="public URL"):
        check_public_url(url)
