"""The dialog that sets the options of the plan: one line per option, with its valid values."""

from __future__ import annotations

from textual.app import ComposeResult

from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.text.formatting import format_seconds
from latency_tui.tui.plan_options import OPTIONS, UNTIL_DECIDED, estimated_seconds, missing_for_onnx, read_options
from latency_tui.tui.screens.options_form import OptionsForm, option_line

PlanChange = tuple[Plan, tuple[str, ...]]
"""The new plan, and the runtimes under which the selected models are measured; empty to keep their runtimes."""


class MeasurementOptions(OptionsForm[PlanChange]):
    """Edits the options of a plan; Enter applies all lines, Escape cancels.

    Args:
        plan: The current plan with the selected models.
        calls: Mean duration of a call in seconds, by slug, of the models that were measured.
    """

    HEADING = "How to measure"

    def __init__(self, plan: Plan, calls: dict[str, float]) -> None:
        super().__init__()
        self._plan = plan
        self._calls = calls

    def compose_lines(self) -> ComposeResult:
        """Yield a line for each option."""
        for option in OPTIONS:
            suggested = UNTIL_DECIDED if option.name == "runs" else ""
            yield from option_line(option.name, option.label, option.write(self._plan), option.hint, suggested)
        missing = " and ".join(missing_for_onnx())
        known = f"sklearn; onnx needs {missing}" if missing else "sklearn, onnx or both; empty for those listed"
        yield from option_line("runtime", "Runtime", "", known)

    def read(self, texts: dict[str, str]) -> PlanChange:
        """Return the plan, and the runtimes."""
        runtimes = tuple(part.strip() for part in texts.pop("runtime").split(",") if part.strip())
        for name in runtimes:
            from latency_tui.catalog.runtimes import check_runtime

            check_runtime(name)
            if name == "onnx" and (missing := missing_for_onnx()):
                raise UsageError(f"The runtime onnx needs {' and '.join(missing)}; install them and start again.")
        return read_options(self._plan, texts), runtimes

    def describe(self, found: PlanChange) -> str:
        """Return about how long the plan will take."""
        plan, _ = found
        seconds = estimated_seconds(plan, self._calls)
        if plan.until_known:
            return f"Takes at most {format_seconds(plan.max_seconds)} per launch, after training."
        if seconds is None:
            return "The duration is known once these models have been measured."
        return f"Takes about {format_seconds(seconds)}, after training."
