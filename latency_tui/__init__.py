"""latency-tui: how fast models answer, on the machine that will serve them."""
