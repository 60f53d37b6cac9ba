"""`python -m latency_tui.engine.candidate.inspect_child FILE`: what a model file holds and asks to trust, as JSON.

A program of its own, since to ask skops takes scikit-learn, which the process that draws does not import.
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
        `title`, `sha256`, `runs_code` (whether loading it runs its author's code), `untrusted_types` (of a
        skops file, what has to be trusted by name) and `remembered` (those that were trusted in this very file before).

    Raises:
        LatencyTuiError: The file is not there, not what it says or damaged, or a library is missing.
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
    """Print it, or `{"error": ...}` with exit code 2."""
    try:
        found = inspect(Path(sys.argv[1]))
    except LatencyTuiError as error:
        found = {"error": str(error)}
    sys.stdout.write(json.dumps(found) + "\n")
    return 2 if "error" in found else 0


if __name__ == "__main__":
    sys.exit(main())
