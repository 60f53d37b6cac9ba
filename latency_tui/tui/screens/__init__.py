"""The screens: the main screen, and the dialogs that open over it."""
