"""A known slowdown of a model, by which one can see whether a gate would find a regression of that size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

from latency_tui.plan.settings import Setting


def with_slowdown(call: Callable[[Any], Any], settings: Mapping[str, Setting]) -> Callable[[Any], Any]:
    """Return a call that takes longer by the share in the setting `slowdown`; the same call without this setting.

    After each call it spins for a share of that call's duration, so the ratio to the model itself does not change if
    the machine drifts. A share of 0 has the same overhead as any other share, so it is the right baseline.
    """
    if "slowdown" not in settings:
        return call
    share, clock = float(settings["slowdown"]), perf_counter_ns

    def slowed(value: Any) -> Any:
        started = clock()
        answer = call(value)
        ended = clock()
        until = ended + (ended - started) * share
        while clock() < until:
            pass
        return answer

    return slowed
