"""Showing it: the app, its commands, screens, widgets and charts. The only part that imports Textual."""
