"""The widgets of the main screen, which are painted from the state only, not from the engine."""
