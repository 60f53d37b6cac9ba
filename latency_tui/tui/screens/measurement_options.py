"""The dialog that sets the options of the plan: one line per option, with its valid values."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.text.formatting import format_seconds
from latency_tui.tui.plan_options import OPTIONS, UNTIL_DECIDED, estimated_seconds, missing_for_onnx, read_options
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line

PlanChange = tuple[Plan, tuple[str, ...]]
"""The new plan, and the runtimes under which the selected models are measured; empty to keep their runtimes."""


class MeasurementOptions(Dialog[PlanChange]):
    """Edits the options of a plan; Enter applies all lines, Escape cancels.

    Args:
        plan: The current plan with the selected models.
        calls: Mean duration of a call in seconds, by slug, of the models that were measured.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, plan: Plan, calls: dict[str, float]) -> None:
        super().__init__()
        self._plan = plan
        self._calls = calls

    def compose(self) -> ComposeResult:
        """Yield a line for each option, and the estimated duration."""
        with Vertical(id="box") as box:
            box.border_title = "How to measure"
            box.border_subtitle = "enter applies · esc cancels"
            with VerticalScroll(id="options", can_focus=False), Grid(id="lines"):
                for option in OPTIONS:
                    yield from _line(option.name, option.label, option.write(self._plan), option.hint)
                missing = " and ".join(missing_for_onnx())
                known = f"sklearn; onnx needs {missing}" if missing else "sklearn, onnx or both; empty for those listed"
                yield from _line("runtime", "Runtime", "", known)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """Show the estimated duration."""
        self._check()

    @on(Input.Changed)
    def _check(self) -> None:
        try:
            plan, _ = self._read()
        except UsageError as error:
            self._say(str(error), "$text-error")
            return
        seconds = estimated_seconds(plan, self._calls)
        if plan.until_known:
            self._say(f"Takes at most {format_seconds(plan.max_seconds)} per launch, after training.")
        elif seconds is None:
            self._say("The duration is known once these models have been measured.")
        else:
            self._say(f"Takes about {format_seconds(seconds)}, after training.")

    def _say(self, words: str, style: str = MUTED) -> None:
        self.query_one("#hint", Static).update(Content.styled(sanitize_line(words), style))

    def _read(self) -> PlanChange:
        texts = {field.id or "": field.value for field in self.query(Input)}
        runtimes = tuple(part.strip() for part in texts.pop("runtime").split(",") if part.strip())
        for name in runtimes:
            from latency_tui.catalog.runtimes import check_runtime

            check_runtime(name)
            if name == "onnx" and (missing := missing_for_onnx()):
                raise UsageError(f"The runtime onnx needs {' and '.join(missing)}; install them and start again.")
        return read_options(self._plan, texts), runtimes

    @on(Input.Submitted)
    def _apply(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            change = self._read()
        except UsageError as error:
            self._say(str(error), "$text-error")
            return
        self.dismiss(change)


def _line(name: str, label: str, text: str, hint: str) -> ComposeResult:
    yield Static(label, classes="label", markup=False)
    suggested = UNTIL_DECIDED if name == "runs" else ""
    yield Input(text, id=name, compact=True, select_on_focus=True, placeholder=suggested)
    yield Static(Content.styled(hint, MUTED), classes="meaning", markup=False)
