"""Formats a result as a table, JSON, CSV or Markdown; each format is imported when it is needed."""

from latency_tui.report.formats import FORMATS, Format, format_of, pieces, render, write

__all__ = ["FORMATS", "Format", "format_of", "pieces", "render", "write"]
