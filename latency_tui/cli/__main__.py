"""`python -m latency_tui.cli`: the same command where no script is on the path, as `serve` starts it."""

from latency_tui.__main__ import main

main()
