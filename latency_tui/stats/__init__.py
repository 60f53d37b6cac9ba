"""Statistics: summaries, intervals, comparisons and noise, as pure functions of arrays. Nanoseconds inside."""
