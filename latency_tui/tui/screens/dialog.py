"""What every dialog shares: it closes once, and nothing that was on its way to it acts on it afterwards.

Textual queues keys, clicks and the results of workers. A second Enter, or a double click beside a dialog, arrives when
the dialog has closed already; closing it again would close the screen below, or end the app.
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
        """Whether it has left the stack of screens."""
        return self not in self.app.screen_stack

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close with a result, and with it what stands above it; does nothing when it has closed already."""
        if self.closed:
            return AwaitComplete()
        for above in reversed(self.app.screen_stack[self.app.screen_stack.index(self) + 1 :]):
            above.dismiss()
        self.workers.cancel_node(self)
        return super().dismiss(result)

    async def on_event(self, event: events.Event) -> None:
        """Drop keys and clicks that arrive after it has closed."""
        if not (isinstance(event, events.InputEvent) and self.closed):
            await super().on_event(event)

    async def _on_message(self, message: Message) -> None:
        """Drop what its widgets and workers report after it has closed; there is no public way to."""
        reported = message.control is not None or isinstance(message, Worker.StateChanged)
        if not (reported and self.closed):
            await super()._on_message(message)


class Dialog(ModalScreen[ScreenResultType], ClosesOnce[ScreenResultType]):
    """A modal screen that closes once."""
