"""Programs that print the guide's figures afresh; each is run as `python -m tests.benchmarks.NAME`."""
