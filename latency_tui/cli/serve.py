"""The `latency-tui serve` command: serves the app to a browser, protected by a token that it prints."""

from __future__ import annotations

import sys
from typing import Any

import click

from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.interrupt import watched_signals
from latency_tui.cli.options import format_arguments, make_plan, measuring_options
from latency_tui.errors import UsageError
from latency_tui.tui.browser_tab import is_browser_tab


@click.command(name="serve", short_help="Serve the app to a browser.")
@measuring_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 for a free one.")
@click.option("--public-url", metavar="URL", help="The address that browsers see, if the server is behind a proxy.")
@click.option("--allow-remote", is_flag=True, help="Allow an address that other machines can reach.")
def command(host: str, port: int, public_url: str | None, allow_remote: bool, **values: Any) -> int:  # Any: click's
    """Serve the app to a browser at the address that is printed.

    Anyone who can reach the port and has the token runs this program as you. By default the server therefore accepts
    connections from this machine only. From another machine, use ssh -L 8000:127.0.0.1:8000.
    """
    if is_browser_tab():
        raise UsageError("latency-tui serve cannot run inside textual serve; use: textual serve latency-tui.")
    make_plan(values, read_configuration(values), lenient=True)  # report invalid options here, not in every tab

    from latency_tui.serve.access import check_address, check_public_url

    remote = check_address(host, allow_remote=allow_remote)
    public_url = check_public_url(public_url) if public_url else None
    from latency_tui.serve.main import serve  # deferred: aiohttp, Jinja and Rich, 400 ms

    arguments = [sys.executable, "-P", "-m", "latency_tui.cli", *format_arguments(values)]
    return serve(arguments, host=host, port=port, public_url=public_url, remote=remote, signals=watched_signals())
