"""Identifies the commit of the git working tree that a plan is measured in."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from latency_tui.catalog.configuration import runs_code
from latency_tui.catalog.repository import Repository
from latency_tui.errors import UsageError
from latency_tui.plan.plan import Plan

SHORT_COMMIT = 12
"""Digits of a commit that are shown."""


class WorkingTree(msgspec.Struct, frozen=True, kw_only=True):
    """A git working tree at the time of a measurement.

    Attributes:
        root: Its root folder.
        folder: The working directory, relative to the root.
        commit: Hash of the commit that was checked out.
        is_modified: Whether tracked files differed from the commit. It is only determined if a model is imported from a
            module, because only then the result depends on other files too.
    """

    root: str
    folder: str
    commit: str
    is_modified: bool = False


def find_working_tree(plan: Plan) -> WorkingTree | None:
    """Return the working tree of the working directory; None outside of one, or if no model can come from it.

    git runs programs that the configuration of a repository names when it looks for modified files, so it only looks
    for them if the plan runs code of the user anyway.
    """
    models = [one.model for one in plan.candidates if not one.model.is_temporary_pickle]
    runs_modules = any(model.factory and runs_code(model.factory, {}) for model in models)
    if not runs_modules and not any(model.file for model in models):
        return None
    try:
        here = Path.cwd()
        repository = Repository(here)
        return WorkingTree(
            root=str(repository.root),
            folder=os.path.relpath(os.path.realpath(here), os.path.realpath(repository.root)),
            commit=repository.commit("HEAD"),
            is_modified=runs_modules and repository.is_modified(),
        )
    except (UsageError, OSError):
        return None
