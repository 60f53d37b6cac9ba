"""Serves the app to browsers: textual-serve, with access control by a token.

`access` decides which requests are allowed, `admission` limits idle connections, `server` and `static/` answer
requests, `session` runs the app's process for one browser tab, `log` writes the log, and `main` starts the server.
"""
