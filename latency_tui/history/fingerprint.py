"""Computes fingerprints, which identify results of the same plan on the same machine."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.plan import Plan
from latency_tui.plan.datasets import FileDataset, StoredDataset

_LENGTH = 12


def plan_fingerprint(plan: Plan) -> str:
    """Return the fingerprint of what a plan measures.

    It does not depend on the duration (runs, seconds, launches), on the evaluation (baseline, limits) or on the folders
    of files.
    """
    dataset = plan.workload.dataset
    if isinstance(dataset, FileDataset):
        dataset = msgspec.structs.replace(dataset, path=Path(dataset.path).name)
    elif isinstance(dataset, StoredDataset):
        dataset = msgspec.structs.replace(dataset, path="")
    candidates = [
        [
            candidate.slug,
            candidate.model.factory,
            candidate.model.parameters,
            "" if candidate.model.is_temporary_pickle else Path(candidate.model.file).name,
        ]
        for candidate in plan.candidates
    ]
    return _digest(
        [
            sorted(candidates, key=lambda one: str(one[0])),
            {**_without_defaults(plan.workload), "dataset": [_tag(dataset), _without_defaults(dataset)]},
            plan.pinning,
            plan.threads,
        ]
    )


def environment_fingerprint(environment: Environment | None) -> str:
    """Return the fingerprint of CPU model, number of cores and versions; empty if the environment is unknown."""
    if environment is None:
        return ""
    return _digest([environment.cpu, environment.cores, environment.python, environment.versions])


def result_id(created_at: datetime, plan: Plan) -> str:
    """Return the id of a result.

    It is computed from the start time and the plan's fingerprint, so a result that is imported, continued or compared
    with another baseline keeps its id.
    """
    return _digest([created_at.astimezone(UTC).isoformat(timespec="microseconds"), plan_fingerprint(plan)])


def _tag(value: msgspec.Struct) -> str:
    return str(value.__struct_config__.tag)


def _without_defaults(value: msgspec.Struct) -> dict[str, Any]:  # Any: values of fields
    """Return the fields that differ from their defaults, so that a field of a later version changes no fingerprint."""
    found = {}
    for field in msgspec.structs.fields(value):
        has_factory = field.default_factory is not msgspec.NODEFAULT
        default = field.default_factory() if has_factory else field.default
        if (content := getattr(value, field.name)) != default:
            found[field.name] = content
    return found


def _digest(value: Any) -> str:  # Any: anything that JSON can represent
    content = msgspec.json.encode(value, order="sorted", enc_hook=repr)
    return hashlib.sha256(content).hexdigest()[:_LENGTH]
