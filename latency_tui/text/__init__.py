"""Sentences, number formats and units that a person reads."""
