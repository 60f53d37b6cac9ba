"""The command that measures on other machines."""

from __future__ import annotations

from latency_tui.tui.commands.base import PlanCommand


class MeasureOnHosts(PlanCommand):
    """Measure on other machines, reached over SSH or through a Dask cluster; afterwards, show their results again."""

    title, keys = "Measure on other machines", ("H",)
