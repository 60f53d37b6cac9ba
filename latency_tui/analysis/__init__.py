"""Turns the events of a measurement into its result."""
