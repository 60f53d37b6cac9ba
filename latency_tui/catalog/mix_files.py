"""Reads the value of `--mix`: shares and batch sizes, or a file with one recorded batch size per line."""

from __future__ import annotations

from pathlib import Path

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.errors import UsageError
from latency_tui.plan.mix import MAX_BATCH_SIZE, Mix, mix_of, parse_mix

MAX_REQUESTS = 100_000
"""Most recorded requests, the length of the longest sequence of requests."""
_MAX_BYTES = 2_000_000


def read_mix(text: str) -> Mix:
    """Return the mix of a text such as `0.8:1,0.2:64`, or of a file of batch sizes.

    Raises:
        UsageError: The text or the file is invalid; the message has the reason.
    """
    path = Path(text)
    try:
        is_file = path.exists()
    except (OSError, ValueError):  # too long for a name, or a null character
        is_file = False
    if is_file or (":" not in text and any(sign in text for sign in "./\\")):
        return mix_of(_read_batch_sizes(path))
    return parse_mix(text)


def _read_batch_sizes(path: Path) -> list[int]:
    content = read_whole(path, _MAX_BYTES, wanted="batch size")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file; write one batch size per line.") from None
    found = []
    for number, line in enumerate(lines, 1):
        size = line.strip()
        if not size or size.startswith("#"):
            continue
        if not (size.isascii() and size.isdigit() and len(size) <= 9 and 1 <= int(size) <= MAX_BATCH_SIZE):
            raise UsageError(
                f"{path}:{number}: a batch size must be a whole number from 1 to {MAX_BATCH_SIZE:,}, not {size[:40]!r}."
            )
        found.append(int(size))
    if len(found) > MAX_REQUESTS:
        raise UsageError(
            f"{path} has {len(found):,} batch sizes, more than {MAX_REQUESTS:,}; take a random sample of the lines."
        )
    if not found:
        raise UsageError(f"{path} has no batch size; write one per line.")
    return found
