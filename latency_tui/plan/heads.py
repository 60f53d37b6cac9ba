"""Opens a file that someone named, far enough to see what it is."""

from __future__ import annotations

from pathlib import Path

from latency_tui.errors import UsageError

_LFS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_REFUSALS = (b"not found", b"404: not found", b"entry not found", b'{"message":"not found')
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body")


def head_of(path: Path, size: int, *, wanted: str) -> bytes:
    """Return the first bytes of a file, at least one and at most so many.

    Args:
        path: The file.
        size: How many bytes are enough.
        wanted: What it was taken for: a model, or data.

    Raises:
        UsageError: It is not there, cannot be read, is empty, no file, or has a name that is not text; or it only
            stands for the file that was meant: a pointer of Git LFS, a web page, an unfinished download.
    """
    try:
        str(path).encode()  # plans and results are UTF-8, and name their files
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a {wanted} file.")
        if path.exists() and not path.is_file():  # a pipe would keep the reader waiting for ever
            raise UsageError(f"{path} is a pipe or a device, not a {wanted} file.")
        with path.open("rb") as file:
            head = file.read(size)
    except UnicodeEncodeError:
        shown = str(path).encode(errors="surrogateescape").decode(errors="replace")
        raise UsageError(f"The name of {shown} is not UTF-8; rename it, or make a link to it.") from None
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.") from None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    if not head:
        raise UsageError(f"{path} is empty.")
    if stand_in := _stand_in(path, head):
        raise UsageError(f"{path} is {stand_in}.")
    return head


def _stand_in(path: Path, head: bytes) -> str:
    """Return what a file is that only stands for the one that was meant, and what to do; empty if it does not."""
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
