"""Patches Textual so that no input can end the app. All private names of Textual that this needs are in this file.

Textual 8.2's Linux driver decodes input as strict UTF-8, and its parser raises exceptions on some sequences. The app
would exit on a mouse report of the X10 protocol beyond column 95, on an accented letter from a Latin-1 terminal, or on
noise on a serial line.
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

_WIDEST, _HIGHEST = 4_000, 2_000  # cells; larger than any real terminal


class TolerantParser(XTermParser):
    """Textual's parser, which drops sequences that raise an exception and continues with the next one."""

    def feed(self, data: str) -> Iterator[Message]:
        """Yield the events in the input."""
        for character in data or ("",):  # separately, so that only the invalid sequence is lost
            yield from self._taken(super().feed(character))

    def tick(self) -> Iterator[Message]:
        """Yield the events of incomplete sequences whose time limit is over."""
        yield from self._taken(super().tick())

    def _taken(self, found: Iterable[Message]) -> Iterator[Message]:
        try:
            yield from (message for message in found if _is_possible(message))
        except Exception:  # noqa: BLE001  the parser can raise any exception on arbitrary input
            Parser.__init__(self)


def _is_possible(message: Message) -> bool:
    if not isinstance(message, events.Resize):
        return True
    return 0 < message.size.width <= _WIDEST and 0 < message.size.height <= _HIGHEST


def call_after_refresh_of(screen: Screen[None], callback: Callable[[], Awaitable[None]]) -> None:
    """Call a function after a screen has handled its messages and redrawn itself, even if a dialog covers it.

    `Screen.call_after_refresh` has the screen on top of the stack call it, and a dialog that closes before it is idle
    drops it.
    """
    screen.call_later(screen._invoke_later, callback, screen)


def is_leaving(app: App[object]) -> bool:
    """Return whether the app is exiting; its widgets may have been removed already."""
    return app._exit


async def _select_listed(options: OptionList, event: events.Click) -> None:
    """Select the clicked option unless the list has changed since it was drawn; Textual's handler would raise."""
    index = event.style.meta.get("option")
    if index is not None and index < options.option_count and not options.options[index].disabled:
        options.highlighted = index
        options.action_select()


_widget_and_offset_at = Screen.get_widget_and_offset_at


def _attached_widget_and_offset_at(screen: Screen[object], x: int, y: int) -> tuple[Widget | None, Offset | None]:
    """Return the widget under the pointer unless it was removed after it was drawn; Textual needs its parent."""
    widget, offset = _widget_and_offset_at(screen, x, y)
    attached = isinstance(widget, Screen) or (widget is not None and widget.parent is not None)
    return (widget, offset) if attached else (None, None)


def _write_until_stopped(writer: WriterThread) -> None:
    """Write queued output, and drop output that cannot be written.

    Textual's writer thread ends with the first error of a closed terminal. The event loop would then wait forever
    for room in the queue, and never handle SIGHUP.
    """
    while (text := writer._queue.get()) is not None:
        with suppress(OSError, ValueError):
            writer._file.write(text)
            if not writer._queue.qsize():
                writer._file.flush()
    with suppress(OSError, ValueError):
        writer._file.flush()


def tolerate_any_input() -> None:
    """Patch Textual to ignore clicks on removed items, invalid input, and write errors of a closed terminal."""
    setattr(WriterThread, "run", _write_until_stopped)  # noqa: B010
    setattr(OptionList, "_on_click", _select_listed)  # noqa: B010  mypy does not let a method be assigned
    setattr(Screen, "get_widget_and_offset_at", _attached_widget_and_offset_at)  # noqa: B010
    try:
        from textual.drivers import linux_driver
    except ImportError:  # Windows has no such driver
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
