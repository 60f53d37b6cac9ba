"""What keeps input from ending the app inside Textual; every private name of Textual's that this takes stands here.

Textual 8.2's Linux driver decodes what the terminal sends as strict UTF-8, and its parser raises on some sequences. A
mouse report of the X10 protocol beyond column 95, an accented letter from a Latin-1 terminal, or line noise on a serial
line would end the app.
"""

from __future__ import annotations

import codecs
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from textual import events
from textual._parser import Parser
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.geometry import Offset
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList

_WIDEST, _HIGHEST = 4_000, 2_000  # cells; a terminal of a wall of screens has fewer


class TolerantParser(XTermParser):
    """Drops a sequence that the parser cannot take, and goes on with what follows."""

    def feed(self, data: str) -> Iterator[Message]:
        """Yield the events in what was read."""
        for character in data or ("",):  # one by one, so that only the sequence that fails is lost
            yield from self._taken(super().feed(character))

    def tick(self) -> Iterator[Message]:
        """Yield the events of sequences that have waited for their end for too long."""
        yield from self._taken(super().tick())

    def _taken(self, found: Iterable[Message]) -> Iterator[Message]:
        try:
            yield from (message for message in found if _is_possible(message))
        except Exception:  # noqa: BLE001  whatever a parser raises of bytes that anybody may send
            Parser.__init__(self)


def _is_possible(message: Message) -> bool:
    if not isinstance(message, events.Resize):
        return True
    return 0 < message.size.width <= _WIDEST and 0 < message.size.height <= _HIGHEST


def call_after_refresh_of(screen: Screen[None], callback: Callable[[], Awaitable[None]]) -> None:
    """Call something once a screen has handled its messages and drawn itself, also if a dialog is over it.

    `Screen.call_after_refresh` has the screen on top of the stack call it, and a dialog that closes before it is idle
    drops it.
    """
    screen.call_later(screen._invoke_later, callback, screen)


def is_leaving(app: App[object]) -> bool:
    """Return whether the app has been asked to exit, and its widgets are going or gone."""
    return app._exit


async def _select_listed(options: OptionList, event: events.Click) -> None:
    """Select what was clicked, unless the list has changed since it was drawn: Textual's own raises then."""
    index = event.style.meta.get("option")
    if index is not None and index < options.option_count and not options.options[index].disabled:
        options.highlighted = index
        options.action_select()


_widget_and_offset_at = Screen.get_widget_and_offset_at


def _attached_widget_and_offset_at(screen: Screen[object], x: int, y: int) -> tuple[Widget | None, Offset | None]:
    """Return the widget under the pointer unless it was removed since it was drawn: Textual asks for its parent."""
    widget, offset = _widget_and_offset_at(screen, x, y)
    attached = isinstance(widget, Screen) or (widget is not None and widget.parent is not None)
    return (widget, offset) if attached else (None, None)


def _write_until_stopped(writer: WriterThread) -> None:
    """Write what is queued, and drop what cannot be written.

    Textual's own thread ends with the first error of a terminal that has gone. The event loop then waits for ever for
    room in the queue, and never answers the hang-up signal.
    """
    while (text := writer._queue.get()) is not None:
        with suppress(OSError, ValueError):
            writer._file.write(text)
            if not writer._queue.qsize():
                writer._file.flush()
    with suppress(OSError, ValueError):
        writer._file.flush()


def tolerate_any_input() -> None:
    """Ignore clicks on what is gone, what cannot be decoded or parsed, and errors of a terminal that has gone."""
    setattr(WriterThread, "run", _write_until_stopped)  # noqa: B010
    setattr(OptionList, "_on_click", _select_listed)  # noqa: B010  mypy does not let a method be assigned
    setattr(Screen, "get_widget_and_offset_at", _attached_widget_and_offset_at)  # noqa: B010
    try:
        from textual.drivers import linux_driver
    except ImportError:  # on Windows, where there is no such driver
        return
    decoder = partial(codecs.getincrementaldecoder("utf-8"), errors="replace")
    linux_driver.__dict__["getincrementaldecoder"] = lambda _encoding: decoder
    linux_driver.__dict__["XTermParser"] = TolerantParser


class DropsLateMessages(Screen[None]):
    """A screen that drops our messages that are still on their way when the app leaves."""

    async def _on_message(self, message: Message) -> None:
        """Take a message; there is no public way to drop one."""
        ours = type(message).__module__.startswith(__package__.partition(".")[0])
        if not (ours and is_leaving(self.app)):
            await super()._on_message(message)
