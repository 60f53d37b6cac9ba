"""Charts of latencies: bars, lines and intervals, with their scales and ticks. Only this folder imports plotext."""
