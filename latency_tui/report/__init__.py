"""Formats a result as a table, JSON, HTML and others; each format is imported when it is needed."""

from latency_tui.report.formats import FORMATS, Format, content_of, format_of, pieces, render, write

__all__ = ["FORMATS", "Format", "content_of", "format_of", "pieces", "render", "write"]
