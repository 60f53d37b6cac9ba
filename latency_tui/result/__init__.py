"""The schema of a result, its JSON, and the files that hold it."""
