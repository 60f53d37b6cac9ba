"""Encodes the entries of a journal as compressed batches."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from latency_tui.analysis.journal import Entry
from latency_tui.result.json_arrays import decode_row

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Entry]] = msgspec.msgpack.Decoder(list[Entry], dec_hook=decode_row)


def pack(entries: list[Entry]) -> bytes:
    """Return entries as one compressed batch."""
    return zlib.compress(_encoder.encode(entries), 1)


def unpack(batches: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of batches.

    Raises:
        ValueError: A batch is damaged.
    """
    for batch in batches:
        try:
            yield from _decoder.decode(zlib.decompress(batch))
        except (zlib.error, msgspec.MsgspecError) as error:
            raise ValueError(str(error)) from error
