"""Models in the process of a candidate: read from files, adapted, described, and run by other runtimes."""
