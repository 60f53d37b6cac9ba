"""Opens the dialogs over the main screen, and updates the state with their results.

Each dialog is imported when it is opened: together they would delay the first frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from textual.dom import DOMNode

from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Dataset, ModelSpec, SyntheticDataset
from latency_tui.report import render
from latency_tui.tui import commands
from latency_tui.tui.background import run_in_background
from latency_tui.tui.measurement_controller import MeasurementController
from latency_tui.tui.notices import notify
from latency_tui.tui.plan_to_measure import plan_typed, workload_to_measure
from latency_tui.tui.reducers.commands import add_rows, apply_plan, change_dataset
from latency_tui.tui.reducers.tabs import open_tab
from latency_tui.tui.state import State, mean_calls
from latency_tui.tui.store import Store

if TYPE_CHECKING:
    from latency_tui.catalog.configuration import LoadedConfiguration
    from latency_tui.tui.screens.add_model import AddedModel
    from latency_tui.tui.screens.load_options import LoadRequest
    from latency_tui.tui.screens.measurement_options import PlanChange


class Dialogs:
    """Dialogs that change the models, the data and the plan, and dialogs that show and save a result.

    Args:
        screen: The main screen.
        store: The state.
        controller: Computes the result to save.
        models: Models with which the app was opened; a removed model can be added again by its name.
        configuration: The configuration file, which may define models and datasets; None if there is none.
    """

    def __init__(
        self,
        screen: DOMNode,
        store: Store,
        controller: MeasurementController,
        models: tuple[ModelSpec, ...],
        configuration: LoadedConfiguration | None,
    ) -> None:
        self._screen = screen
        self._store = store
        self._controller = controller
        own = configuration.models() if configuration else ()
        self._models = (*models, *(model for model in own if model not in models))
        self._configuration = configuration
        self._load_request: LoadRequest | None = None

    @property
    def _state(self) -> State:
        return self._store.state

    def actions(self) -> dict[type[commands.Command], Callable[[], object]]:
        """Return the function of each command that opens a dialog or shows a result elsewhere."""
        return {
            commands.SetOptions: self._set_options,
            commands.MeasureLoad: self._measure_load,
            commands.AddModel: self._add_model,
            commands.AddVariants: self._add_variants,
            commands.ChangeData: self._change_data,
            commands.ShowFailure: self._show_failure,
            commands.ShowNoise: self._show_noise,
            commands.SaveAs: self._save_as,
            commands.CopyTable: self._copy_table,
            commands.ShowHelp: self._show_help,
        }

    def _change_if_idle(self, state: State) -> None:
        """Apply the result of a dialog, unless a measurement has begun since the dialog was opened."""
        if self._state.work == "idle":
            self._store.change(state)

    # --- the list, the data and the plan -----------------------------------------------------------------------------

    def _set_options(self) -> None:
        """Ask how to measure."""
        if self._state.work != "idle":
            return
        from latency_tui.tui.screens.measurement_options import MeasurementOptions

        def take(change: PlanChange | None) -> None:
            if change is not None:
                from latency_tui.catalog.runtimes import expand_runtimes

                plan, runtimes = change
                wanted = expand_runtimes(self._state.selected, runtimes) if runtimes else ()
                self._change_if_idle(apply_plan(self._state, plan, wanted))

        self._screen.app.push_screen(MeasurementOptions(plan_typed(self._state), mean_calls(self._state)), take)

    def _measure_load(self) -> None:
        """Ask for a rate or a limit, then measure under load."""
        if self._state.work != "idle":
            return
        from latency_tui.tui.screens.load_options import LoadOptions

        def take(request: LoadRequest | None) -> None:
            if request is None or self._state.work != "idle":
                return
            self._load_request = request
            self._store.change(open_tab(self._state, commands.ShowLoad))
            self._controller.measure_load(request.load, request.limits, self.ask_for_trust)

        plan = plan_typed(self._state)
        if (last := self._load_request) is not None:
            plan = msgspec.structs.replace(plan, load=last.load, limits=last.limits)
        self._screen.app.push_screen(LoadOptions(plan), take)

    def _add_variants(self) -> None:
        """Ask for variants of the highlighted model."""
        row = self._state.row
        if row is None or not commands.AddVariants.applies(self._state):
            return
        from latency_tui.catalog.runtimes import expand_runtimes
        from latency_tui.catalog.settings_to_try import settings_to_try
        from latency_tui.tui.plan_options import missing_for_onnx
        from latency_tui.tui.screens.variants import VariantsScreen

        def take(chosen: tuple[Candidate, ...] | None) -> None:
            if chosen:
                self._add(self._state, chosen, after=row.slug)

        known = frozenset(listed.slug for listed in self._state.rows)
        workload = self._state.plan.workload
        dataset = workload.dataset
        with suppress(UsageError):  # the field may not contain a number
            workload = workload_to_measure(self._state)
        sparse = isinstance(dataset, SyntheticDataset) and dataset.sparse
        offered = settings_to_try(row.candidate, batch_size=max(workload.batch_sizes), sparse=sparse)
        missing = missing_for_onnx()
        onnx = () if missing else expand_runtimes((row.candidate,), ("onnx",))
        others = tuple(candidate for candidate in onnx if candidate != row.candidate)
        self._screen.app.push_screen(VariantsScreen(row.candidate, (*offered, *others), known, missing), take)

    def _add_model(self) -> None:
        """Ask for a model to add to the list."""
        if self._state.work != "idle":
            return
        from latency_tui.tui.screens.add_model import AddModelScreen

        def take(added: AddedModel | None) -> None:
            if added is None:
                return
            model = added.candidate.model
            same_model = (row.slug for row in self._state.rows if row.candidate.model == model)
            plan = msgspec.structs.replace(self._state.plan, trust=added.trust)
            self._add(replace(self._state, plan=plan), (added.candidate,), after=next(same_model, ""))

        plan, listed = self._state.plan, tuple(row.candidate for row in self._state.rows)
        folder = self._configuration.folder if self._configuration else None
        dialog = AddModelScreen(self._models, listed, plan.workload.dataset, plan.trust, folder)
        self._screen.app.push_screen(dialog, take)

    def _add(self, state: State, candidates: tuple[Candidate, ...], *, after: str) -> None:
        """Add candidates to the list, and show the list."""
        self._change_if_idle(open_tab(add_rows(state, candidates, after=after), commands.ShowModels))

    def _change_data(self) -> None:
        """Ask for other data."""
        if self._state.work != "idle":
            return
        from latency_tui.tui.screens.change_data import ChangeDataScreen

        async def take(dataset: Dataset | None) -> None:
            if dataset is None or dataset == self._state.plan.workload.dataset:
                return
            from latency_tui.catalog.resolve import listed_models

            listed = await asyncio.to_thread(listed_models, dataset, self._configuration)  # it reads the file
            usual = (Candidate(model=model) for model in listed)
            self._change_if_idle(change_dataset(self._state, dataset, usual))

        self._screen.app.push_screen(ChangeDataScreen(self._state.plan.workload.dataset, self._configuration), take)

    def ask_for_trust(self, then: commands.Command) -> None:
        """Ask whether to trust the configuration in the working directory; if the user trusts it, run a command."""
        from latency_tui.tui.screens.trust import TrustScreen

        found = self._configuration
        if found is None:
            return

        async def trust() -> None:
            from latency_tui.catalog.resolve import trust_configuration

            trusted = await asyncio.to_thread(trust_configuration, self._state.plan.trust, found)
            plan = msgspec.structs.replace(self._state.plan, trust=trusted)
            self._store.change(replace(self._state, plan=plan))
            self._screen.post_message(then)

        def take() -> None:
            run_in_background(self._screen, trust, group="trust")

        self._screen.app.push_screen(TrustScreen(found, take))

    # --- results -----------------------------------------------------------------------------------------------------

    def _show_failure(self) -> None:
        """Show why the highlighted model failed."""
        failed = commands.failure(self._state)
        if failed is not None:
            from latency_tui.tui.screens.failure import FailureScreen

            self._screen.app.push_screen(FailureScreen(*failed))

    def _show_noise(self) -> None:
        """Show the noise of the machine."""
        if self._state.result is not None:
            from latency_tui.tui.screens.noise import NoiseScreen

            self._screen.app.push_screen(NoiseScreen(self._state.result))

    def _save_as(self) -> None:
        """Ask for a file to which the result is saved."""
        measurement = self._state.measurement
        if measurement is None or measurement.result is None:
            return
        from latency_tui.tui.screens.save import SaveScreen

        job, controller = measurement.job, self._controller
        self._screen.app.push_screen(SaveScreen(lambda: controller.full_result(job)))

    def _copy_table(self) -> None:
        """Copy the table of results to the clipboard."""
        if self._state.result is not None:
            self._screen.app.copy_to_clipboard(render(self._state.result))
            notify(self._screen, "The table is on the clipboard, if the terminal allows it.", title="Copied")

    def _show_help(self) -> None:
        """Show the keys and the guide."""
        from latency_tui.tui.screens.help import HelpScreen

        self._screen.app.push_screen(HelpScreen())
