"""A widget that is painted from a snapshot, and asks to be painted anew when its size has changed."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.message import Message
from textual.visual import Visual

from latency_tui.tui.widgets.lines import Lines


class SizeChanged(Message, bubble=True):
    """A painted widget has another size than it was painted for."""

    def can_replace(self, message: Message) -> bool:
        """One is as good as many."""
        return isinstance(message, SizeChanged)


class CandidatePointed(Message):
    """The mouse picked a candidate on a card or in a table."""

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug


class Painted(Lines):
    """Text that the screen paints; it is never parsed as markup.

    Attributes:
        painted: What was painted last; nothing is drawn while it stays the same.
    """

    painted: tuple[object, ...] = ()
    _repaint: Callable[[], None] | None = None
    _title: tuple[str | tuple[str, str], ...] = ()

    def show(self, paint: Callable[[], None]) -> None:
        """Paint with a function that draws one snapshot; it is called again when the size changes."""
        self._repaint = paint
        if self.size:
            paint()

    def render(self) -> Visual:
        """Return what was painted; paint the snapshot again if that was for another size, so that no frame lacks it."""
        if self.size and self.painted[-1:] != (self.content_size,) and self._repaint is not None:
            self._repaint()
        return super().render()

    def on_resize(self) -> None:
        """Report the new size, on which other parts of the screen may depend."""
        self.post_message(SizeChanged())

    def set_title(self, *title: str | tuple[str, str]) -> None:
        """Write the title into the border: parts, each a text or a text with its style. Draws only what is new."""
        if title != self._title:
            self._title = title
            self.border_title = Content.assemble(*title)

    def is_new(self, *facts: object) -> bool:
        """Return whether these facts, or the size, differ from what was painted; remembers them."""
        now = (*facts, self.content_size)
        if now == self.painted:
            return False
        self.painted = now
        return True
