"""Writes and reads the messages of `protocol` as lines of JSON."""

from __future__ import annotations

from functools import cache

import msgspec

from latency_tui.engine.protocol import Command, Event

_encoder = msgspec.json.Encoder()


@cache
def _command_decoder() -> msgspec.json.Decoder[Command]:
    return msgspec.json.Decoder(Command)


@cache
def _event_decoder() -> msgspec.json.Decoder[Event]:
    """Return the decoder, created when the first event arrives: each process needs one, and the first frame none."""
    return msgspec.json.Decoder(Event)


def encode(message: Command | Event) -> bytes:
    """Return one line, with its newline."""
    return _encoder.encode(message) + b"\n"


def decode_command(line: bytes) -> Command:
    """Read a command; raises `msgspec.ValidationError` or `msgspec.DecodeError` if it is invalid."""
    return _command_decoder().decode(line)


def decode_event(line: bytes) -> Event:
    """Read an event; raises `msgspec.ValidationError` or `msgspec.DecodeError` if it is invalid."""
    return _event_decoder().decode(line)
