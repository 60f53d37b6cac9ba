"""Saved results with which `check` compares: one for this machine, or one for each of several hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from latency_tui.analysis.saved_results import ComparedResult, find_environment_differences, find_workload_differences
from latency_tui.engine.protocol import EngineStarted, Event
from latency_tui.errors import UsageError
from latency_tui.history.earlier_results import earlier_results
from latency_tui.history.reading import measured_hosts, read_result_or_suite
from latency_tui.history.references import is_path
from latency_tui.plan import Plan, slugify
from latency_tui.plan.limits import WITHOUT_INTERVAL, Limit
from latency_tui.result.host_entries import SEPARATOR
from latency_tui.result.result import Result
from latency_tui.result.saved_comparison import Difference
from latency_tui.text.saved_comparison import describe_difference

_SHOWN = 3


@dataclass(kw_only=True)
class SavedBaseline:
    """A saved result with which the relative limits compare.

    Attributes:
        name: How it was named.
        saved: Its figures.
        limits: The relative limits, which are not part of the plan.
        earlier: Returns earlier results of the same plan and environment.
        allow_other: Whether another environment is accepted.
        differences: What differs in the environment, once it is known.
    """

    name: str
    saved: ComparedResult
    limits: tuple[Limit, ...]
    earlier: Callable[[Result], Sequence[Result]]
    allow_other: bool = False
    differences: list[Difference] = field(default_factory=list)

    def check_models(self, plan: Plan) -> None:
        """Check that the baseline has every model that a relative limit is on.

        Raises:
            UsageError: It lacks one.
        """
        known = {key: one for one in self.saved.candidates for key in (slugify(one.name), one.slug)}
        for candidate in plan.candidates:
            limits = [limit for limit in self.limits if limit.candidate in (None, candidate.slug)]
            counterpart = known.get(candidate.slug) or known.get(slugify(candidate.name))
            if limits and counterpart is None:
                names = ", ".join(one.slug for one in self.saved.candidates) or "none"
                raise UsageError(
                    f"{self.name} has no model {candidate.slug} to compare with; it has {names}. Name the model that a "
                    f"limit is on, as in 'MODEL: {self.limits[0].text}'."
                )
            for limit in limits:
                if counterpart and limit.metric in WITHOUT_INTERVAL and counterpart.figures.get(limit.metric, 0.0) <= 0:
                    what = "score above 0" if limit.metric == "score" else "cold start (measure it with --cold-start)"
                    raise UsageError(
                        f"'{limit}' cannot be judged, because {self.name} has no {what} of {candidate.slug}."
                    )

    def check_workload(self, plan: Plan) -> None:
        """Refuse a plan whose calls compute something else than those of the baseline.

        Raises:
            UsageError: The data, the method, the batch size or another part of the workload differs.
        """
        if differences := find_workload_differences(self.saved.plan, plan):
            named = "; ".join(map(describe_difference, differences[:_SHOWN]))
            raise UsageError(
                f"{self.name} was measured with another workload: {named}. Use the same options, or measure the "
                "baseline again."
            )

    def watch(self, event: Event) -> None:
        """Refuse an environment that is not that of the baseline, before anything is measured.

        Raises:
            UsageError: CPU, cores or a version differ, or the environment of the baseline is unknown.
        """
        if not isinstance(event, EngineStarted):
            return
        self.differences[:] = find_environment_differences(self.saved.environment, event.environment)
        if self.allow_other:
            return
        advice = "measure the baseline again here, or add --allow-other-environment"
        if self.saved.environment is None:
            raise UsageError(f"{self.name} does not say on which machine it was measured; {advice}.")
        if self.differences:
            differences = "; ".join(map(describe_difference, self.differences[:_SHOWN]))
            more = len(self.differences) - _SHOWN
            differences += f"; and {more} more" if more > 0 else ""
            raise UsageError(f"{self.name} was measured in another environment: {differences}. To compare, {advice}.")


def open_baselines(
    named: str, relative: Sequence[Limit], history: Path | None, *, allow_other: bool, on_hosts: bool
) -> dict[str, SavedBaseline]:
    """Return saved baselines by host, with the key `""` for one that holds for every machine.

    Args:
        named: A file or a result of the history. A file with the results of several hosts has a baseline per host.
        relative: The limits that compare with it.
        history: The file of the history.
        allow_other: Whether another environment is accepted.
        on_hosts: Whether several hosts measure.

    Raises:
        UsageError: There is no such result, or no limit compares with it.
    """
    hosts = measured_hosts(Path(named).expanduser()) if on_hosts and is_path(named) else []
    if not relative:
        raise UsageError(f"No limit compares with {named}; add one, such as --limit 'p50 < 1.05x'.")
    if len(hosts) > 1:
        return {host: _open(f"{named}{SEPARATOR}{host}", relative, history, allow_other) for host in hosts}
    return {"": _open(named, relative, history, allow_other)}


def _open(named: str, relative: Sequence[Limit], history: Path | None, allow_other: bool) -> SavedBaseline:
    result = read_result_or_suite(named, history, samples=False)

    def earlier(current: Result) -> list[Result]:
        return earlier_results(result, current, history)

    return SavedBaseline(
        name=named, saved=ComparedResult.of(result), limits=tuple(relative), earlier=earlier, allow_other=allow_other
    )
