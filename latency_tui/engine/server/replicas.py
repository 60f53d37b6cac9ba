"""Replicas: further processes of every candidate, because each process gets other physical memory.

Each replica loads the model that the candidate's first process has stored, and warms up. If a replica cannot answer,
its candidate has failed. A model that cannot be stored is prepared again in each replica if that is quick. If it is
not, or if the stored model cannot be loaded, the first process measures alone.
"""

from __future__ import annotations

import os
import random
from collections import deque
from collections.abc import Mapping

from latency_tui.engine import machine
from latency_tui.engine.candidate_protocol import Failed, LoadStored, Prepare, Prepared, Store, Stored, Warmed
from latency_tui.engine.server.candidate_process import CandidateProcess
from latency_tui.engine.server.supervisor import Supervisor
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.candidates import NATIVE

STORE_SECONDS = 10.0
"""Time limit for storing a model or taking over a stored one, in addition to the plan's time limit for a call."""
FORK_SERVER_SECONDS = 60.0
"""Time limit for importing libraries into a fork server."""
QUICK_SECONDS = 0.5
"""A model that cannot be stored is prepared again in each replica if that takes less than this."""
REPLICAS_SHARE = 0.25
"""Share of the free memory that the replicas of all candidates may take."""
MAX_PREPARED = 12
"""Most replicas of a candidate whose model is prepared again in each."""


def make_replicas(supervisor: Supervisor, plan: Plan, count: int, cores: Mapping[str, tuple[int, ...]]) -> None:
    """Start replicas of every candidate of the plan that is ready, several at once.

    Candidates take turns here too, in an order drawn afresh each time: processes forked in a row share the state of
    this process. If the processes of one candidate were forked before those of the next, that state would look like a
    difference between the candidates.

    Args:
        supervisor: Holds the candidates, and the replicas from now on.
        plan: Says which candidates.
        count: Replicas per candidate, if there is memory for them.
        cores: The cores that each candidate is measured on, by slug.
    """
    supervisor.end_replicas()
    requests: dict[str, LoadStored | Prepare] = {}
    try:
        for candidate in plan.all_candidates:
            process = supervisor.process(candidate.slug)
            if process and (request := _make_request(supervisor, process, candidate, plan, cores[candidate.slug])):
                requests[candidate.slug] = request
        loading = [slug for slug, request in requests.items() if isinstance(request, LoadStored)]
        supervisor.fork_servers.start(
            [process for slug in loading if (process := supervisor.process(slug))],
            plan.call_timeout + STORE_SECONDS + FORK_SERVER_SECONDS,
        )
        wanted = {
            slug: min(count, _affordable_replicas(one, len(plan.all_candidates))) for slug, one in requests.items()
        }
        turns = deque(
            slug
            for number in range(count)
            for slug in random.sample(sorted(requests), len(requests))
            if number < wanted[slug]
        )
        _start(supervisor, turns, requests, plan)
    finally:
        supervisor.fork_servers.end()
        for stored in supervisor.folder.glob("*.replica"):
            stored.unlink()


def _start(supervisor: Supervisor, turns: deque[str], requests: dict[str, LoadStored | Prepare], plan: Plan) -> None:
    """Start a replica for each slug in `turns`, as many at once as there are cores for their threads and jobs."""
    wide = [
        plan.threads,
        *(wish for c in plan.all_candidates for wish in (c.cores_wanted, supervisor.job_count(c.slug))),
    ]
    max_parallel = max(supervisor.max_parallel // max(wish or supervisor.max_parallel for wish in wide), 1)
    starting: list[CandidateProcess] = []
    while turns or starting:
        while turns and len(starting) < max_parallel:
            if (slug := turns.popleft()) in requests:
                try:
                    starting.append(supervisor.start_replica(slug, requests[slug], plan.call_timeout + STORE_SECONDS))
                except OSError:  # no process, memory or descriptor is left: the replicas that run are enough
                    turns.clear()
        for replica in supervisor.ready(starting):
            if replica not in starting:  # it ended with another replica of its candidate, which has just failed
                continue
            starting.remove(replica)
            reply = replica.reply() if replica.slug in supervisor else None
            replica.call_ns = reply.call_ns if isinstance(reply, Warmed) else None
            if isinstance(reply, Warmed | Prepared):
                continue
            requests.pop(replica.slug, None)
            if isinstance(reply, Failed) and reply.stage == "warm-up":
                replica.stage = reply.stage
                supervisor.mark_failed(replica, "raised", reply.message, reply.traceback)
            else:
                _drop(supervisor, replica.slug, starting)
        starting = [replica for replica in starting if replica.slug in supervisor]


def _make_request(
    supervisor: Supervisor, process: CandidateProcess, candidate: Candidate, plan: Plan, cores: tuple[int, ...]
) -> LoadStored | Prepare | None:
    """Return the request that makes a process a replica; None if there can be no replicas."""
    path = supervisor.folder / f"{candidate.slug[:40].replace('/', '-')}-{process.pid}.replica"
    process.ask(Store(path=str(path)), "loading", timeout=plan.call_timeout + STORE_SECONDS)
    supervisor.wait_for(process)
    if candidate.slug not in supervisor:
        return None
    reply = process.reply()
    if isinstance(reply, Stored):
        process.libraries = reply.libraries
        return LoadStored(path=str(path), candidate=candidate, threads=plan.threads, pinned=cores)
    if reply is None:
        supervisor.mark_failed(process, "crashed", process.exit_reason(), process.log_tail())
    slow = process.prepared_in > QUICK_SECONDS or candidate.runtime != NATIVE
    return None if reply is None or slow else process.preparation


def _affordable_replicas(request: LoadStored | Prepare, candidates: int) -> int:
    """Return how many replicas of a candidate there may be.

    A dozen if each is prepared again, otherwise as many as fit into a share of the free memory.
    """
    if isinstance(request, Prepare):
        return MAX_PREPARED
    size = 2 * os.path.getsize(request.path)  # noqa: PTH202 (a path as it travels); in memory it is often larger
    return int(machine.free_memory() * REPLICAS_SHARE / candidates) // max(size, 1)


def _drop(supervisor: Supervisor, slug: str, starting: list[CandidateProcess]) -> None:
    """End the replicas of a candidate, because one could not be started; its first process measures alone."""
    if process := supervisor.process(slug):
        for replica in process.replicas:
            if replica in starting:
                starting.remove(replica)
        process.end_replicas()
        supervisor.end_orphans()
