"""From the events of a measurement to its result."""
