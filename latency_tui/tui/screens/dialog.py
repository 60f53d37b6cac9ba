"""Base classes of dialogs, which close only once and ignore input and messages that arrive afterwards.

Textual queues keys, clicks and the results of workers. A second Enter, or a double click beside a dialog, can arrive
after the dialog has closed; closing it again would close the screen below, or end the app.
"""

from __future__ import annotations

from textual import events
from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.worker import Worker


class ClosesOnce(Screen[ScreenResultType]):
    """A screen that ignores input, and ends its workers, once it has closed."""

    @property
    def closed(self) -> bool:
        """Whether the screen has been removed from the stack of screens."""
        return self not in self.app.screen_stack

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close this screen and all screens above it with a result; do nothing if it has closed already."""
        if self.closed:
            return AwaitComplete()
        for above in reversed(self.app.screen_stack[self.app.screen_stack.index(self) + 1 :]):
            above.dismiss()
        self.workers.cancel_node(self)
        return super().dismiss(result)

    async def on_event(self, event: events.Event) -> None:
        """Drop keys and clicks that arrive after the screen has closed."""
        if not (isinstance(event, events.InputEvent) and self.closed):
            await super().on_event(event)

    async def _on_message(self, message: Message) -> None:
        """Drop messages of widgets and workers after the screen has closed; Textual has no public method for this."""
        reported = message.control is not None or isinstance(message, Worker.StateChanged)
        if not (reported and self.closed):
            await super()._on_message(message)


class Dialog(ModalScreen[ScreenResultType], ClosesOnce[ScreenResultType]):
    """A modal screen that closes once."""
