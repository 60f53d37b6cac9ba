"""The user interface: the app, its commands, screens, widgets and charts. Only this package imports Textual."""
