"""The app in a browser: textual-serve, with a door that only opens to whoever knows the token.

Stands apart from the command that starts it because it is a server with rules of its own: who may come in (`access`),
what is answered (`server`, `static/`), and the life of the app's process behind a tab (`session`).
"""
