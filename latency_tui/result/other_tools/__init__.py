"""Reads the result files of other benchmark tools: pyperf, hyperfine and pytest-benchmark."""

from latency_tui.result.other_tools.suite import Benchmark, Suite

__all__ = ["Benchmark", "Suite"]
