"""Reads the git repository of the working directory, and checks out revisions of it elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from latency_tui.errors import UsageError

_CHECKOUT_SECONDS = 600.0
"""Time limit of a checkout; a large tree with submodules may take minutes."""
_QUERY_SECONDS = 10.0
"""Time limit of other commands, which may delay a measurement."""
_OF_A_HOOK = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"),
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
"""Variables that git sets for hooks. With them a checkout elsewhere would change the index of the working tree."""


class Repository:
    """A git repository with a working tree.

    Args:
        folder: A folder in the working tree.
        needed_by: The option that needs it, for messages.

    Attributes:
        root: The root folder of the working tree.

    Raises:
        UsageError: The folder is in no repository with a working tree, or git is not installed.
    """

    def __init__(self, folder: Path, needed_by: str = "--against") -> None:
        self._folder, self._needed_by = folder, needed_by
        done = self._git("rev-parse", "--is-inside-work-tree", "--show-toplevel", "--is-bare-repository")
        lines = done.stdout.splitlines()
        if done.returncode and "--show-toplevel" not in done.stderr and "work tree" not in done.stderr:
            why = _first_line(done.stderr)
            if "not a git repository" in why:
                raise UsageError(f"{needed_by} needs a git repository, and the working directory is not in one.")
            raise UsageError(f"{needed_by} cannot use this git repository: {why}.")
        if done.returncode or lines[:1] != ["true"]:
            raise UsageError(f"{needed_by} needs a git repository with a working tree, and this one is bare.")
        self.root = Path(lines[1])

    def commit(self, revision: str) -> str:
        """Return the hash of the commit of a revision.

        Raises:
            UsageError: There is no such revision, or this shallow clone lacks it.
        """
        if revision.strip() and "\0" not in revision:
            done = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            if not done.returncode:
                return done.stdout.strip()
        if self._git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
            raise UsageError(
                f"There is no revision {revision!r} in this shallow clone; run git fetch --unshallow, or set "
                "fetch-depth: 0 in GitHub Actions."
            )
        raise UsageError(f"There is no revision {revision!r}; git branch --all and git tag list names.")

    def is_modified(self) -> bool:
        """Return whether tracked files differ from the commit that is checked out; nothing is written.

        Raises:
            UsageError: git failed, or took too long.
        """
        done = self._git(
            *("--no-optional-locks", "-c", "core.fsmonitor=false"),
            *("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"),
        )
        if done.returncode:
            raise UsageError(f"git cannot list modified files: {_last_line(done.stderr)}.")
        return bool(done.stdout.strip())

    def check_out(self, commit: str, tree: Path) -> None:
        """Check out a commit into a folder, with its submodules. The working tree and its index are not touched.

        Raises:
            UsageError: git cannot check it out.
        """
        # Hooks are disabled: they may expect the working tree. --force reuses the path of a folder that was removed.
        without_hooks = ("-c", f"core.hooksPath={os.devnull}")
        done = self._git(
            *without_hooks, "worktree", "add", "--force", "--detach", str(tree), commit, seconds=_CHECKOUT_SECONDS
        )
        if done.returncode:
            raise UsageError(f"git cannot check out {commit[:12]}: {_last_line(done.stderr)}.")
        if (tree / ".gitmodules").exists():
            done = self._git(
                *without_hooks, "submodule", "update", "--init", "--recursive", folder=tree, seconds=_CHECKOUT_SECONDS
            )
            if done.returncode:
                raise UsageError(
                    f"The submodules of {commit[:12]} cannot be checked out: {_last_line(done.stderr)}. Commit them, "
                    "and push them to where the repository gets them from."
                )

    def remove_worktree(self, tree: Path) -> None:
        """Remove one worktree. Others are not pruned, because they may be on a disk that is not mounted."""
        self._git("worktree", "remove", "--force", str(tree), seconds=_CHECKOUT_SECONDS)

    def _git(
        self, *words: str, folder: Path | None = None, seconds: float = _QUERY_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            return subprocess.run(  # noqa: S603 (git, with an argument list)
                ["git", *words],  # noqa: S607 (the user's git)
                cwd=folder or self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(f"{self._needed_by} needs git, which is not installed.") from None
        except subprocess.TimeoutExpired:
            raise UsageError(f"git {words[0]} did not end within {seconds:g} s.") from None


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "git failed").removeprefix("fatal: ").rstrip(".")


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "git failed").removeprefix("fatal: ").rstrip(".")
