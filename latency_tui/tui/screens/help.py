"""The help screen: topics on the left; the keys or a page of the guide on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from latency_tui.guide import TOPICS, read_page
from latency_tui.tui.bindings import grouped
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import KEY
from latency_tui.tui.text import fit, wrap

if TYPE_CHECKING:
    from textual.widgets import Markdown

    from latency_tui.tui.widgets.guide_page import GuidePage

_KEY = 8
_KEYS_TOPIC = "keys"
_TOPICS = (_KEYS_TOPIC, *(topic for topic in TOPICS if topic != _KEYS_TOPIC))
"""The page of keys comes first. It is made from the commands, so that it shows keys that the configuration changed."""


class Topics(OptionList, can_focus=False):
    """The list of topics; the mouse selects one, and the keys of the screen move through it."""


class HelpScreen(Dialog[None]):
    """Shows all keys and the pages of the guide; the keys that open it also close it."""

    CSS_PATH = "help.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]  # noqa: RUF012  # as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,f1", "dismiss", "Close"),
        Binding("l,right,tab", "move(1)", "Next topic"),
        Binding("h,left,shift+tab", "move(-1)", "Previous topic"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._topic = _KEYS_TOPIC

    def compose(self) -> ComposeResult:
        """Yield the list of topics and the page."""
        with Horizontal(id="help"):
            yield Topics(*(Option(_title(topic), id=topic) for topic in _TOPICS))
            with VerticalScroll(id="page"):
                yield Static(id="keys")

    async def on_mount(self) -> None:
        """Show the keys, ready to be scrolled."""
        if self.closed:  # by a second key in the same packet
            return
        self.query_one("#page").focus()
        await self.show(_KEYS_TOPIC)

    def on_resize(self) -> None:
        """Wrap the keys again."""
        self.call_after_refresh(self._write_keys)

    async def show(self, topic: str) -> None:
        """Show the page of a topic from its beginning."""
        if self.closed:
            return
        self._topic = topic
        place = _TOPICS.index(topic)
        topics, page = self.query_one(Topics), self.query_one("#page", VerticalScroll)
        with self.prevent(OptionList.OptionHighlighted):
            topics.highlighted = place
        frame = self.query_one("#help")
        frame.border_title = Content(f"{_title(topic)} ({place + 1} of {len(_TOPICS)})")
        frame.border_subtitle = "← → topics · ↑ ↓ scroll · esc closes"
        if topic != _KEYS_TOPIC:
            await (await self._guide_page()).update(read_page(topic).text)
        for shown in page.children:
            shown.display = (shown.id == "keys") == (topic == _KEYS_TOPIC)
        page.scroll_home(animate=False)

    async def action_move(self, step: int) -> None:
        """Show the next or the previous topic; the first one follows the last one."""
        await self.show(_TOPICS[(_TOPICS.index(self._topic) + step) % len(_TOPICS)])

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        if self.closed:
            return
        self.query_one("#page").scroll_relative(y=lines, animate=False)

    @on(OptionList.OptionSelected)
    async def _select(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            await self.show(event.option_id)

    async def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Show the page to which a link refers; the guide has no other links."""
        event.stop()
        topic = event.href.partition(".")[0]
        if topic in _TOPICS:
            await self.show(topic)

    async def _guide_page(self) -> GuidePage:
        """Return the widget that shows pages; it is imported and mounted when the first page is shown."""
        from latency_tui.tui.widgets.guide_page import GuidePage  # deferred: 0.2 s with the Markdown parser

        page = self.query_one("#page")
        for known in page.query(GuidePage):
            return known
        guide_page = GuidePage()
        await page.mount(guide_page)
        return guide_page

    def _write_keys(self) -> None:
        if self.closed:
            return
        width = max(self.query_one("#page").content_region.width - 2, 12)  # a scrollbar may appear
        self.query_one("#keys", Static).update(Content("\n").join(key_lines(width)))


def key_lines(width: int) -> list[Content]:
    """Return a heading per group of commands, and a line or more per key."""
    lines: list[Content] = []
    for group, members in grouped().items():
        lines += [Content("")] if lines else []
        lines.append(Content.styled(group, "bold $text-primary"))
        for command in members:
            if not command.key_label():
                continue
            first, *rest = wrap(command.help(), max(width - _KEY, 8))
            lines.append(Content.assemble((fit(command.key_label(), _KEY), KEY), first))
            lines += [Content(" " * _KEY + line) for line in rest]
    return lines


def _title(topic: str) -> str:
    return topic.replace("-", " ").capitalize()
