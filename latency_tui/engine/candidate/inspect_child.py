"""`python -m latency_tui.engine.candidate.inspect_child FILE`: prints the content of a model file as JSON.

It is a separate program, because skops imports scikit-learn, which the process of the screen must not import.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from latency_tui.catalog.model_files import RUNS_CODE, TITLES, kind_of
from latency_tui.catalog.trust_store import digest_of, recall
from latency_tui.engine.candidate.models.model_files import untrusted_types
from latency_tui.errors import LatencyTuiError


def inspect(path: Path) -> dict[str, object]:
    """Return what a dialog shows before a file is loaded.

    Returns:
        `title`, `sha256`, `runs_code` (whether loading the file runs its author's code), `untrusted_types` (types in a
        skops file that need trust) and `remembered` (those that were trusted in this file before).

    Raises:
        LatencyTuiError: The file does not exist, does not match its name or is damaged, or a library is missing.
    """
    kind, digest = kind_of(path), digest_of(path)
    try:
        types = untrusted_types(path.read_bytes()) if kind == "skops" else []
    except LatencyTuiError:
        raise
    except Exception as error:
        raise LatencyTuiError(f"{path} cannot be read as {TITLES[kind]}: it is truncated or damaged.") from error
    return {
        "title": TITLES[kind],
        "sha256": digest,
        "runs_code": kind in RUNS_CODE,
        "untrusted_types": types,
        "remembered": list(recall().get(digest, ())) if kind == "skops" else [],
    }


def main() -> int:
    """Print the description, or `{"error": ...}` with exit code 2."""
    try:
        found = inspect(Path(sys.argv[1]))
    except LatencyTuiError as error:
        found = {"error": str(error)}
    sys.stdout.write(json.dumps(found) + "\n")
    return 2 if "error" in found else 0


if __name__ == "__main__":
    sys.exit(main())
