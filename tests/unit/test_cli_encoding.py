"""What is written where an encoding lacks a character."""

from __future__ import annotations

import json

import pytest

from latency_tui.cli.encoding import JSON_ESCAPES, PLAIN, is_utf8


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("103 µs, 1.2× (1.1–1.3)", "103 us, 1.2x (1.1-1.3)"),
        ("p99 ≥ 188 µs", "p99 >=188 us"),
        ("≥ is a lower bound", ">= is a lower bound"),
        ("── ━━", "-- =="),
        ("modèle n° 1 …", "modele n? 1 ..."),
        ("模型", "??"),
        ("\ud800", "?"),
    ],
)
def test_signs_have_words_in_ascii(text: str, plain: str) -> None:
    assert text.encode("ascii", PLAIN).decode() == plain


def test_what_an_encoding_has_is_left_alone() -> None:
    assert "µ×é≥ 1".encode("latin-1", PLAIN) == "µ×é>=1".encode("latin-1")
    assert "µ≥ 1".encode("utf-8", PLAIN) == "µ≥ 1".encode()


def test_json_keeps_every_character() -> None:
    text = json.dumps({"name": "µ≥模 😀"}, ensure_ascii=False)
    assert json.loads(text.encode("ascii", JSON_ESCAPES)) == {"name": "µ≥模 😀"}


def test_which_encodings_hold_everything() -> None:
    assert is_utf8("UTF8")
    for name in ("latin-1", "ascii", "cp1252", "no such encoding", "", None):
        assert not is_utf8(name)
