"""Writing a result down: one module a format, imported when it is asked for."""

from latency_tui.report.formats import FORMATS, Format, format_of, pieces, render, write

__all__ = ["FORMATS", "Format", "format_of", "pieces", "render", "write"]
