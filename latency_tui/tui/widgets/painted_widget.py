"""Base class of widgets that are painted from the state, and request a repaint when their size changes."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.message import Message
from textual.visual import Visual

from latency_tui.tui.widgets.styled_lines import StyledLines


class SizeChanged(Message, bubble=True):
    """The size of a painted widget has changed since it was painted."""

    def can_replace(self, message: Message) -> bool:
        """Merge all messages of this type into one."""
        return isinstance(message, SizeChanged)


class CandidatePointed(Message):
    """The user clicked a candidate on a card or in a table."""

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug


class PaintedWidget(StyledLines):
    """A widget that shows text; it is not parsed as markup.

    Attributes:
        painted: The values that were painted last; nothing is drawn while they are unchanged.
    """

    painted: tuple[object, ...] = ()
    _repaint: Callable[[], None] | None = None
    _title: tuple[str | tuple[str, str], ...] = ()

    def show(self, paint: Callable[[], None]) -> None:
        """Paint with a function that draws the current state; it is called again when the size changes."""
        self._repaint = paint
        if self.size:
            paint()

    def render(self) -> Visual:
        """Return the painted text; paint it again first if the size has changed, so that no frame is outdated."""
        if self.size and self.painted[-1:] != (self.content_size,) and self._repaint is not None:
            self._repaint()
        return super().render()

    def on_resize(self) -> None:
        """Report the new size, because other parts of the screen may depend on it."""
        self.post_message(SizeChanged())

    def set_title(self, *title: str | tuple[str, str]) -> None:
        """Set the title of the border from parts, each a text or a text with a style; draw it only if it changed."""
        if title != self._title:
            self._title = title
            self.border_title = Content.assemble(*title)

    def is_new(self, *facts: object) -> bool:
        """Return whether these values or the size have changed since the last call, and store them."""
        now = (*facts, self.content_size)
        if now == self.painted:
            return False
        self.painted = now
        return True
