"""Trust kept and asked for: which files may run their author's code, by the SHA-256 of their content.

Trust is given to content, never to a name: another file in the same place is asked about again. The types trusted in a
skops file are remembered in the user's data folder; a pickle is asked about every time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from latency_tui.catalog.bounded_reading import open_regular, read_whole
from latency_tui.catalog.model_files import RUNS_CODE, TITLES, Kind, kind_of, model_in
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelSpec
from latency_tui.plan.trust import EVERYTHING, Trust

_MOST_REMEMBERED = 16 << 20
_LONGEST_WAIT_SECONDS = 5.0
"""How long to wait for another process that writes the file, which takes milliseconds."""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's content.

    Raises:
        UsageError: It cannot be read.
    """
    import hashlib  # deferred: only files need it

    digest = hashlib.sha256()
    try:
        with open_regular(path, wanted="model") as file:
            left = os.fstat(file.fileno()).st_size  # no more: it may grow faster than it is read
            while left > 0 and (chunk := file.read(min(left, 1 << 20))):
                digest.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    return digest.hexdigest()


def trust_for(
    candidates: Iterable[Candidate],
    *,
    files: Iterable[str] = (),
    types: Iterable[str] = (),
    data: str = "",
    memory: Path | None = None,
) -> Trust:
    """Return the trust of a plan: what is given now, and what was given before to these very skops files.

    Args:
        candidates: Whose files are meant.
        files: Files trusted now (`--trust`).
        types: Types trusted now by name (`--trust-type`).
        data: The file of the dataset, which may be trusted too; empty for none.
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
        if path.resolve() not in kinds and not (data and path.resolve() == Path(data).resolve()):
            raise UsageError(f"{path} is trusted but not used; give it with -m or --data too.")
        trusted[digest_of(path)] = (EVERYTHING,)
    remembered = recall(memory)
    for path, kind in kinds.items():
        if kind == "skops" and remembered and (digest := digest_of(path)) in remembered:
            trusted.setdefault(digest, remembered[digest])
    return Trust(files=trusted, types=types)


def remember(candidates: Iterable[Candidate], trust: Trust, *, memory: Path | None = None) -> None:
    """Keep what is trusted in the candidates' skops files, so that these very files need not ask again."""
    digests = (digest_of(path) for path, kind in _kinds(candidates).items() if kind == "skops")
    remember_types({digest: trust.types_in(digest) for digest in digests}, memory=memory)


def remember_types(trusted: Mapping[str, Iterable[str]], *, memory: Path | None = None) -> None:
    """Keep which types are trusted in files, beside those that were trusted before.

    Several programs may do so at once: each waits for the one before, and the file is replaced as a whole.

    Args:
        trusted: Maps the SHA-256 of a file's content to types; `*` is all that it names.
        memory: The file that remembers; None for the user's own.
    """
    file = memory or memory_path()
    if file is None or not _added(recall(file), trusted):
        return
    with contextlib.suppress(OSError):  # a home that cannot be written to: it asks again
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(file.with_suffix(".lock")):
            known = recall(file)
            content = msgspec.json.format(msgspec.json.encode({**known, **_added(known, trusted)}), indent=2)
            descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # of this user alone
            try:
                with open(descriptor, "wb") as written:  # noqa: PTH123 (a descriptor, no path)
                    written.write(content)
                Path(temporary).replace(file)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise


def recall(memory: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return what was trusted before, by the SHA-256 of files; nothing if the memory is lost or damaged."""
    file = memory or memory_path()
    if file is None:
        return {}
    try:
        content = read_whole(file, _MOST_REMEMBERED, wanted="trust")
        return msgspec.json.decode(content, type=dict[str, tuple[str, ...]])
    except (UsageError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def memory_path() -> Path | None:
    """Return the file in the user's own folder that remembers; None for a user without a home folder."""
    from platformdirs import user_data_path  # deferred: only files need it

    try:
        return Path(user_data_path("latency-tui", appauthor=False)) / "trusted.json"
    except RuntimeError:
        return None


def _added(known: Mapping[str, Iterable[str]], trusted: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return the files of which more is trusted than known, with all that is trusted in them."""
    both = {digest: tuple(sorted({*known.get(digest, ()), *types})) for digest, types in trusted.items()}
    return {digest: types for digest, types in both.items() if types and types != tuple(known.get(digest, ()))}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that a process loses when it ends, in whatever way; waits for who holds it, but not for long.

    Raises:
        OSError: It cannot be had.
    """
    with path.open("a") as file:
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        yield


def is_trusted_if_found(model: ModelSpec, trust: Trust) -> bool:
    """Return whether a model may run its author's code if a configuration in the working directory names it.

    Raises:
        UsageError: Its file cannot be read.
    """
    if not model.found_in or trust.covers(model.found_in):
        return True
    return bool(model.file and trust.types_in(digest_of(Path(model.file))))


def check_found(model: ModelSpec, trust: Trust) -> None:
    """Refuse a model that runs its author's code that only a configuration file found in the working directory names.

    Raises:
        UsageError: Neither that file nor the model's own is trusted; the sentence says what to add.
    """
    if not is_trusted_if_found(model, trust):
        raise UsageError(
            f"{model.name} runs the code {model.factory or model.file}, which latency-tui.toml in this directory "
            "names. If you trust that file, add --trust ./latency-tui.toml."
        )


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
