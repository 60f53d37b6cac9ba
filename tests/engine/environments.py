"""Virtual environments for tests: they share the installed packages, and may put others before them."""

from __future__ import annotations

import sys
import venv
from pathlib import Path


def make_environment(folder: Path, *first: Path, shared: bool = True) -> Path:
    """Create a virtual environment without pip and return its interpreter.

    Args:
        folder: The folder to create.
        first: Folders that its interpreter searches before the installed packages.
        shared: Whether it has the packages of this environment, latency-tui among them.
    """
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    root = str(Path(__file__).parents[2])
    folders = [
        *map(str, first),
        *([root, *(path for path in sys.path if path.endswith("-packages"))] if shared else []),
    ]
    (packages / "folders.pth").write_text("".join(f"{path}\n" for path in folders))
    return folder / "bin" / "python"
