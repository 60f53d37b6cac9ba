"""What is measured, in a few words: rows per call and data, also if the candidates differ in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.plan.datasets import SyntheticDataset
from latency_tui.text.mix import format_requests

if TYPE_CHECKING:
    from latency_tui.plan import Plan


def describe_rows(plan: Plan) -> str:
    """Return the rows per call: `1 row`, `1,024 rows`, or `1–256 rows` if candidates differ, or the request mix."""
    if plan.workload.mix:
        return format_requests(plan.workload)
    least, *others = plan.batch_sizes
    if not others:
        return "1 row" if least == 1 else f"{least:,} rows"
    return f"{least:,}–{others[-1]:,} rows"


def describe_data(plan: Plan) -> str:
    """Return the data: `synthetic 1,000 × 20`, or `synthetic 1,000 × 10–1,000` if candidates differ."""
    titles = {
        work.dataset.features: work.dataset.title
        for work in map(plan.workload_of, plan.candidates)
        if isinstance(work.dataset, SyntheticDataset)
    }
    if len(titles) < 2:
        return next(iter(titles.values()), plan.workload.dataset.title)
    least, most = min(titles), max(titles)
    return f"{titles[least]}–{most:,}"
