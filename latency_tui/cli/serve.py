"""`latency-tui serve`: the app in a browser, for those who know the token that it prints."""

from __future__ import annotations

import sys
from typing import Any

import click

from latency_tui.cli.interrupt import watched_signals
from latency_tui.cli.options import make_plan, measuring_options, to_arguments
from latency_tui.errors import UsageError
from latency_tui.tui.tab import in_tab


@click.command(name="serve", short_help="Serve the app to a browser.")
@measuring_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 for a free one.")
@click.option("--public-url", metavar="URL", help="What browsers see, where a proxy stands before the server.")
@click.option("--allow-remote", is_flag=True, help="Listen on an address that other machines reach.")
def command(host: str, port: int, public_url: str | None, allow_remote: bool, **values: Any) -> int:  # Any: click's
    """Serve the app to a browser, at the address that is printed.

    Whoever reaches the port and has the token runs this program as you, so it listens on this machine only: from
    another one, come through ssh -L 8000:127.0.0.1:8000.
    """
    if in_tab():
        raise UsageError("latency-tui serve is a server of its own; give textual serve the command latency-tui.")
    make_plan(values, lenient=True)  # an option that makes no sense is refused here, and not in every tab

    from latency_tui.serve.access import check_address, check_public_url

    remote = check_address(host, allow_remote=allow_remote)
    public_url = check_public_url(public_url) if public_url else None
    from latency_tui.serve.main import serve  # aiohttp, Jinja and Rich: 400 ms

    arguments = [sys.executable, "-P", "-m", "latency_tui.cli", *to_arguments(values)]
    return serve(arguments, host=host, port=port, public_url=public_url, remote=remote, signals=watched_signals())
