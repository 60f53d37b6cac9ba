"""What runs in the engine process alone: it trains, schedules and supervises the processes of candidates."""
