"""Pure functions from one state of the main screen to the next."""
