"""Adds the candidates of another revision of the user's repository to a plan."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from latency_tui.catalog.configuration import LoadedConfiguration, runs_code
from latency_tui.catalog.import_paths import source_of
from latency_tui.catalog.input_hashes import packages_of
from latency_tui.catalog.model_files import kind_of
from latency_tui.catalog.repository import Repository
from latency_tui.catalog.revision_environment import Report, build, mapped_python_path, moved
from latency_tui.catalog.trust_store import digest_of, digest_of_model
from latency_tui.catalog.validate import check_plan
from latency_tui.catalog.working_tree import SHORT_COMMIT, WorkingTree
from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate, ModelSpec, Revision, make_slugs_unique
from latency_tui.plan.plan import Plan
from latency_tui.plan.trust import Trust


def add_revision_candidates(
    plan: Plan, revision: str, configuration: LoadedConfiguration, report: Report, *, asks_later: bool = False
) -> Plan:
    """Return a plan in which every candidate is followed by the same candidate at another revision.

    The added candidate takes its import path or its model file from the tree of that revision. It has a separate
    environment, which is built first. With one candidate, the revision is the baseline.

    Args:
        plan: The plan; its candidates are those of the working tree.
        revision: A name that git knows, such as `main`.
        configuration: The configuration, which may name the command that builds the environment.
        report: Called with each line of progress.
        asks_later: Whether the user will be asked to trust a configuration file; see `check_plan`.

    Raises:
        UsageError: The revision, or a file in it, does not exist, or a candidate cannot be taken from it.
        EngineError: The environment could not be built.
    """
    for candidate in plan.candidates:
        if candidate.python or candidate.model.is_temporary_pickle:
            raise UsageError(f"{candidate.name} cannot be taken from a revision; omit its interpreter, or --against.")
    here = Path.cwd()
    repository = Repository(here)
    commit = repository.commit(revision)
    for candidate in plan.candidates:
        _check_module(candidate, repository.root, here, configuration.folder)
    other, tree = _build_revision(repository, revision, commit, here, plan.candidates, configuration, report)
    pairs = [(one, _at(one, other, repository.root, tree)) for one in plan.candidates]
    trust = plan.trust
    for one, there in pairs:
        if one.model.file:
            trust = _trusting(trust, one.model, there.model)
    candidates = make_slugs_unique(candidate for pair in pairs for candidate in pair)
    baseline = candidates[1].slug if len(pairs) == 1 and plan.baseline is None else plan.baseline
    found = msgspec.structs.replace(plan, candidates=candidates, baseline=baseline, trust=trust)
    check_plan(found, asks_later=asks_later)
    return found


def candidate_of_result(
    candidate: Candidate,
    measured: WorkingTree,
    inputs: Mapping[str, str],
    when: str,
    configuration: LoadedConfiguration,
    report: Report,
) -> Candidate:
    """Return a candidate as it was when a result was measured, from the commit that was checked out then.

    The repository is that of the working directory, which may be another clone.

    Args:
        candidate: The candidate of the result; it runs under the interpreter of the engine.
        measured: The working tree of the result.
        inputs: SHA-256 of each file and module of the result, by name.
        when: A word that distinguishes the revision, for its name.
        configuration: The configuration, which may name the command that builds the environment.
        report: Called with each line of progress.

    Raises:
        UsageError: The commit or the model does not exist any more, or was modified when it was measured.
        EngineError: The environment could not be built.
    """
    short = measured.commit[:SHORT_COMMIT]
    if measured.is_modified:
        raise UsageError(f"it was measured with uncommitted changes to commit {short}, which git does not keep.")
    try:
        repository = Repository(Path.cwd(), needed_by="--confirm")
    except UsageError as error:
        raise UsageError(f"{str(error).rstrip('.')}; the model was measured in {measured.root}.") from None
    try:
        commit = repository.commit(measured.commit)
    except UsageError:
        raise UsageError(
            f"the git repository of the working directory has no commit {short}; the model was measured in "
            f"{measured.root}."
        ) from None
    here, model = repository.root / measured.folder, candidate.model
    if model.file:
        file = moved(Path(measured.root, measured.folder, model.file), Path(measured.root), repository.root)
        candidate = msgspec.structs.replace(candidate, model=msgspec.structs.replace(model, file=str(file)))
    revision, tree = _build_revision(repository, f"{short}, {when}", commit, here, [candidate], configuration, report)
    found = _at(candidate, revision, repository.root, tree)
    known = inputs.get(model.file or f"the module {model.factory.partition(':')[0]}")
    folder = Path(revision.folder)
    places = (
        [Path(found.model.file)]
        if model.file
        else [*_in_tree(model.factory, (folder, folder / "src", tree, tree / "src", *map(Path, revision.modules)))]
    )
    if places and known and known not in map(digest_of, places):
        raise UsageError(
            f"{model.file or model.factory.partition(':')[0]} in commit {short} differs from what was measured."
        )
    return found


def _build_revision(
    repository: Repository,
    name: str,
    commit: str,
    here: Path,
    candidates: Sequence[Candidate],
    configuration: LoadedConfiguration,
    report: Report,
) -> tuple[Revision, Path]:
    """Build the tree and the environment of a commit, and return the revision and its tree.

    Args:
        repository: The repository.
        name: Name of the revision.
        commit: Hash of the commit.
        here: The working directory.
        candidates: Candidates that are taken from it.
        configuration: The configuration, which may name the command that builds the environment.
        report: Called with each line of progress.

    Raises:
        UsageError: The working directory does not exist there, or the command is not trusted.
        EngineError: The environment could not be built.
    """
    command = _command(configuration)
    where = (configuration.folder if command else here).absolute()
    tree, python = build(
        repository,
        commit,
        command=command,
        folder=_relative(where, repository.root),
        packages=(package for candidate in candidates for package in packages_of(candidate)),
        report=lambda line: report(f"{name}: {line}"),
    )
    revision = Revision(
        name=name,
        commit=commit,
        python=str(python),
        folder=str(moved(here, repository.root, tree)),
        modules=(str(moved(configuration.folder, repository.root, tree)),),
        python_path=mapped_python_path(os.environ, repository.root, tree),
    )
    if not Path(revision.folder).is_dir():
        raise UsageError(f"The working directory does not exist in revision {name}.")
    return revision, tree


def _command(configuration: LoadedConfiguration) -> str:
    command = configuration.configuration.against.command
    if command and not configuration.is_trusted_location:
        raise UsageError(
            f"The environment of the revision is built by the command {command!r}, which latency-tui.toml in this "
            "directory names. If you trust that file, add --trust ./latency-tui.toml."
        )
    return command


def _at(candidate: Candidate, revision: Revision, root: Path, tree: Path) -> Candidate:
    """Return a candidate at a revision.

    Raises:
        UsageError: Its model file does not exist there.
    """
    model = candidate.model
    if model.file:
        path = moved(Path(model.file), root, tree).absolute()
        if not os.path.exists(path):  # noqa: PTH110 (Path.exists raises for a folder without access)
            raise UsageError(f"{model.file} is not in revision {revision.name}; git has no such file there.")
        model = msgspec.structs.replace(model, file=str(path), file_format=kind_of(path), file_digest="")
    return msgspec.structs.replace(candidate, model=model, revision=revision)


def _trusting(trust: Trust, mine: ModelSpec, other: ModelSpec) -> Trust:
    """Return the trust, extended to the version of a trusted file at the other revision."""
    types = trust.files.get(digest_of_model(mine), ())
    return trust.extended(digest_of_model(other), types) if types else trust


def _relative(folder: Path, root: Path) -> Path:
    found = moved(folder, root, Path())
    return Path() if found.is_absolute() else found


def _check_module(candidate: Candidate, root: Path, here: Path, folder: Path) -> None:
    """Check that the module of an import path is that of the working tree, and not an older installed copy.

    Raises:
        UsageError: It is installed, and differs from the module in the working tree.
    """
    factory = candidate.model.factory
    if not factory or not runs_code(factory, {}):
        return
    found = source_of(factory, (str(here), str(folder)))
    if found is None or not {"site-packages", "dist-packages"} & set(found.parts):
        return
    for mine in _in_tree(factory, (here, here / "src", root, root / "src")):
        if mine.read_bytes() != found.read_bytes():
            raise UsageError(
                f"{factory.partition(':')[0]} would be imported from {found}, which differs from {mine}; install the "
                "working tree first: pip install -e ."
            )
        return


def _in_tree(factory: str, folders: Iterable[Path]) -> Iterable[Path]:
    name = factory.partition(":")[0].replace(".", "/")
    places = (folder / f"{name}{end}" for folder in folders for end in (".py", "/__init__.py"))
    return (place for place in places if place.is_file())
