"""`python -m latency_tui` is `latency-tui`."""

from latency_tui.cli import main

if __name__ == "__main__":
    main()
