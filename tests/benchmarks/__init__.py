"""Programs that print the figures of METHOD afresh; each is run as `python -m tests.benchmarks.NAME`."""
