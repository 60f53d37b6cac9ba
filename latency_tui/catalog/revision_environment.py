"""Builds a virtual environment for a revision of the user's repository, and keeps it in the user's cache folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple

import msgspec

from latency_tui.catalog.repository import Repository
from latency_tui.errors import EngineError, UsageError

Report = Callable[[str], None]
"""Function that shows one line of progress."""

NEEDED = ("cloudpickle", "msgspec", "narwhals", "numpy", "platformdirs", "psutil", "scikit-learn", "threadpoolctl")
"""Packages that the process of a candidate imports."""
_CREATE = (sys.executable, "-m", "venv")
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_HEARTBEAT_SECONDS = 10.0
_TAIL_LINES = 15
_TAIL_BYTES = 20_000
_LIST_INSTALLED = """
import importlib.metadata, json, re
print(json.dumps({re.sub(r"[-_.]+", "-", one.name).lower(): one.version
                  for one in importlib.metadata.distributions() if one.name}))
"""


class RevisionEnvironment(NamedTuple):
    """The tree of a revision, and the interpreter of its environment."""

    tree: Path
    python: Path


def cache_folder() -> Path:
    """Return the folder that keeps environments of revisions.

    Raises:
        UsageError: There is no home folder.
    """
    from platformdirs import user_cache_path  # deferred: only this function needs it

    try:
        return Path(user_cache_path("latency-tui", appauthor=False)) / "revisions"
    except RuntimeError:
        raise UsageError("--against keeps environments in the home folder, and there is none; set HOME.") from None


def build(
    repository: Repository,
    commit: str,
    *,
    command: str,
    folder: Path,
    packages: Iterable[str],
    report: Report,
) -> RevisionEnvironment:
    """Return the tree and the environment of a commit; both are built unless the cache contains them.

    Args:
        repository: The repository.
        commit: Hash of the commit.
        command: The shell command that installs the project; empty for `pip install .` if it can be installed.
        folder: The folder that the command runs in, relative to the root of the repository.
        packages: Packages that models need in addition to the project; missing ones get the version used here.
        report: Called with each line of progress.

    Raises:
        UsageError: git cannot check out the commit, or the cache folder cannot be written.
        EngineError: The command or another step failed; the message names the log.
    """
    key = hashlib.sha256("\0".join((commit, command, str(folder), _python())).encode()).hexdigest()[:16]
    home = cache_folder() / key
    try:
        home.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(home.with_suffix(".lock"), report):
            builder = _Builder(home, report)
            if not builder.is_complete():
                builder.build(repository, commit, command, folder)
            builder.add_latency_tui(packages)
    except OSError as error:
        raise UsageError(
            f"The environment of {commit[:12]} cannot be kept in {home}: {error.strerror or error}."
        ) from error
    return RevisionEnvironment(home / "tree", home / "env" / "bin" / "python")


class _Builder:
    def __init__(self, home: Path, report: Report) -> None:
        self._home = home
        self._tree, self._env = home / "tree", home / "env"
        self._log, self._mark = home / "build.log", home / "complete"
        self._python = self._env / "bin" / "python"
        self._report = report

    def is_complete(self) -> bool:
        return self._mark.exists() and self._python.exists() and self._tree.is_dir()

    def build(self, repository: Repository, commit: str, command: str, folder: Path) -> None:
        shutil.rmtree(self._home, ignore_errors=True)  # remains of an interrupted build
        self._home.mkdir(mode=0o700)
        try:
            self._report(f"checking out {commit[:12]}")
            repository.check_out(commit, self._tree)
            self._report("creating its virtual environment")
            self._run([*_CREATE, str(self._env)], self._home, "python -m venv")
            where, command = self._installation(folder, command)
            if command:
                self._report(f"running {command}")
                self._run(["/bin/sh", "-c", command], where, command)
        except BaseException:
            repository.remove_worktree(self._tree)
            shutil.rmtree(self._tree, ignore_errors=True)
            raise
        self._mark.write_text(f"{commit}\n{command}\n")

    def _installation(self, folder: Path, command: str) -> tuple[Path, str]:
        """Return the folder and the command of the installation; by default those of the nearest project file."""
        here = self._tree / folder
        if command:
            return (here if here.is_dir() else self._tree), command
        for place in (here, *here.parents):
            if any((place / name).exists() for name in _PROJECT_FILES):
                return place, "pip install ."
            if (place / "requirements.txt").exists():
                return place, "pip install -r requirements.txt"
            if place == self._tree:
                break
        return self._tree, ""

    def add_latency_tui(self, packages: Iterable[str]) -> None:
        """Make this installation of latency-tui importable there, and install missing packages.

        Packages are missing if latency-tui or the models need them and the project does not install them. They get the
        version that is used here, and no installed package is changed.
        """
        [site] = self._env.glob("lib/python*/site-packages")
        link, package = site / "latency_tui", Path(__file__).parents[1]
        if link.is_symlink() or not link.exists():
            if link.is_symlink() and link.resolve() != package.resolve():
                link.unlink()
            if not link.exists():
                link.symlink_to(package)
            _write_metadata(site)
        installed = self._installed()
        missing = [name for name in dict.fromkeys((*NEEDED, *packages)) if name not in installed]
        if missing:
            self._report(f"installing {', '.join(missing)}")
            constraints = self._home / "constraints.txt"
            constraints.write_text("".join(f"{name}=={found}\n" for name, found in installed.items()))
            words = [str(self._python), "-m", "pip", "install", "--constraint", str(constraints)]
            self._run([*words, *map(_requirement, missing)], self._home, "pip install")

    def _installed(self) -> dict[str, str]:
        done = subprocess.run(  # noqa: S603 (the interpreter of the new environment)
            [self._python, "-I", "-c", _LIST_INSTALLED], capture_output=True, text=True, check=False, timeout=120
        )
        try:
            return msgspec.json.decode(done.stdout.encode(), type=dict[str, str])
        except msgspec.MsgspecError:
            raise EngineError(f"The environment in {self._env} is damaged; remove that folder.") from None

    def _run(self, words: list[str], folder: Path, shown: str) -> None:
        """Run a step with its output in the log.

        Raises:
            EngineError: It failed.
        """
        with self._log.open("ab") as log:
            log.write(f"$ {shown}\n".encode())
            log.flush()
            process = subprocess.Popen(  # noqa: S603 (the user's own command, or ours)
                words, cwd=folder, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            began = time.monotonic()
            try:
                while True:
                    try:
                        status = process.wait(_HEARTBEAT_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        self._report(f"still running {shown} ({time.monotonic() - began:.0f} s)")
            finally:
                process.kill()
                process.wait()
        if status:
            for line in _tail(self._log):
                self._report(f"| {line}")
            raise EngineError(
                f"The environment of the revision could not be built: {shown} ended with exit code {status}. The whole "
                f"log is in {self._log}."
            )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        path = os.pathsep.join((str(self._env / "bin"), os.environ.get("PATH", os.defpath)))
        return {
            **kept,
            "VIRTUAL_ENV": str(self._env),
            "PATH": path,
            "PIP_NO_INPUT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }


def _python() -> str:
    return f"{sys.executable} {platform.python_version()} {platform.machine()}"


def _requirement(name: str) -> str:
    """Return a package in the version used here; if it is not installed, in the versions that latency-tui supports."""
    try:
        return f"{name}=={version(name)}"
    except PackageNotFoundError:
        pass
    with contextlib.suppress(PackageNotFoundError):
        for requirement in requires("latency-tui") or ():
            if re.match(rf"{re.escape(name)}\b(?!-)", requirement):
                return requirement.partition(";")[0].strip()
    return name


def _write_metadata(site: Path) -> None:
    with contextlib.suppress(PackageNotFoundError):
        folder = site / f"latency_tui-{version('latency-tui')}.dist-info"
        folder.mkdir(exist_ok=True)
        text = f"Metadata-Version: 2.1\nName: latency-tui\nVersion: {version('latency-tui')}\n"
        (folder / "METADATA").write_text(text)


def _tail(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - _TAIL_BYTES, 0))
        return file.read().decode(errors="replace").strip().splitlines()[-_TAIL_LINES:]


@contextlib.contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    """Hold an exclusive file lock, which the operating system releases if the process dies."""
    with path.open("a") as file:
        is_reported = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not is_reported:
                    report("waiting for another process that builds this environment")
                    is_reported = True
                time.sleep(0.1)
        yield


def mapped_python_path(environment: Mapping[str, str], root: Path, tree: Path) -> str:
    """Return the variable PYTHONPATH for the tree of a revision, whose folders replace those of the working tree."""
    folders = environment.get("PYTHONPATH", "")
    return os.pathsep.join(str(moved(Path(folder), root, tree)) for folder in folders.split(os.pathsep) if folder)


def moved(path: Path, root: Path, tree: Path) -> Path:
    """Return the path in the tree of a revision that corresponds to one in the working tree; others are unchanged."""
    whole = os.path.normpath(path.absolute())
    for base in (str(root), os.path.realpath(root)):
        for form in (whole, os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))):  # noqa: PTH118, PTH119, PTH120
            if form == base or form.startswith(base + os.sep):
                return tree / os.path.relpath(form, base)
    return path
