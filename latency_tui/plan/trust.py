"""Trust: which model files may run their author's code, and which types may be loaded from a skops file.

Trust is given to content, never to a name: a file is known by its SHA-256, so that another file in its place asks
again. What was trusted in a skops file is remembered in the user's own folder; a pickle asks every time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.model_files import RUNS_CODE, TITLES, Kind, kind_of, model_in
from latency_tui.plan.models import Candidate

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


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's content.

    Raises:
        UsageError: It cannot be read.
    """
    import hashlib  # deferred: only files need it

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error


def trust_for(
    candidates: Iterable[Candidate],
    *,
    files: Iterable[str] = (),
    types: Iterable[str] = (),
    memory: Path | None = None,
) -> Trust:
    """Return the trust of a plan: what is given now, and what was given before to these very skops files.

    Args:
        candidates: Whose files are meant.
        files: Files trusted now (`--trust`).
        types: Types trusted now by name (`--trust-type`).
        memory: The file that remembers; None for the user's own.

    Raises:
        UsageError: A trusted file cannot be read or is none of the candidates', or a type is not `module.name`.
    """
    types = tuple(types)
    for name in types:
        if not all(part.isidentifier() for part in name.split(".")):
            raise UsageError(f"A type to trust is written module.name, such as sklearn.tree._tree.Tree, not {name!r}.")
    kinds = _kinds(candidates)
    trusted: dict[str, tuple[str, ...]] = {}
    for text in files:
        path = model_in(Path(text))
        if not os.path.exists(path):  # noqa: PTH110 (Path's raises where a folder may not be entered)
            raise UsageError(f"There is no file {path} to trust.")
        if path.resolve() not in kinds:
            raise UsageError(f"{path} is trusted but not measured; give it with -m too.")
        trusted[digest_of(path)] = (EVERYTHING,)
    remembered = recall(memory)
    for path, kind in kinds.items():
        if kind == "skops" and remembered and (digest := digest_of(path)) in remembered:
            trusted.setdefault(digest, remembered[digest])
    return Trust(files=trusted, types=types)


def remember(candidates: Iterable[Candidate], trust: Trust, *, memory: Path | None = None) -> None:
    """Keep what is trusted in the candidates' skops files, so that these very files need not ask again."""
    known = recall(memory)
    kept = dict(known)
    for path, kind in _kinds(candidates).items():
        if kind != "skops":
            continue
        digest = digest_of(path)
        if types := trust.types_in(digest):
            kept[digest] = tuple(sorted({*known.get(digest, ()), *types}))
    if kept == known:
        return
    file = memory or memory_path()
    with contextlib.suppress(OSError):  # a home that cannot be written to: it asks again
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2))
        file.chmod(0o600)


def recall(memory: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return what was trusted before, by the SHA-256 of files; nothing where the memory is lost or spoilt."""
    try:
        return msgspec.json.decode((memory or memory_path()).read_bytes(), type=dict[str, tuple[str, ...]])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def memory_path() -> Path:
    """Return the file in the user's own folder that remembers."""
    from platformdirs import user_data_path  # deferred: only files need it

    return Path(user_data_path("latency-tui", appauthor=False)) / "trusted.json"


def check_trusted(path: Path, kind: Kind, digest: str, trust: Trust) -> None:
    """Refuse a file that runs its author's code and is not trusted.

    Raises:
        UsageError: It is such a file; the sentence says how to trust it and how to do without.
    """
    if kind not in RUNS_CODE or trust.covers(digest):
        return
    what = TITLES[kind]
    if kind == "pickle":
        do = "or convert it where it was made: skops.io.dump(model, 'model.skops'), or skl2onnx.to_onnx(model, X)"
    else:
        do = "or export it where it was made: torch.onnx.export(module, inputs, 'model.onnx')"
    raise UsageError(f"{path} is {what}: loading it runs its author's code. If you trust it, add --trust {path}; {do}.")


def _kinds(candidates: Iterable[Candidate]) -> dict[Path, Kind]:
    paths = {
        Path(candidate.model.file).resolve()
        for candidate in candidates
        if candidate.model.file and not candidate.model.handed_over
    }
    return {path: kind_of(path) for path in sorted(paths)}
