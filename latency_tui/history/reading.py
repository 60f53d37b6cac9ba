"""Reads saved results: files of latency-tui or of other tools, and results in the history."""

from __future__ import annotations

from pathlib import Path

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.errors import UsageError
from latency_tui.history.references import LAST, is_path
from latency_tui.history.store import History
from latency_tui.result.host_entries import measured_in, split_host
from latency_tui.result.hosts import HostsResult
from latency_tui.result.other_tools import Suite
from latency_tui.result.result import Result


def read_result(reference: str | Path, history: Path | None = None, *, samples: bool = True) -> Result:
    """Return the saved result that a reference names.

    Args:
        reference: The path of a file, or what `History.find` accepts: an id, a name, a tag, `last`, `last~2`. A file
            takes precedence over a name, and `last` over a file.
        history: The file of the history; None for the user's.
        samples: Whether samples are needed; without them, the history opens a long result faster.

    Raises:
        UsageError: There is no such result, it cannot be read, or another tool wrote it.
    """
    found = read_result_or_suite(reference, history, samples=samples)
    if isinstance(found, Suite):
        raise UsageError(f"{reference} is a result of {found.tool}; name a result of latency-tui.")
    return found


def measured_hosts(path: Path) -> list[str]:
    """Return the hosts that have a result in a file; none if it is not a file with results of several hosts.

    Raises:
        UsageError: The file cannot be read.
    """
    from latency_tui.result.result import MAX_BYTES, decode_head

    file, host = split_host(path)
    if host:
        return []
    content = read_whole(file, MAX_BYTES, wanted="result")
    try:
        return measured_in(decode_head(content, file).hosts or ())
    except UsageError:  # a file of another tool
        return []


def read_hosts(reference: str | Path) -> HostsResult | None:
    """Return the results of several hosts in a file; None if the reference is of one result.

    Raises:
        UsageError: The file cannot be read.
    """
    if not is_path(reference) or not measured_hosts(Path(reference).expanduser()):
        return None
    from latency_tui.result.hosts import decode_hosts  # deferred, as below
    from latency_tui.result.result import MAX_BYTES

    path = Path(reference).expanduser()
    return decode_hosts(read_whole(path, MAX_BYTES, wanted="result"), path)


def read_result_or_suite(reference: str | Path, history: Path | None = None, *, samples: bool = True) -> Result | Suite:
    """Return the saved result that a reference names, or the benchmarks in a file of another tool.

    Args:
        reference: As in `read_result`.
        history: The file of the history; None for the user's.
        samples: Whether samples are needed; without them, the history opens a long result faster.

    Raises:
        UsageError: There is no such result, or it cannot be read.
    """
    from latency_tui.result.other_tools.reading import read_file  # deferred: numpy, 0.1 s

    if is_path(reference):
        return read_file(Path(reference).expanduser())
    with History.open(history) as opened:
        try:
            return opened.load(opened.find(str(reference)), samples=samples)
        except UsageError as error:
            if LAST.fullmatch(str(reference)):
                raise
            raise UsageError(f"There is no file {reference}. {error}") from error
