"""The history: results of all sessions, kept in one SQLite file."""
