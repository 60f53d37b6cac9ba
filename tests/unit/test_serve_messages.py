"""What a page may send over its socket, and what is refused; tests/browser sends some of it to a real server."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from aiohttp import WSMessage, WSMsgType

from latency_tui.serve.access import Access
from latency_tui.serve.server import Server

NOT_A_MESSAGE = [
    "",
    "{",
    "[]",
    "5",
    "null",
    '"stdin"',
    '{"stdin": "p"}',
    '["stdin"]',
    '["stdin", 5]',
    '["stdin", {"a": 1}]',
    '["stdin", "a", "b"]',
    '["nothing"]',
    '[["stdin"], "p"]',
    '["resize"]',
    '["resize", {}]',
    '["resize", [80, 24]]',
    '["resize", {"width": "a", "height": 1}]',
    '["resize", {"width": null, "height": 1}]',
    '["resize", {"width": 1e999, "height": 1}]',
    '["resize", {"width": 80, "height": -1e999}]',
    '["resize", {"width": NaN, "height": NaN}]',
    '["ping", {}]',
    '["ping", "' + "x" * 1000 + '"]',
    "[" * 100_000,
    '["stdin", ' + "[" * 50_000 + "]" * 50_000 + "]",
    '["resize", {"width": 1' + "0" * 5000 + ', "height": 1}]',
    '["stdin", "' + "\\ud800" + '"',
]


class Recorder:
    """Stands for the socket and for the session, and keeps what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    async def send_bytes(self, data: bytes) -> bool:
        self.done.append(data)
        return True

    async def send_meta(self, data: object) -> bool:
        self.done.append(data)
        return True

    async def set_terminal_size(self, width: int, height: int) -> None:
        self.done.append((width, height))

    async def send_json(self, data: object) -> None:
        self.done.append(data)


async def process(text: str, kind: WSMsgType = WSMsgType.TEXT) -> list[Any]:
    recorder = Recorder()
    server = Server(["app"], Access(token="secret"), port=8000)
    await server._process(WSMessage(kind, text, None), cast(Any, recorder), cast(Any, recorder))
    return recorder.done


@pytest.mark.parametrize("text", NOT_A_MESSAGE, ids=lambda text: text[:40])
async def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        await process(text)


async def test_a_binary_frame_is_no_message() -> None:
    with pytest.raises(ValueError):
        await process('["stdin", "p"]', WSMsgType.BINARY)


@pytest.mark.parametrize(
    ("message", "done"),
    [
        (["stdin", "pé"], "pé".encode()),
        (["stdin", "\ud800"], b"?"),
        (["resize", {"width": 80, "height": 24}], (80, 24)),
        (["resize", {"width": 80.5, "height": 1e300}], (80, 1000)),
        (["resize", {"width": -5, "height": 0}], (1, 1)),
        (["ping", "17"], ["pong", "17"]),
        (["ping", 1.5], ["pong", 1.5]),
        (["focus"], {"type": "focus"}),
        (["blur"], {"type": "blur"}),
    ],
)
async def test_messages_of_the_page_are_passed_on(message: object, done: object) -> None:
    assert await process(json.dumps(message)) == [done]
