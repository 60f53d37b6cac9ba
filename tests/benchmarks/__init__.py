"""Programs that print the README's figures afresh; each is run as `python -m tests.benchmarks.NAME`."""
