"""Trust in files that may run their author's code, identified by the SHA-256 of their content.

Trust applies to the content, not the name, so a changed file needs trust again. Trusted types of skops files are
remembered in the user's data folder. Trust in a pickle is never remembered.
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
from latency_tui.catalog.folders import data_folder
from latency_tui.catalog.model_files import RUNS_CODE, TITLES, find_model_file
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelFormat, ModelSpec
from latency_tui.plan.trust import EVERYTHING, Trust

_MAX_REMEMBERED = 16 << 20
_MAX_WAIT_SECONDS = 5.0
"""Maximum wait for another process that writes the file; writing takes milliseconds."""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of the content of a file.

    Raises:
        UsageError: The file cannot be read.
    """
    import hashlib  # deferred: needed for files only

    digest = hashlib.sha256()
    try:
        with open_regular(path, wanted="model") as file:
            left = os.fstat(file.fileno()).st_size  # a limit, because the file may grow while it is read
            while left > 0 and (chunk := file.read(min(left, 1 << 20))):
                digest.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    return digest.hexdigest()


def digest_of_model(model: ModelSpec) -> str:
    """Return the SHA-256 of the file of a model when it was named; compute it if it was not needed then.

    Raises:
        UsageError: The file cannot be read.
    """
    return model.file_digest or digest_of(Path(model.file))


def with_digests(candidates: Iterable[Candidate], *, is_trust_given: bool) -> tuple[Candidate, ...]:
    """Return candidates with the digest of each file whose trust depends on it, so that it is computed once.

    These are files that run code, and skops files if trust is given now or was remembered. The process that loads a
    file compares the digest of what it loads, so a file that changes afterwards is not trusted.

    Args:
        candidates: The candidates.
        is_trust_given: Whether the user gives trust in files or types now.

    Raises:
        UsageError: A file cannot be read.
    """
    formats = {*RUNS_CODE, "skops"} if is_trust_given or recall() else RUNS_CODE
    digests: dict[str, str] = {}
    found: list[Candidate] = []
    for candidate in candidates:
        model = candidate.model
        if model.file_format in formats and not model.is_temporary_pickle:
            if model.file not in digests:
                digests[model.file] = digest_of_model(model)
            candidate = msgspec.structs.replace(
                candidate, model=msgspec.structs.replace(model, file_digest=digests[model.file])
            )
        found.append(candidate)
    return tuple(found)


def trust_for(
    candidates: Iterable[Candidate],
    *,
    files: Iterable[str] = (),
    types: Iterable[str] = (),
    data: str = "",
    memory: Path | None = None,
) -> Trust:
    """Return the trust of a plan: the trust given now, and remembered trust in skops files of the same content.

    Args:
        candidates: Candidates whose files are considered.
        files: Files to trust (`--trust`).
        types: Types to trust in skops files (`--trust-type`).
        data: The file of the dataset, which can be trusted too; empty if there is none.
        memory: The file that stores trust; None for the user's file.

    Raises:
        UsageError: A trusted file cannot be read or is not used, or a type is not of the form `module.name`.
    """
    types = tuple(types)
    for name in types:
        if not all(part.isidentifier() for part in name.split(".")):
            raise UsageError(f"A trusted type must be module.name, such as sklearn.tree._tree.Tree, not {name!r}.")
    models = _models_by_file(candidates)
    trusted: dict[str, tuple[str, ...]] = {}
    for text in files:
        path = find_model_file(Path(text))
        if not os.path.exists(path):  # noqa: PTH110 (Path.exists raises for a folder without access)
            raise UsageError(f"There is no file {path} to trust.")
        if path.resolve() not in models and not (data and path.resolve() == Path(data).resolve()):
            raise UsageError(f"{path} is trusted but not used; add it with -m or --data.")
        model = models.get(path.resolve())
        trusted[digest_of_model(model) if model else digest_of(path)] = (EVERYTHING,)
    remembered = recall(memory)
    for model in models.values():
        if model.file_format == "skops" and remembered and (digest := digest_of_model(model)) in remembered:
            trusted.setdefault(digest, remembered[digest])
    return Trust(files=trusted, types=types)


def remember(candidates: Iterable[Candidate], trust: Trust, *, memory: Path | None = None) -> None:
    """Store the trusted types of the candidates' skops files, so that the user is not asked again."""
    if not (trust.files or trust.types):  # nothing to store, so no file needs to be hashed
        return
    models = _models_by_file(candidates).values()
    digests = (digest_of_model(model) for model in models if model.file_format == "skops")
    remember_types({digest: trust.types_in(digest) for digest in digests}, memory=memory)


def remember_types(trusted: Mapping[str, Iterable[str]], *, memory: Path | None = None) -> None:
    """Store trusted types of files in addition to those already stored.

    Safe with concurrent processes: a lock is held, and the file is replaced atomically.

    Args:
        trusted: Maps the SHA-256 of the content of a file to types; `*` stands for all types.
        memory: The file that stores trust; None for the user's file.
    """
    file = memory or memory_path()
    if file is None or not _added(recall(file), trusted):
        return
    with contextlib.suppress(OSError):  # the folder is not writable: the user will be asked again
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(file.with_suffix(".lock")):
            known = recall(file)
            content = msgspec.json.format(msgspec.json.encode({**known, **_added(known, trusted)}), indent=2)
            descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
            try:
                with open(descriptor, "wb") as written:  # noqa: PTH123 (a descriptor, no path)
                    written.write(content)
                Path(temporary).replace(file)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise


def recall(memory: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return the stored trusted types by the SHA-256 of files; empty if the file is missing or damaged."""
    file = memory or memory_path()
    if file is None:
        return {}
    try:
        content = read_whole(file, _MAX_REMEMBERED, wanted="trust")
        return msgspec.json.decode(content, type=dict[str, tuple[str, ...]])
    except (UsageError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def memory_path() -> Path | None:
    """Return the path of the user's file that stores trust; None if there is no home folder."""
    folder = data_folder()
    return None if folder is None else folder / "trusted.json"


def _added(known: Mapping[str, Iterable[str]], trusted: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return the files with newly trusted types, each with all its trusted types."""
    both = {digest: tuple(sorted({*known.get(digest, ()), *types})) for digest, types in trusted.items()}
    return {digest: types for digest, types in both.items() if types and types != tuple(known.get(digest, ()))}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive file lock, which the operating system releases if the process dies.

    Raises:
        OSError: The lock was not available within `_MAX_WAIT_SECONDS`.
    """
    with path.open("a") as file:
        deadline = time.monotonic() + _MAX_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        yield


def is_trusted(candidate: Candidate, trust: Trust) -> bool:
    """Return whether a candidate is trusted, considering that a configuration in the working directory may name it.

    Raises:
        UsageError: The file of the model cannot be read.
    """
    model = candidate.model
    if not model.configuration_digest or trust.trusts_all(model.configuration_digest):
        return True
    return bool(not candidate.python and model.file and trust.types_in(digest_of_model(model)))


def check_configuration_trust(candidate: Candidate, trust: Trust) -> None:
    """Check that code which only a configuration in the working directory names is trusted.

    Raises:
        UsageError: Neither the configuration nor the model file is trusted; the message says what to add.
    """
    if not is_trusted(candidate, trust):
        model = candidate.model
        code = candidate.python or model.factory or model.file
        raise UsageError(
            f"{model.name} runs the code {code}, which latency-tui.toml in this directory "
            "names. If you trust that file, add --trust ./latency-tui.toml."
        )


def check_trusted(path: Path, kind: ModelFormat, digest: str, trust: Trust) -> None:
    """Check that a file is trusted if loading it runs its author's code.

    Raises:
        UsageError: The file is not trusted; the message says how to trust or convert it.
    """
    if kind not in RUNS_CODE or trust.trusts_all(digest):
        return
    what = TITLES[kind]
    if kind == "pickle":
        do = "or convert it where it was made: skops.io.dump(model, 'model.skops'), or skl2onnx.to_onnx(model, X)"
    else:
        do = "or export it where it was made: torch.onnx.export(module, inputs, 'model.onnx')"
    raise UsageError(f"{path} is {what}: loading it runs its author's code. If you trust it, add --trust {path}; {do}.")


def _models_by_file(candidates: Iterable[Candidate]) -> dict[Path, ModelSpec]:
    """Return the models that have a file, one per file."""
    models = (candidate.model for candidate in candidates)
    return {Path(model.file).resolve(): model for model in models if model.file and not model.is_temporary_pickle}
