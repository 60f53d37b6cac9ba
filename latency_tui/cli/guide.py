"""`latency-tui guide`: the manual, as rendered text on a terminal and as plain Markdown elsewhere."""

from __future__ import annotations

import re

import click
from click.shell_completion import CompletionItem

from latency_tui.cli.stdout import emit, terminal_style
from latency_tui.errors import UsageError
from latency_tui.guide import TOPICS, read_page

_WIDEST = 100
"""Columns beyond which lines of text become hard to read."""
_LINK_TO_PAGE = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md\)")


def _complete_topic(_context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    return [CompletionItem(topic, help=read_page(topic).summary) for topic in TOPICS if topic.startswith(typed)]


@click.command(name="guide", short_help="Show the manual, or list its topics.")
@click.argument("topic", metavar="[TOPIC]", required=False, shell_complete=_complete_topic)
def command(topic: str | None) -> int:
    """Show one page of the manual; without TOPIC, list the pages.

    On a terminal the page is rendered; into a file or a pipe it is Markdown.
    """
    if topic is None:
        return emit([_list_of_topics()])
    name = re.sub(r"[\s_]+", "-", topic.strip().casefold()).removesuffix(".md")
    if name not in TOPICS:
        from latency_tui.plan.suggest import hint

        raise UsageError(f"There is no topic {topic!r}; {hint(name, TOPICS, listed_by='latency-tui guide')}")
    text = read_page(name).text
    width, colour = terminal_style()
    return emit([text if width is None else _render(text, min(width, _WIDEST), colour=colour)])


def _list_of_topics() -> str:
    column = max(map(len, TOPICS)) + 2
    lines = [f"{topic:<{column}}{read_page(topic).summary.replace('`', '')}" for topic in TOPICS]
    return "\n".join([*lines, "", "latency-tui guide TOPIC shows a page; ? in the app shows all of them."])


def _render(text: str, width: int, *, colour: bool) -> str:
    """Return Markdown as text for a terminal; links to other pages keep their words."""
    from rich.console import Console  # with the parser 0.3 s, needed only here
    from rich.markdown import Markdown
    from rich.theme import Theme

    text = _LINK_TO_PAGE.sub(r"\1", text)
    console = Console(
        width=width,
        force_terminal=True,
        color_system="standard" if colour else None,
        highlight=False,
        theme=Theme({"markdown.code": "cyan", "markdown.code_block": "cyan"}),
    )
    with console.capture() as captured:
        console.print(Markdown(text, code_theme="ansi_light"))
    return captured.get()
