"""What the user does to what is measured: lines that come and go, data, until known, a control copy, cold starts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import msgspec
from textual import on

from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Dataset, SyntheticDataset
from latency_tui.tui import commands
from latency_tui.tui import state as states
from latency_tui.tui.messages import CandidatesAdded, DatasetChosen
from latency_tui.tui.screens.view import View
from latency_tui.tui.widgets.measure_panel import MeasurePanel


class Choosing(View):
    """The half of the main screen's handlers that need no engine."""

    @on(commands.UntilKnown)
    def _switch_until_known(self) -> None:
        if commands.UntilKnown.applies(self.state):
            self.change(replace(self.state, until_known=not self.state.until_known))

    @on(commands.TakeControl)
    def _switch_control(self) -> None:
        if commands.TakeControl.applies(self.state):
            self.change(replace(self.state, control=not self.state.control))

    @on(commands.MeasureColdStart)
    def _switch_cold_start(self) -> None:
        if commands.MeasureColdStart.applies(self.state):
            self.change(replace(self.state, cold_start=not self.state.cold_start))

    @on(commands.AddVariants)
    def _ask_for_variants(self) -> None:
        row = self.state.row
        if row is None or not commands.AddVariants.applies(self.state):
            return
        from latency_tui.tui.screens.variants import VariantsScreen  # not before the first frame

        def take(chosen: tuple[Candidate, ...] | None) -> None:
            if chosen:
                self.post_message(CandidatesAdded(chosen, after=row.slug))

        known = frozenset(listed.slug for listed in self.state.rows)
        dataset, batch_size = self.state.plan.workload.dataset, self.state.plan.workload.batch_size
        with suppress(UsageError):  # what stands in the field may be no number at the moment
            batch_size = self.query_one(MeasurePanel).numbers(until_known=True)[2]
        sparse = isinstance(dataset, SyntheticDataset) and dataset.sparse
        offered = row.candidate.variants(batch_size=batch_size, sparse=sparse)
        self.app.push_screen(VariantsScreen(row.candidate, offered, known), take)

    @on(commands.AddModel)
    def _ask_for_model(self) -> None:
        if self.state.work != "idle":
            self._refuse_while_running()
            return
        from latency_tui.tui.screens.add_model import AddedModel, AddModelScreen  # not before the first frame

        def take(added: AddedModel | None) -> None:
            if added is not None:
                model = added.candidate.model
                alike = (row.slug for row in self.state.rows if row.candidate.model == model)
                self.post_message(CandidatesAdded((added.candidate,), after=next(alike, ""), trust=added.trust))

        plan, listed = self.state.plan, tuple(row.candidate for row in self.state.rows)
        folder = self.configuration.folder if self.configuration else None
        self.app.push_screen(AddModelScreen(self.models, listed, plan.workload.dataset, plan.trust, folder), take)

    @on(CandidatesAdded)
    def _list_candidates(self, message: CandidatesAdded) -> None:
        if self.state.work == "idle":
            state = states.add_rows(self.state, message.candidates, after=message.after)
            if message.trust is not None:
                state = replace(state, plan=msgspec.structs.replace(state.plan, trust=message.trust))
            self.change(replace(state, tab="models") if self.tab_of_models else state, arrange=True)

    @on(commands.ChangeData)
    def _ask_for_data(self) -> None:
        if self.state.work != "idle":
            self._refuse_while_running()
            return
        from latency_tui.tui.screens.change_data import ChangeDataScreen  # not before the first frame

        def take(dataset: Dataset | None) -> None:
            if dataset is not None and dataset != self.state.plan.workload.dataset:
                self.post_message(DatasetChosen(dataset))

        self.app.push_screen(ChangeDataScreen(self.state.plan.workload.dataset, self.configuration), take)

    @on(DatasetChosen)
    def _take_data(self, message: DatasetChosen) -> None:
        if self.state.work == "idle":
            from latency_tui.plan.request import listed_models  # not before the first frame

            usual = (Candidate(model=model) for model in listed_models(message.dataset, self.configuration))
            self.change(states.change_dataset(self.state, message.dataset, usual), arrange=True)

    def _refuse_while_running(self) -> None:
        words = f"Something is running: {commands.Stop.key_label()} stops it and keeps what was measured."
        self.app.notify(words, title="Not now", severity="warning", timeout=4, markup=False)

    @on(commands.RemoveModel)
    def _remove(self) -> None:
        if commands.RemoveModel.applies(self.state):
            self.change(states.remove_row(self.state, self.state.highlighted), arrange=True)

    @on(commands.ShowNoise)
    def _show_noise(self) -> None:
        if self.state.result is not None:
            from latency_tui.tui.screens.noise import NoiseScreen  # not before the first frame

            self.app.push_screen(NoiseScreen(self.state.result))
