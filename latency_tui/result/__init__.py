"""The schema of a result, its JSON, and reading and writing its files."""
