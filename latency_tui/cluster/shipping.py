"""Brings the files of a plan to a host, each once per content. Code is not shipped: import paths must exist there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from latency_tui.catalog.onnx_external_data import external_files
from latency_tui.catalog.trust_store import digest_of
from latency_tui.cluster import host_tasks
from latency_tui.errors import UsageError
from latency_tui.plan import FileDataset, Plan

CHUNK_BYTES = 8 << 20
"""Bytes per message, so that a large file blocks nobody for long."""


def files_of(plan: Plan) -> dict[Path, str]:
    """Return the files of a plan: maps each path to `DIGEST/NAME`, under which hosts keep it.

    Weights that an ONNX model keeps in other files are in the folder of the model, named by the model's content.

    Raises:
        UsageError: A file cannot be read, or a candidate cannot be measured on another host.
    """
    found: dict[Path, str] = {}
    for candidate in plan.candidates:
        if candidate.revision is not None or candidate.python:
            raise UsageError(f"{candidate.name} needs an environment of this machine; it cannot be measured on hosts.")
        if not candidate.model.file:
            continue
        path = Path(candidate.model.file)
        folder = digest_of(path)
        found[path] = f"{folder}/{path.name}"
        if candidate.model.file_format == "onnx":
            for weights in external_files(path):
                if weights.is_file():
                    found[weights] = f"{folder}/{weights.relative_to(path.parent)}"
    if isinstance(plan.workload.dataset, FileDataset):
        path = Path(plan.workload.dataset.path)
        found[path] = f"{digest_of(path)}/{path.name}"
    return found


async def ship(client: Any, address: str, files: dict[Path, str]) -> dict[Path, str]:
    """Send the files that a host lacks.

    Args:
        client: A Dask client.
        address: Address of the host's worker.
        files: Files by path, as `files_of` returns them.

    Returns:
        The path of each file on the host.
    """

    async def call(function: Any, *arguments: Any) -> Any:
        return (await client.run(function, *arguments, workers=[address]))[address]

    missing = set(await call(host_tasks.missing_files, [*files.values()])) if files else set()
    for path, name in files.items():
        if name in missing:
            partial = await call(host_tasks.begin_file, name)
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    await call(host_tasks.append_to_file, partial, chunk)
            await call(host_tasks.finish_file, partial, digest_of(path))
    return {path: await call(host_tasks.path_of_file, name) for path, name in files.items()}


def relocate(plan: Plan, paths: dict[Path, str]) -> Plan:
    """Return the plan with the paths of its files on a host."""
    candidates = tuple(
        msgspec.structs.replace(
            candidate, model=msgspec.structs.replace(candidate.model, file=paths[Path(candidate.model.file)])
        )
        if candidate.model.file
        else candidate
        for candidate in plan.candidates
    )
    workload = plan.workload
    if isinstance(workload.dataset, FileDataset):
        dataset = msgspec.structs.replace(workload.dataset, path=paths[Path(workload.dataset.path)])
        workload = msgspec.structs.replace(workload, dataset=dataset)
    return msgspec.structs.replace(plan, candidates=candidates, workload=workload)
