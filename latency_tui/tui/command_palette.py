"""The command palette, which lists the commands that apply now. Imported when the palette is opened."""

from __future__ import annotations

from contextlib import suppress

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from latency_tui.tui.commands import COMMANDS, Command
from latency_tui.tui.screens.dialog import ClosesOnce
from latency_tui.tui.screens.main import MainScreen


class Palette(CommandPalette, ClosesOnce[None]):
    """Textual's palette, which closes only once and accepts keys before its list is laid out."""

    def _action_command_list(self, action: str) -> None:
        with suppress(LookupError):  # page up or down before the list is laid out
            super()._action_command_list(action)


class Commands(Provider):
    """Provides the commands of the main screen to the palette."""

    async def discover(self) -> Hits:
        """Yield all commands that apply, while the field is empty."""
        for command in self._applicable():
            yield DiscoveryHit(command.title, self._callback(command), help=self._help(command))

    async def search(self, query: str) -> Hits:
        """Yield the commands whose title matches the query."""
        matcher = self.matcher(query)
        for command in self._applicable():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), self._callback(command), help=self._help(command))

    def _applicable(self) -> list[type[Command]]:
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return []
        return [command for command in COMMANDS.values() if command.title and command.applies(screen.state)]

    def _callback(self, command: type[Command]):  # type: ignore[no-untyped-def]  # a callback of no arguments
        return lambda: self.screen.post_message(command())

    @staticmethod
    def _help(command: type[Command]) -> str:
        return f"{command.key_label()}  {command.help()}" if command.key_label() else command.help()
