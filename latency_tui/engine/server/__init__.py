"""Code of the engine process, which trains, schedules and supervises the processes of candidates."""
