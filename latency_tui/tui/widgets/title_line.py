"""The first line: what is measured, where, and how quiet the machine is."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from latency_tui.tui.marks import LEVEL_STYLES
from latency_tui.tui.state import State
from latency_tui.tui.widgets.painted import Painted

_BARS = "▁▂▃▄▅▆▇█"


class TitleLine(Painted):
    """Workload on the left; pinned core and noise meter on the right, as far as there is room."""

    def paint(self, state: State) -> None:
        """Show the snapshot."""
        if self.is_new(*_facts(state), state.frozen):
            self.update(_line(state, self.size.width), layout=False)


def _facts(state: State) -> tuple[object, ...]:
    level = state.result.noise.level if state.result else ""
    return _workload(state), _place(state), level, state.noise, state.shown, len(state.measurements), _launches(state)


def _launches(state: State) -> int:
    """Return how many launches the result on the screen rests on by now."""
    return max((len(c.launches) for c in state.result.candidates), default=0) if state.result else 0


def _workload(state: State) -> list[str]:
    plan = state.measurement.plan if state.measurement else state.plan
    work = plan.workload
    rows = "1 row" if work.batch_size == 1 else f"{work.batch_size:,} rows"
    return [work.dataset.title, rows, work.method, work.scenario]


def _place(state: State) -> str:
    return "cpu " + ",".join(map(str, state.pinned)) if state.pinned else ""


def _meter(shares: tuple[float, ...]) -> str:
    """Return a bar for each share of time lost; a tenth lost fills it."""
    return "".join(_BARS[min(int(share * 10 * len(_BARS)), len(_BARS) - 1)] for share in shares)


def _line(state: State, width: int) -> Content:
    right: list[tuple[str, str]] = []
    if len(state.measurements) > 1:
        right.append((f"result {state.shown % len(state.measurements) + 1} of {len(state.measurements)}", ""))
    if state.frozen:
        right.append(("frozen", "bold $text-warning"))
    if place := _place(state):
        right.append((place, ""))
    if state.result is not None and state.result.measured:
        level = state.result.noise.level
        meter = _meter(state.noise)
        if _launches(state) == 1:
            right.append(("1 launch", "$text-warning"))  # which says nothing of other processes
        right.append((f"{level} {meter}".strip(), LEVEL_STYLES[level]))
    facts = _workload(state)
    while True:
        left = " · ".join(facts)
        used = 14 + cell_len(left) + sum(cell_len(text) + 3 for text, _ in right)
        if used < width or not (facts or right):
            break
        if len(facts) > 1:
            facts.pop()
        elif right[:-1]:
            right.pop(0)
        elif facts:
            facts.pop()
        else:
            right.pop()
    gap = max(width - used + 1, 1)
    parts: list[Content | str | tuple[str, str]] = [
        (" latency-tui", "bold $text-primary"),
        "  ",
        (left, ""),
        " " * gap,
    ]
    for index, part in enumerate(right):
        if index:
            parts.append((" · ", ""))
        parts.append(part)
    return Content.assemble(*parts)
