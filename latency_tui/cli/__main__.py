"""Entry point of `python -m latency_tui.cli`; `serve` uses it because the script may not be on the path."""

from latency_tui.__main__ import main

main()
