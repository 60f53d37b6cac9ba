"""Data in the engine's processes: reading, type inference, splitting."""
