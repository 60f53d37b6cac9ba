"""The model files and types that the user trusts."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

EVERYTHING = "*"


class Trust(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The model files and types that the user trusts.

    Attributes:
        files: Trusted types per SHA-256 of a file; `*` trusts everything in the file.
        types: Types trusted in every skops file of the plan.
    """

    files: dict[str, tuple[str, ...]] = {}
    types: tuple[str, ...] = ()

    def trusts_all(self, digest: str) -> bool:
        """Return whether everything in the file with this SHA-256 is trusted."""
        return EVERYTHING in self.files.get(digest, ())

    def types_in(self, digest: str) -> tuple[str, ...]:
        """Return the types trusted in the file with this SHA-256, in addition to those that skops trusts."""
        return tuple(dict.fromkeys((*self.types, *self.files.get(digest, ()))))

    def extended(self, digest: str, types: Iterable[str]) -> Trust:
        """Return a copy that additionally trusts some types (or `*`) in the file with this SHA-256."""
        both = tuple(dict.fromkeys((*self.files.get(digest, ()), *types)))
        return msgspec.structs.replace(self, files={**self.files, digest: both} if both else self.files)
