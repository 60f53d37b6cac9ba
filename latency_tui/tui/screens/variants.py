"""The dialog that adds variants of a model: settings selected in a list, or typed settings."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from latency_tui.catalog.runtimes import check_runtime
from latency_tui.catalog.validate import check_settings
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate
from latency_tui.plan.settings import format_settings, parse
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import FAINT, MUTED
from latency_tui.tui.text import fit, sanitize_line
from latency_tui.tui.widgets.row_list import RowList

_MEANINGS = {
    "assume_finite": "skips the check for NaN and infinity",
    "skip_parameter_validation": "skips the check of parameters",
    "dtype=float32": "half the memory",
    "dtype=float64": "twice the memory",
    "order=F": "column-major memory layout",
    "input=dataframe": "rows as a pandas DataFrame",
    "threads=2": "two threads of BLAS and OpenMP",
    "n_jobs=1": "single-threaded",
    "n_jobs=-1": "all cores",
    "runtime=onnx": "ONNX Runtime: often many times faster",
}
_HINT = "Or type settings: setting=value, comma-separated."


class VariantsScreen(Dialog[tuple[Candidate, ...]]):
    """Asks for variants and returns the candidates to add; Space selects, Enter adds.

    Args:
        candidate: The model and its current settings.
        offered: Variants in the list.
        known: Slugs of the candidates that the main screen lists.
        missing: Packages that the runtime onnx needs but that are not installed.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "#variants"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("space", "mark", "Mark"),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]

    def __init__(
        self,
        candidate: Candidate,
        offered: tuple[Candidate, ...],
        known: frozenset[str],
        missing: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self._hint = f"{_HINT} runtime=onnx needs {' and '.join(missing)}." if missing else _HINT
        self._candidate = candidate
        self._known = known
        self._variants = tuple(variant for variant in offered if variant.slug not in known)
        self._marked: set[int] = set()

    def compose(self) -> ComposeResult:
        """Yield the list and the field."""
        with Vertical(id="box") as box:
            box.border_title = Content(f"Variants of {sanitize_line(self._candidate.name)}")
            box.border_subtitle = "space marks · enter adds · tab to type · esc closes"
            yield RowList(*(Option("", id=str(index)) for index in range(len(self._variants))), id="variants")
            yield Input(placeholder="n_jobs=1,dtype=float32", id="settings", compact=True)
            yield Static(Content.styled(self._hint, MUTED), id="hint")

    def on_mount(self) -> None:
        """Write the lines."""
        for index in range(len(self._variants)):
            self._write(index)
        if self._variants:
            self.query_one("#variants", OptionList).highlighted = 0
        else:
            self.query_one("#settings").focus()

    def action_mark(self) -> None:
        """Select or deselect the highlighted variant."""
        index = self.query_one("#variants", OptionList).highlighted
        if index is not None:
            self._marked ^= {index}
            self._write(index)

    def action_move(self, step: int) -> None:
        """Highlight the next or the previous variant."""
        variants = self.query_one("#variants", OptionList)
        if step > 0:
            variants.action_cursor_down()
        else:
            variants.action_cursor_up()

    @on(OptionList.OptionSelected)
    def _add_marked(self, event: OptionList.OptionSelected) -> None:
        wanted = sorted(self._marked) or [event.option_index]
        self.dismiss(tuple(self._variants[index] for index in wanted))

    @on(Input.Submitted)
    def _add_typed(self, event: Input.Submitted) -> None:
        try:
            variant = typed_variant(self._candidate, event.value)
            if variant.slug in self._known:
                raise UsageError("That variant is already in the list.")
        except UsageError as error:
            self.query_one("#hint", Static).update(Content.styled(sanitize_line(str(error)), "$text-error"))
            return
        self.dismiss((*(self._variants[index] for index in sorted(self._marked)), variant))

    @on(Input.Changed)
    def _clear(self) -> None:
        self.query_one("#hint", Static).update(Content.styled(self._hint, MUTED))

    def _write(self, index: int) -> None:
        own = self._candidate.settings
        settings = {key: value for key, value in self._variants[index].settings.items() if key not in own}
        written = format_settings(settings)
        meaning = _MEANINGS.get(written) or _MEANINGS.get(next(iter(settings), ""), "")
        if len(settings) > 1:
            written, meaning = "both", "skips both checks"
        line = Content.assemble(
            ("[", FAINT),
            ("✔" if index in self._marked else " ", "bold $text-success"),
            ("] ", FAINT),
            (fit(sanitize_line(written), 31), ""),
            " ",
            (meaning, MUTED),
        )
        self.query_one("#variants", OptionList).replace_option_prompt_at_index(index, line)


def typed_variant(candidate: Candidate, text: str) -> Candidate:
    """Return a candidate with the typed settings, such as `n_jobs=1,threads=2`, in addition to its current ones.

    Raises:
        UsageError: The settings are invalid, have no effect, or are missing.
    """
    _, settings = parse(f"model[{text.strip().removeprefix('[').removesuffix(']')}]")
    if not settings:
        raise UsageError("Type a setting first, such as n_jobs=1.")
    if "runtime" in settings:
        check_runtime(str(settings["runtime"]))
    variant = msgspec.structs.replace(candidate, settings={**candidate.settings, **settings})
    check_settings(variant)
    return variant
