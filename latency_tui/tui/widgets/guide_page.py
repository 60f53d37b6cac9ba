"""A page of the guide: Textual's Markdown, with tables that are read faster and drawn faster.

Textual draws a table as a grid with a widget per cell: a page with long tables takes a second, and a long text may get
the narrowest column. Rich divides the width by what the columns hold. The table's class has no public name.
"""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Markdown, Static
from textual.widgets._markdown import MarkdownTable, MarkdownTableContent

_EMPHASIS = (".code_inline", ".strong")


class GuideTable(MarkdownTable):
    """A table as one widget."""

    def compose(self) -> ComposeResult:
        """Yield the table with the cells that the Markdown parser found."""
        for parsed in super().compose():
            if isinstance(parsed, MarkdownTableContent):
                yield Static(_table(parsed.headers, parsed.rows))


class GuidePage(Markdown):
    """Markdown whose links are left to the screen."""

    BLOCKS = {**Markdown.BLOCKS, "table_open": GuideTable}  # noqa: RUF012  # as Textual declares it

    def __init__(self) -> None:
        super().__init__(open_links=False)


def _table(headers: list[Content], rows: list[list[Content]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, expand=True, padding=(0, 2, 0, 0))
    for header in headers:
        table.add_column(_text(header), overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def _text(cell: Content) -> Text:
    text = Text(cell.plain)
    for span in cell.spans:
        if span.style in _EMPHASIS:
            text.stylize("bold", span.start, span.end)
    return text
