"""Results: events folded into the one value that everything reads."""
