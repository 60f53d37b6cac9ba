"""Checks import paths (`package.module:name`) by reading the source files; no module is imported or run."""

from __future__ import annotations

import ast
import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.errors import UsageError
from latency_tui.plan.suggest import hint

_MAX_BYTES = 16 << 20
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_DYNAMIC_BINDINGS = ("globals()", "locals()", "setattr(", "__dict__", "exec(")


def describe(text: str, folder: Path | None = None) -> str:
    """Return a description of an import path, such as `a class: C-Support Vector Classification.`.

    Args:
        text: The import path.
        folder: An additional folder in which modules are searched: that of the configuration file.

    Returns:
        The kind of object and the first line of its docstring; `a name` if these are unknown.

    Raises:
        UsageError: The text is not of the form `package.module:name`, or the module or the name does not exist.
    """
    check_form(text)
    module, _, name = text.partition(":")
    parts = module.split(".")
    spec = _find(text, parts, folder)
    first = name.partition(".")[0]
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return "a name"  # a C extension or a built-in module has no source
    try:
        source = read_whole(Path(spec.origin), _MAX_BYTES, wanted="module").decode()
        tree = ast.parse(source)
    except (UsageError, SyntaxError, ValueError, RecursionError, MemoryError):
        return "a name"  # importing the module will report the error
    bound = dict(_bound_names(tree.body))
    if first in bound:
        return _describe_node(bound[first]) if first == name else "a name"
    folders = spec.submodule_search_locations
    if folders and importlib.machinery.PathFinder.find_spec(f"{module}.{first}", list(folders)) is not None:
        return "a name"
    if {"*", "__getattr__"} & bound.keys() or any(way in source for way in _DYNAMIC_BINDINGS):
        return "a name"
    raise UsageError(f"The module {module} has no {first!r}; {hint(first, bound) if bound else 'it is empty.'}")


def check_form(text: str) -> None:
    """Check that a text has the form `package.module:name`; the module is not searched.

    Raises:
        UsageError: It has another form.
    """
    module, _, name = text.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise UsageError(f"{text!r} is not an import path; write package.module:name.")


def source_of(text: str, folders: Iterable[str] = ()) -> Path | None:
    """Return the source file of the module in an import path; None if the module has no Python source.

    Args:
        text: The import path.
        folders: Additional folders in which modules are searched.
    """
    module = text.partition(":")[0]
    for folder in (None, *map(Path, folders)):
        with suppress(UsageError):
            spec = _find(text, module.split("."), folder)
            return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None
    return None


def _search_folders(folder: Path | None) -> list[str]:
    """Return the folders that the engine searches for modules; absolute ones only if there is no working directory."""
    folders = [*sys.path, *([str(folder)] if folder else ())]
    try:
        return [*folders, os.getcwd()]  # noqa: PTH109 (a string, as in sys.path)
    except FileNotFoundError:
        return [entry for entry in folders if os.path.isabs(entry)]  # noqa: PTH117 (a string, as in sys.path)


def _find(text: str, parts: Sequence[str], folder: Path | None) -> importlib.machinery.ModuleSpec | None:
    """Return the spec of a module; None for a built-in module, or if only an import could locate it.

    Raises:
        UsageError: There is no such module.
    """
    if parts[0] in sys.builtin_module_names:
        return None
    here = _search_folders(folder)
    spec: importlib.machinery.ModuleSpec | None = None
    for index in range(len(parts)):
        name = ".".join(parts[: index + 1])
        spec = importlib.machinery.PathFinder.find_spec(name, here)
        if spec is None and index == 0:
            spec = _find_by_other_finders(name)
        if spec is None:
            raise UsageError(f"There is no module {name!r} to import {text!r} from.")
        if spec.submodule_search_locations is None and index < len(parts) - 1:
            raise UsageError(f"There is no module {'.'.join(parts[: index + 2])!r}: {name} is no package.")
        here = list(spec.submodule_search_locations or ())
    return spec


def _find_by_other_finders(name: str) -> importlib.machinery.ModuleSpec | None:
    """Return the spec of a module from other finders, such as those of editable installs; None if there is none."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and (spec := find(name, None)) is not None:
            return spec  # type: ignore[no-any-return]  # by the protocol of finders
    return None


def _bound_names(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    """Yield each name that the statements bind at module level, including branches, with its syntax node."""
    for statement in body:
        whole = isinstance(statement, _DEFINITIONS)
        for node in (statement,) if whole else ast.walk(statement):
            match node:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield node.name, node
                case ast.Import() | ast.ImportFrom():
                    yield from (((alias.asname or alias.name).partition(".")[0], node) for alias in node.names)
                case ast.Name(ctx=ast.Store()):
                    yield node.id, node


def _describe_node(node: ast.AST) -> str:
    if not isinstance(node, _DEFINITIONS):
        return "a name"
    what = "a class" if isinstance(node, ast.ClassDef) else "a function"
    summary = (ast.get_docstring(node) or "").partition("\n")[0].strip()
    return f"{what}: {summary}" if summary else what
