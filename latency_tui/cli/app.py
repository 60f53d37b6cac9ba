"""The `latency-tui` command without a subcommand: opens the app and prints its last result on exit."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from latency_tui.catalog.resolve import extend_trust, listed_models
from latency_tui.catalog.trust_store import remember
from latency_tui.cli.encoding import is_utf8
from latency_tui.cli.group import print_error
from latency_tui.cli.history_options import history_path
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.options import Values, make_plan
from latency_tui.cli.output import emit, is_terminal, terminal_style
from latency_tui.engine.memory_limit import check_memory_limit
from latency_tui.errors import UsageError
from latency_tui.tui.browser_tab import is_browser_tab, use_terminal


def check_screen() -> None:
    """Check that the terminal can show the characters that the app draws.

    Raises:
        UsageError: The encoding of the terminal is not UTF-8.
    """
    if sys.__stderr__ is None or is_utf8(sys.__stderr__.encoding):
        return
    remedy = next(
        (f"unset {name}" for name in ("PYTHONIOENCODING", "PYTHONUTF8") if os.environ.get(name)), "set LC_ALL=C.UTF-8"
    )
    raise UsageError(
        f"The app needs a UTF-8 terminal, but the encoding is {sys.__stderr__.encoding}: {remedy}, "
        "or use latency-tui run, which works without a screen."
    )


def open_app(values: Values, reference: str = "") -> int:
    """Open the app with the options filled in, and print its last result as a table on exit.

    Args:
        values: The options.
        reference: A saved result to show: a file, or a result of the history; empty for none.

    Returns:
        The exit code.

    Raises:
        UsageError: An option is invalid, the saved result cannot be read, or stdin and stderr are not a terminal.
        EngineError: The memory of this process is limited to too little.
    """
    check_memory_limit(screen=True)
    configuration = read_configuration(values)
    path = history_path(values, configuration)
    saved = None
    if reference:
        from latency_tui.cli.open_result import find_result  # deferred: only with a result in place of a command

        saved = find_result(reference, path)
    plan = make_plan(values, configuration, lenient=True)
    remember(plan.candidates, plan.trust)
    listed = listed_models(plan.workload.dataset, configuration)
    plan = msgspec.structs.replace(plan, trust=extend_trust(plan.trust, configuration.models(), configuration))
    served = is_browser_tab()
    # Textual reads stdin and draws on stderr. Stdout may be a file, which receives the table.
    if not served and not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError("The app needs a terminal; use latency-tui run, which works without one.")
    if not served:
        use_terminal()
        check_screen()

    gc.disable()  # until the first frame, which then appears 40 ms earlier; objects created by then are long-lived
    from latency_tui.engine.client import Engine  # deferred: asyncio, which Textual imports too
    from latency_tui.tui.app import LatencyApp  # deferred: 120 ms, most of it Textual

    engine = partial(Engine, modules=[configuration.folder])
    app = LatencyApp(plan, listed, configuration=configuration, engine_factory=engine, history=path, saved=saved)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Textual must restore the terminal
    try:
        app.run()
    finally:
        app.keep_results(terminated=bool(app.exit_code or sys.exc_info()[0]))
    if served:  # in a browser tab, stdout is the connection to the browser
        return app.exit_code
    hosts = app.hosts_result
    if app.last_result is not None and not (hosts and any(one.result is app.last_result for one in hosts.hosts)):
        from latency_tui.report import pieces

        width, colour = terminal_style()
        emit(pieces(app.last_result, width=width, colour=colour))
    if hosts is not None:
        from latency_tui.report.hosts import hosts_pieces

        width, colour = terminal_style()
        emit(hosts_pieces(hosts, width=width, colour=colour))
    if app.exit_code:
        print_error(_describe_kept_results(app.kept_files, app.kept_ids))
    return app.exit_code


def _describe_kept_results(files: Sequence[Path], ids: Sequence[str]) -> str:
    count = max(len(files), len(ids)) - 1
    earlier = f"{count} earlier {'result' if count == 1 else 'results'}"
    if ids:
        others = f"; so {'is' if count == 1 else 'are'} {earlier}" if count else ""
        return f"The app was terminated; the result is kept: 'latency-tui history show {ids[-1]}' shows it{others}."
    if not files:
        return "The app was terminated before anything was measured."
    others = f", and {earlier} in the same folder" if count else ""
    return f"The app was terminated; the result was saved to {files[-1]}{others}."
