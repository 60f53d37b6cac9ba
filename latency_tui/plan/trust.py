"""What the user trusts, as a value of the plan."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

EVERYTHING = "*"


class Trust(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the user trusts.

    Attributes:
        files: Maps the SHA-256 of a file's content to the types trusted in it; `*` is all that it names.
        types: Types trusted in every skops file of the plan.
    """

    files: dict[str, tuple[str, ...]] = {}
    types: tuple[str, ...] = ()

    def covers(self, digest: str) -> bool:
        """Whether the file of that SHA-256 may do whatever it does."""
        return EVERYTHING in self.files.get(digest, ())

    def types_in(self, digest: str) -> tuple[str, ...]:
        """Return the types that are trusted in the file of that SHA-256, besides those that skops trusts."""
        return tuple(dict.fromkeys((*self.types, *self.files.get(digest, ()))))

    def also(self, digest: str, types: Iterable[str]) -> Trust:
        """Return this trust, and besides it some types (or `*`) in the file of that SHA-256."""
        both = tuple(dict.fromkeys((*self.files.get(digest, ()), *types)))
        return msgspec.structs.replace(self, files={**self.files, digest: both} if both else self.files)
