"""`latency-tui` without a command: the app, and its last table on the shell when it is left."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from latency_tui.catalog.resolve import listed_models, trust_of_listed
from latency_tui.cli.encoding import is_utf8
from latency_tui.cli.group import print_error
from latency_tui.cli.input_options import configuration_of
from latency_tui.cli.options import Values, make_plan
from latency_tui.cli.stdout import emit, is_terminal, terminal_style
from latency_tui.errors import UsageError
from latency_tui.tui.tab import forget_tab, in_tab


def check_screen() -> None:
    """Refuse a terminal whose encoding lacks most of what the app draws.

    Raises:
        UsageError: It is not UTF-8.
    """
    if sys.__stderr__ is None or is_utf8(sys.__stderr__.encoding):
        return
    remedy = next(
        (f"unset {name}" for name in ("PYTHONIOENCODING", "PYTHONUTF8") if os.environ.get(name)), "set LC_ALL=C.UTF-8"
    )
    raise UsageError(
        f"The app draws in UTF-8, and the encoding here is {sys.__stderr__.encoding}: {remedy}; "
        "latency-tui run measures without a screen."
    )


def open_app(values: Values) -> int:
    """Open the app with the options filled in; print the last table when it is left, so that the answer survives.

    Raises:
        UsageError: An option makes no sense, or there is no terminal to open in.
    """
    plan, configuration = make_plan(values, lenient=True), configuration_of(values)
    listed = listed_models(plan.workload.dataset, configuration)
    plan = msgspec.structs.replace(plan, trust=trust_of_listed(plan.trust, configuration.models(), configuration))
    served = in_tab()
    # Textual reads stdin and draws on stderr, so that stdout may well be a file: it gets the table.
    if not served and not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError("The app needs a terminal; latency-tui run measures without one.")
    if not served:
        forget_tab()
        check_screen()

    gc.disable()  # until the first frame, which is 40 ms earlier for it: all that is made till then stays
    from latency_tui.engine.client import Engine  # asyncio, which Textual brings too
    from latency_tui.tui.app import LatencyApp  # 120 ms, most of it Textual

    engine = partial(Engine, modules=[configuration.folder])
    app = LatencyApp(plan, listed, configuration=configuration, engine_factory=engine, spooled=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on a terminal has to be put back
    try:
        app.run()
    finally:
        if app.exit_code or sys.exc_info()[0]:
            app.keep_results()
        else:
            app.discard_samples()
    if served:  # in a tab stdout is the wire to the browser
        return app.exit_code
    if app.last_result is not None:
        from latency_tui.report import pieces

        width, colour = terminal_style()
        emit(pieces(app.last_result, width=width, colour=colour))
    if app.exit_code:
        print_error(_what_was_kept(app.kept))
    return app.exit_code


def _what_was_kept(files: Sequence[Path]) -> str:
    if not files:
        return "The app was ended; nothing had been measured."
    more = len(files) - 1
    others = f", and {more} earlier {'one' if more == 1 else 'ones'} beside it" if more else ""
    return f"The app was ended; the result was kept in {files[-1]}{others}."
