"""Code of a candidate's process, which loads one model and measures blocks of calls."""
