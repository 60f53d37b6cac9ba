"""The engine, which measures a plan in separate processes, and its client, which imports no heavy modules."""
