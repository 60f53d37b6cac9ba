"""Reads the first bytes of a file to identify its format."""

from __future__ import annotations

from pathlib import Path

from latency_tui.catalog.bounded_reading import open_regular, read_up_to
from latency_tui.errors import UsageError

_LFS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_REFUSALS = (b"not found", b"404: not found", b"entry not found", b'{"message":"not found')
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body")


def read_head(path: Path, size: int, *, wanted: str) -> bytes:
    """Return the first bytes of a file, which is not empty.

    Args:
        path: The file.
        size: Maximum number of bytes.
        wanted: The expected kind of file for messages: `model` or `data`.

    Raises:
        UsageError: The file is empty or a placeholder (a Git LFS pointer, a web page, an unfinished download), or
            `open_regular` refused it.
    """
    with open_regular(path, wanted=wanted) as file:
        head = read_up_to(file, size, path)
    if not head:
        raise UsageError(f"{path} is empty.")
    if placeholder := _describe_placeholder(path, head):
        raise UsageError(f"{path} is {placeholder}.")
    return head


def _describe_placeholder(path: Path, head: bytes) -> str:
    """Return what kind of placeholder a file is and what to do; empty if the file is no placeholder."""
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_LFS):
        return "a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`"
    if start.startswith((b"/annex/objects/", b"../.git/annex/objects/", b".git/annex/objects/")):
        return "a git-annex pointer, not the file itself; fetch the file with `git annex get`"
    if path.suffix == ".dvc" or start.startswith((b"outs:\n- md5:", b"outs:\n- hash:", b"md5: ")):
        return "a DVC pointer, not the file itself; fetch the file with `dvc pull` and name that"
    if start.startswith(_PAGE):
        return "a web page (HTML), not the file itself; download the file (on GitHub: Raw, or Download)"
    if b"<error><code>" in start or start.startswith(_REFUSALS):
        return "an error message of a server, not the file itself; download the file again"
    if len(head) >= 16 and not head.strip(b"\0"):
        return "filled with zeros: its download or copy did not finish; get the file again"
    return ""
