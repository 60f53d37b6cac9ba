"""The `latency-tui guide` command: prints the manual, rendered on a terminal and as Markdown otherwise."""

from __future__ import annotations

import re

import click
from click.shell_completion import CompletionItem

from latency_tui.cli.output import emit, terminal_style
from latency_tui.errors import UsageError
from latency_tui.guide import TOPICS, read_page

_WIDEST = 100
"""Maximum width of rendered text in columns; longer lines are hard to read."""
_LINK_TO_PAGE = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md\)")


def _complete_topic(_context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    return [CompletionItem(topic, help=read_page(topic).summary) for topic in TOPICS if topic.startswith(typed)]


@click.command(name="guide", short_help="Show the manual, or list its topics.")
@click.argument("topic", metavar="[TOPIC]", required=False, shell_complete=_complete_topic)
def command(topic: str | None) -> int:
    """Show one page of the manual. Without TOPIC, list the pages.

    A page is rendered on a terminal, and written as Markdown to a file or a pipe.
    """
    if topic is None:
        return emit([_list_topics()])
    name = re.sub(r"[\s_]+", "-", topic.strip().casefold()).removesuffix(".md")
    if name not in TOPICS:
        from latency_tui.plan.suggest import hint

        raise UsageError(f"There is no topic {topic!r}; {hint(name, TOPICS, listed_by='latency-tui guide')}")
    text = read_page(name).text
    width, colour = terminal_style()
    return emit([text if width is None else _render(text, min(width, _WIDEST), colour=colour)])


def _list_topics() -> str:
    column = max(map(len, TOPICS)) + 2
    lines = [f"{topic:<{column}}{read_page(topic).summary.replace('`', '')}" for topic in TOPICS]
    return "\n".join([*lines, "", "latency-tui guide TOPIC shows a page; ? in the app shows all of them."])


def _render(text: str, width: int, *, colour: bool) -> str:
    """Return Markdown rendered for a terminal; links to other pages are reduced to their text."""
    from rich.console import Console  # deferred: 0.3 s with the Markdown parser
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
