"""Data in the processes of the engine: read from files, typed, split, and counted."""
