"""The engine: measures a plan in processes of its own. This side of it, the client, imports nothing heavy."""
