"""What the user does to what is measured: the list and its lines, data, until known, a control copy, cold starts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import msgspec
from textual import on
from textual.widgets import OptionList

from latency_tui.catalog.resolve import trust_configuration
from latency_tui.catalog.settings_to_try import settings_to_try
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Dataset, Plan, SyntheticDataset
from latency_tui.plan.limits import applicable_limits
from latency_tui.tui import commands
from latency_tui.tui import state as states
from latency_tui.tui.background import run_in_background
from latency_tui.tui.messages import CandidatesAdded, DatasetChosen, FieldChanged, FieldLeft, PlanChanged
from latency_tui.tui.screens.view import View
from latency_tui.tui.text import clean
from latency_tui.tui.widgets.measure_panel import MeasurePanel
from latency_tui.tui.widgets.painted import CandidatePointed


class PlanHandlers(View):
    """The half of the main screen's handlers that need no engine."""

    @on(commands.Choose)
    def _choose(self) -> None:
        row = self.state.row
        if row is not None and commands.Choose.applies(self.state):
            self.change(states.update_row(self.state, row.slug, chosen=not row.chosen))
            self._announce(f"{clean(row.candidate.name)} is {'not ' if row.chosen else ''}selected.")

    @on(commands.ChooseAll)
    @on(commands.ChooseNone)
    def _choose_many(self, message: commands.Command) -> None:
        if not message.applies(self.state):
            return
        chosen = isinstance(message, commands.ChooseAll)
        self.change(replace(self.state, rows=tuple(replace(row, chosen=chosen) for row in self.state.rows)))
        self._announce(f"{'All models are' if chosen else 'No model is'} selected.")

    def _announce(self, words: str) -> None:
        """Say what a key changed where the models and the plan are not on the screen."""
        if not self.query_one("#side").display:
            self.app.notify(words, timeout=3, markup=False)

    @on(OptionList.OptionHighlighted)
    def _follow_mouse(self, event: OptionList.OptionHighlighted) -> None:
        self._highlight(event.option_index)

    @on(OptionList.OptionSelected)
    def _choose_by_mouse(self, event: OptionList.OptionSelected) -> None:
        self._highlight(event.option_index)
        self.post_message(commands.Choose())

    @on(CandidatePointed)
    def _point(self, message: CandidatePointed) -> None:
        again = message.slug == self.state.highlighted
        self.change(replace(self.state, highlighted=message.slug))
        if again and commands.ShowFailure.applies(self.state):
            self.post_message(commands.ShowFailure())

    @on(commands.HighlightNext)
    @on(commands.HighlightPrevious)
    def _move(self, message: commands.Command) -> None:
        places = [row.slug for row in self.state.rows]
        here = places.index(self.state.highlighted) if self.state.highlighted in places else 0
        self._highlight(here + (1 if isinstance(message, commands.HighlightNext) else -1))
        if self.state.row is not None and self.state.result is None:  # a row of results would show it
            self._announce(f"{clean(self.state.row.candidate.name)} is highlighted.")

    def _highlight(self, index: int) -> None:
        if self.state.rows:
            index = min(max(index, 0), len(self.state.rows) - 1)
            self.change(replace(self.state, highlighted=self.state.rows[index].slug))

    @on(commands.Find)
    async def _find(self) -> None:
        self.open_tab("models")
        from latency_tui.tui.widgets.fields import Field  # not before the first frame

        if not self.query("#find"):
            find = Field(placeholder="a part of a name", id="find", compact=True)
            await self.query_one("#side").mount(find, after="#list")
        self.call_after_refresh(self.query_one("#find").focus)

    @on(FieldChanged)
    def _find_as_typed(self, event: FieldChanged) -> None:
        wanted = event.text.strip().casefold()
        for index, row in enumerate(self.state.rows):
            if wanted and wanted in row.candidate.name.casefold():
                self._highlight(index)
                return

    @on(FieldLeft)
    async def _leave_field(self) -> None:
        await self.query("#find").remove()
        self.set_focus(self.query_one("#list"))

    @on(commands.FocusRuns)
    def _focus_runs(self) -> None:
        self.open_tab("models")
        self.call_after_refresh(self.query_one(MeasurePanel).focus_runs)

    @on(commands.UntilKnown)
    def _switch_until_known(self) -> None:
        if commands.UntilKnown.applies(self.state):
            self.change(replace(self.state, until_known=not self.state.until_known))
            self._announce(f"Until known is {'on' if self.state.until_known else 'off'}.")

    @on(commands.SetOptions)
    def _ask_for_options(self) -> None:
        if self.state.work != "idle":
            return
        from latency_tui.tui.screens.plan_sheet import PlanChange, PlanSheet  # not before the first frame

        def take(change: PlanChange | None) -> None:
            if change is not None:
                self.post_message(PlanChanged(*change))

        self.app.push_screen(PlanSheet(self.plan_typed(), states.mean_calls(self.state)), take)

    def plan_typed(self) -> Plan:
        """Return the plan with the selected models and what is in the fields, as far as that makes sense."""
        state, plan = self.state, self.state.plan
        candidates = state.chosen or plan.candidates
        slugs = {candidate.slug for candidate in candidates}
        plan = msgspec.structs.replace(
            plan,
            candidates=candidates,
            limits=applicable_limits(plan.limits, slugs, cold_start=state.cold_start),
            cold_start=state.cold_start,
            baseline=None,
            control=False,
        )
        if state.until_known and len(candidates) > 1:
            plan = msgspec.structs.replace(plan, runs=None, seconds=None, until_known=True)
        with suppress(UsageError):
            runs, seconds, batch = self.query_one(MeasurePanel).numbers(until_known=plan.until_known)
            workload = msgspec.structs.replace(plan.workload, batch_size=batch)
            plan = msgspec.structs.replace(plan, runs=runs, seconds=seconds, workload=workload)
        return plan

    @on(PlanChanged)
    def _take_plan(self, message: PlanChanged) -> None:
        if self.state.work != "idle":
            return
        from latency_tui.catalog.runtimes import expand_runtimes  # not before the first frame

        taken = message.plan  # with the models that its limits are on
        state = replace(self.state, plan=taken, until_known=taken.until_known, cold_start=taken.cold_start)
        if message.runtimes:
            wanted = expand_runtimes(state.chosen, message.runtimes)
            slugs = {candidate.slug for candidate in wanted}
            rows = tuple(replace(row, chosen=row.slug in slugs) for row in state.rows)
            state = states.add_rows(replace(state, rows=rows), wanted)
        self.query_one(MeasurePanel).take(taken)
        self.change(state, arrange=True)

    @on(commands.TakeControl)
    def _switch_control(self) -> None:
        if commands.TakeControl.applies(self.state):
            self.change(replace(self.state, control=not self.state.control))
            self._announce(f"The control is {'on' if self.state.control else 'off'}.")

    @on(commands.MeasureColdStart)
    def _switch_cold_start(self) -> None:
        if commands.MeasureColdStart.applies(self.state):
            self.change(replace(self.state, cold_start=not self.state.cold_start))
            self._announce(f"Cold start is {'on' if self.state.cold_start else 'off'}.")

    @on(commands.AddVariants)
    def _ask_for_variants(self) -> None:
        row = self.state.row
        if row is None or not commands.AddVariants.applies(self.state):
            return
        from latency_tui.catalog.runtimes import expand_runtimes  # these three not before the first frame
        from latency_tui.tui.plan_options import missing_for_onnx
        from latency_tui.tui.screens.variants import VariantsScreen

        def take(chosen: tuple[Candidate, ...] | None) -> None:
            if chosen:
                self.post_message(CandidatesAdded(chosen, after=row.slug))

        known = frozenset(listed.slug for listed in self.state.rows)
        dataset, batch_size = self.state.plan.workload.dataset, self.state.plan.workload.batch_size
        with suppress(UsageError):  # what stands in the field may be no number at the moment
            batch_size = self.query_one(MeasurePanel).numbers(until_known=True)[2]
        sparse = isinstance(dataset, SyntheticDataset) and dataset.sparse
        offered = settings_to_try(row.candidate, batch_size=batch_size, sparse=sparse)
        missing = missing_for_onnx()
        onnx = () if missing else expand_runtimes((row.candidate,), ("onnx",))
        others = tuple(candidate for candidate in onnx if candidate != row.candidate)
        self.app.push_screen(VariantsScreen(row.candidate, (*offered, *others), known, missing), take)

    @on(commands.AddModel)
    def _ask_for_model(self) -> None:
        if self.state.work != "idle":
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

    def ask_for_trust(self, then: commands.Command) -> None:
        """Ask whether to trust the configuration found in the working directory; if so, go on with a command."""
        from latency_tui.tui.screens.trust import TrustScreen  # not before the first frame

        found = self.configuration
        if found is None:
            return

        async def trust() -> None:
            plan = self.state.plan
            trusted = await asyncio.to_thread(trust_configuration, plan.trust, found)
            self.change(replace(self.state, plan=msgspec.structs.replace(plan, trust=trusted)))
            self.post_message(then)

        def take() -> None:
            run_in_background(self, trust, group="trust")

        self.app.push_screen(TrustScreen(found, take))

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
            return
        from latency_tui.tui.screens.change_data import ChangeDataScreen  # not before the first frame

        def take(dataset: Dataset | None) -> None:
            if dataset is not None and dataset != self.state.plan.workload.dataset:
                self.post_message(DatasetChosen(dataset))

        self.app.push_screen(ChangeDataScreen(self.state.plan.workload.dataset, self.configuration), take)

    @on(DatasetChosen)
    async def _take_data(self, message: DatasetChosen) -> None:
        from latency_tui.catalog.resolve import listed_models  # not before the first frame

        listed = await asyncio.to_thread(listed_models, message.dataset, self.configuration)  # it looks at the file
        if self.state.work == "idle":
            usual = (Candidate(model=model) for model in listed)
            self.change(states.change_dataset(self.state, message.dataset, usual), arrange=True)

    @on(commands.RemoveModel)
    def _remove(self) -> None:
        if commands.RemoveModel.applies(self.state):
            self.change(states.remove_row(self.state, self.state.highlighted), arrange=True)
