"""The parts of the main screen, each painted from a snapshot and never from the engine."""
