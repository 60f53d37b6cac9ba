"""Encodes a result as one compressed document and chunks of compressed arrays, without loss."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.result.json_arrays import Integers, decode_row, to_builtin
from latency_tui.result.result import Result

CHUNK = 50_000
"""Numbers per chunk."""
MAX_INLINE = 256
"""Largest array that is a part of the document, so that it is also there if samples are not read."""
_HEADER = struct.Struct("<cBI")
"""Kind of the numbers, bytes per number, and count of a chunk."""
_LEVEL = 1
"""Compression level: higher levels take several times as long and save 3 %."""
_NANO = 1e-9
_WIDTHS = (1, 2, 4, 8)

Chunk = tuple[int, int, bytes]
"""Index of the array, position of the chunk in it, content."""


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    """A result without its arrays, which are stored as chunks.

    Attributes:
        result: The result; each long array in it is the index of a stored array.
        rounds: `CandidateResult.rounds` of each candidate, as arrays.
    """

    result: Result
    rounds: tuple[Integers, ...]


def encode(result: Result) -> tuple[bytes, list[Chunk]]:
    """Return the compressed document of a result, and the chunks of its arrays."""
    arrays: list[NDArray[Any]] = []

    def encode_as_index(array: Any) -> Any:  # Any: msgspec calls the hook with every type that it does not know
        if not isinstance(array, np.ndarray) or array.size <= MAX_INLINE:
            return to_builtin(array)
        arrays.append(array)
        return len(arrays) - 1

    bare = tuple(msgspec.structs.replace(candidate, rounds=()) for candidate in result.candidates)
    document = _Document(
        result=msgspec.structs.replace(result, candidates=bare),
        rounds=tuple(np.asarray(candidate.rounds, dtype=np.int64) for candidate in result.candidates),
    )
    content = zlib.compress(msgspec.json.encode(document, enc_hook=encode_as_index))
    return content, [
        (index, position, _pack(array[start : start + CHUNK]))
        for index, array in enumerate(arrays)
        for position, start in enumerate(range(0, max(array.size, 1), CHUNK))
    ]


def decode(content: bytes, read: Callable[[int], Sequence[bytes]] | None) -> Result:
    """Return the result of a document.

    Args:
        content: The compressed document.
        read: Returns the chunks of an array, in order; None for a result without samples.

    Raises:
        ValueError: The content is damaged.
    """

    def resolve(kind: Any, index: Any) -> Any:  # Any: msgspec calls the hook with every type that it does not know
        if isinstance(index, list):
            return decode_row(kind, index)
        array = np.concatenate([_unpack(chunk) for chunk in read(int(index))]) if read else np.empty(0, dtype=np.int64)
        return decode_row(kind, array)

    try:
        document = msgspec.json.decode(zlib.decompress(content), type=_Document, dec_hook=resolve)
        result = document.result
        if read is None:
            return result.without_samples()
        pairs = zip(result.candidates, document.rounds, strict=True)
        whole = tuple(msgspec.structs.replace(one, rounds=tuple(rounds.tolist())) for one, rounds in pairs)
        return msgspec.structs.replace(result, candidates=whole)
    except (zlib.error, struct.error, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from error


def _pack(values: NDArray[Any]) -> bytes:
    """Return an array as compressed bytes; integers and whole nanoseconds take as few bytes per number as possible."""
    kind, whole = _as_integers(values)
    if whole is None:
        kind, width, columns = b"f", 8, np.ascontiguousarray(values, dtype="<f8").view(np.uint8)
    else:
        width = next(width for width in _WIDTHS if width == 8 or whole.max(initial=0) < 1 << 8 * width)
        columns = whole.astype(f"<u{width}").view(np.uint8)
    shuffled = columns.reshape(-1, width).T.tobytes()  # groups bytes by significance, which compresses better
    return _HEADER.pack(kind, width, values.size) + zlib.compress(shuffled, _LEVEL)


def _as_integers(values: NDArray[Any]) -> tuple[bytes, NDArray[np.int64] | None]:
    """Return the kind of an array, and its values as non-negative integers; None if that would lose information."""
    if values.dtype.kind in "iu":
        if values.size > 1 and (np.diff(values) >= 0).all() and values[0] >= 0:  # such as starts of blocks
            return b"d", np.diff(values, prepend=0).astype(np.int64)
        return b"i", values.astype(np.int64) if values.min(initial=0) >= 0 else None
    with np.errstate(all="ignore"):
        nanoseconds = np.rint(values / _NANO)
        fits = bool((np.abs(nanoseconds) < 2**53).all()) and (nanoseconds >= 0).all()
    if fits and np.array_equal(nanoseconds * _NANO, values):
        return b"n", nanoseconds.astype(np.int64)
    return b"f", None


def _unpack(content: bytes) -> NDArray[Any]:
    kind, width, count = _HEADER.unpack_from(content)
    if width not in _WIDTHS:
        raise ValueError(f"numbers of {width} bytes")
    columns = np.frombuffer(zlib.decompress(memoryview(content)[_HEADER.size :]), dtype=np.uint8)
    flat = np.ascontiguousarray(columns.reshape(width, count).T).ravel()
    if kind == b"f":
        return flat.view("<f8").astype(np.float64)
    whole = flat.view(f"<u{width}").astype(np.int64)
    if kind == b"n":
        return np.multiply(whole, _NANO, dtype=np.float64)
    if kind not in (b"d", b"i"):
        raise ValueError(f"numbers of the kind {kind!r}")
    return np.cumsum(whole) if kind == b"d" else whole
