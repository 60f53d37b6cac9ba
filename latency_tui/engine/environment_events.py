"""Events of candidates that run under other interpreters than the engine. See `protocol` for all events."""

from __future__ import annotations

import msgspec


class EnvironmentIdentified(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The environment of a candidate is known; sent for all candidates if one of them has another interpreter.

    Attributes:
        job: The job that asked for it.
        candidate: The candidate's slug.
        versions: Version of Python and of each library, by name.
    """

    job: str
    candidate: str
    versions: dict[str, str]


class PredictionsCompared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The predictions of a candidate under another interpreter were compared with those of the same model elsewhere.

    Attributes:
        job: The job.
        candidate: The candidate's slug.
        reference: Slug of the other candidate.
        rows: Number of rows that both predicted.
        differing: Number of rows on which they differ.
    """

    job: str
    candidate: str
    reference: str
    rows: int
    differing: int
