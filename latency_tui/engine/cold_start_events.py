"""Events of the pass that starts candidates in fresh processes. See `protocol` for all events."""

from __future__ import annotations

import msgspec


class ColdStartStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The rounds are over, and a candidate is being started in a fresh process."""

    job: str
    launch: int
    candidate: str


class ColdStartMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A candidate was started in a fresh process, apart from all timed calls.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        candidate: The candidate's slug.
        import_seconds: Time to import the modules that the model needs.
        load_seconds: Time to load the fitted model.
        memory_before: Resident bytes of the bare process.
        memory_after: Resident bytes once the model is loaded.
        memory_peak: Most resident bytes, including the calls.
        first_calls: Durations of the first calls (at most 100), nanoseconds.
    """

    job: str
    launch: int
    candidate: str
    import_seconds: float
    load_seconds: float
    memory_before: int
    memory_after: int
    memory_peak: int
    first_calls: tuple[int, ...]
