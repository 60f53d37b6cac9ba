"""Measures the plan on other machines, keeps what each of them sent, and shows it in a dialog."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.dom import DOMNode

from latency_tui.errors import LatencyTuiError
from latency_tui.tui import commands
from latency_tui.tui.background import run_in_background
from latency_tui.tui.hosts_view import (
    HostsView,
    HostsWanted,
    begin_connecting,
    begin_measuring,
    begin_sharing,
    end_hosts,
    end_sharing,
    show_hosts,
    update_host,
)
from latency_tui.tui.recordings import Recordings
from latency_tui.tui.reducers.history import open_saved, show_measurement
from latency_tui.tui.store import Store

if TYPE_CHECKING:
    from latency_tui.cluster.process_protocol import HostEvents, Reply
    from latency_tui.plan import Plan
    from latency_tui.report.progress import Progress
    from latency_tui.result.hosts import HostsResult
    from latency_tui.result.result import Result
    from latency_tui.tui.hosts_client import HostsClient
    from latency_tui.tui.screens.hosts import HostsDialog

_SNAPSHOT_SECONDS = 1.0
_SNAPSHOT_PAUSE = 5.0
"""Figures so far are computed at most once per second, and take at most a sixth of the time of a core."""
AskForTrust = Callable[[commands.Command], None]


class HostsController:
    """Owns the process that talks to the hosts, and the dialog.

    Args:
        screen: The main screen.
        store: The state.
        recordings: Fold the events of each host into a result, and keep it in the history.
        make_plan: Returns the plan to measure; None, after a word to the user, if there is none.
    """

    def __init__(
        self,
        screen: DOMNode,
        store: Store,
        recordings: Recordings,
        make_plan: Callable[[commands.Command, AskForTrust], Plan | None],
    ) -> None:
        self._screen = screen
        self._store = store
        self._recordings = recordings
        self._make_plan = make_plan
        self._view = self._shown = HostsView()
        self._ended: HostsView | None = None
        self._dialog: HostsDialog | None = None
        self._client: HostsClient | None = None
        self._progress: dict[str, Progress] = {}
        self._changed: set[str] = set()
        self._next_snapshot = 0.0
        self._numbers = itertools.count(1)

    def show(self, ask_for_trust: AskForTrust) -> None:
        """Show the results of the hosts if there are any; otherwise ask for hosts."""
        if not commands.MeasureOnHosts.applies(self._store.state) or self._dialog is not None:
            return
        if self._view.stage != "finished":
            plan = self._make_plan(commands.MeasureOnHosts(), ask_for_trust)
            if plan is None:
                return
            self._view = HostsView(plan=plan, wanted=self._view.wanted)
        from latency_tui.tui.screens.hosts import HostsDialog  # imported when it is opened

        dialog = self._dialog = HostsDialog(self._view, self)
        self._screen.app.push_screen(dialog, partial(self._closed, dialog))

    def _closed(self, dialog: HostsDialog, _: object) -> None:
        if self._dialog is dialog:
            self._dialog = None
            if self._ended is not None and self._view.stage == "entering":  # nothing else was measured
                self._view = replace(self._ended, wanted=self._view.wanted)

    def _close_dialog(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.dismiss()

    def _change(self, view: HostsView) -> None:
        """Show another view at once."""
        self._view = view
        self._shown = view
        if self._dialog is not None:
            self._dialog.show(view)

    # --- what the dialog asks for ------------------------------------------------------------------------------------

    def connect(self, wanted: HostsWanted) -> None:
        """Look for hosts.

        Raises:
            UsageError: The fields name no hosts.
        """
        wanted.check()
        self._change(begin_connecting(self._view, wanted))
        run_in_background(self._screen, partial(self._run, wanted), group="hosts")

    def measure(self, *, share: bool = False) -> None:
        """Measure the plan on every host that was found, or let them share its launches."""
        view = self._view
        if view.stage != "found" or view.plan is None or self._client is None or not view.lines:
            return
        from latency_tui.cluster.process_protocol import Measure
        from latency_tui.report.progress import Progress

        number = next(self._numbers)
        if share:
            job = f"hosts-{number}"
            self._recordings.open(job, view.plan, self._store.state.colours)
            self._change(begin_sharing(view, job))
            self._client.send(Measure(plan=view.plan, share=True))
            return
        jobs = {line.name: f"hosts-{number}-{line.name}" for line in view.lines}
        for job in jobs.values():
            self._recordings.open(job, view.plan, self._store.state.colours)
        self._progress = {name: Progress(view.plan, shown=False) for name in jobs}
        self._change(begin_measuring(view, jobs))
        self._client.send(Measure(plan=view.plan))

    def stop(self) -> None:
        """Stop what runs: the measurement on every host, or looking for hosts."""
        if self._view.stage == "measuring":
            self._change(replace(self._view, stage="stopping"))
        elif self._view.stage in ("connecting", "found"):
            self._change(HostsView(plan=self._view.plan, wanted=self._view.wanted))
        if self._client is not None:
            run_in_background(self._screen, self._client.close, group="hosts-stop", exclusive=False)

    def again(self) -> None:
        """Ask for hosts again, to measure what is selected now."""
        self._view = HostsView(wanted=self._view.wanted)
        self._close_dialog()
        self._screen.post_message(commands.MeasureOnHosts())

    def open_result(self, host: str) -> None:
        """Show the result of a host in the tabs."""
        line = self._view.line(host)
        if line is None or line.result is None or all(one.status == "cancelled" for one in line.result.candidates):
            return
        self._close_dialog()
        self._open(line.job, line.result, line.name)

    def _open(self, job: str, result: Result, host: str) -> None:
        state = self._store.state
        known = next((one for one in state.measurements if one.job == job), None)
        if known is not None:
            self._store.change(show_measurement(state, known))
        else:
            self._store.change(open_saved(state, result, job=job, host=host))

    def update(self) -> None:
        """Show the progress and the figures so far of each host; for the clock that redraws the screen."""
        if self._view is not self._shown:
            self._change(self._view)
        if self._view.stage != "measuring" or not self._changed or time.monotonic() < self._next_snapshot:
            return
        began = time.thread_time()
        view = self._view
        for name in self._changed:
            line = view.line(name)
            recording = self._recordings.get(line.job) if line is not None else None
            if line is not None and recording is not None and recording.rounds:
                view = update_host(view, name, result=self._recordings.snapshot(line.job))
        self._changed.clear()
        self._next_snapshot = time.monotonic() + _SNAPSHOT_SECONDS + _SNAPSHOT_PAUSE * (time.thread_time() - began)
        self._change(view)

    def results_so_far(self) -> list[Result]:
        """Return what each host has measured; some may still be measuring."""
        found: list[Result] = []
        jobs = [(line.job, line.result) for line in self._view.lines]
        if self._view.shared_job and self._view.stage != "finished":
            jobs = [(self._view.shared_job, None)]
        for job, result in jobs:
            if job and self._view.stage != "finished":
                with suppress(Exception):  # what is on the screen is better than nothing
                    result = self._recordings.result_so_far(job) or result
            if result is not None and result.measured:
                found.append(result)
        return found

    @property
    def found(self) -> HostsResult | None:
        """The results of all hosts of the last measurement that has ended; None if they shared a plan."""
        return self._ended.found if self._ended is not None and not self._ended.shared_job else None

    async def close(self) -> None:
        """End the process, and with it the measurement on every host."""
        if self._client is not None:
            await self._client.close()

    # --- what the process reports ------------------------------------------------------------------------------------

    async def _run(self, wanted: HostsWanted) -> None:
        """Talk to the process until it ends, then compute the results."""
        from latency_tui.cluster.process_protocol import Connect
        from latency_tui.tui.hosts_client import HostsClient

        client = self._client = HostsClient()
        request = Connect(
            cluster=wanted.cluster.strip(), hosts=wanted.names, remote_python=wanted.python.strip() or None
        )
        error = ""
        try:
            async for reply in client.replies(request):
                if self._client is client:
                    error = self._take(reply) or error
        except LatencyTuiError as failed:
            error = str(failed)
        finally:
            await client.close()
        if self._client is not client:
            return
        self._client = None
        view = self._view
        if view.stage in ("measuring", "stopping"):
            finish = self._finish_shared if view.shared_job else self._finish
            await finish(end_hosts(view, "" if view.stage == "stopping" else error or view.error))
        elif view.stage in ("connecting", "found"):
            lost = "" if view.stage == "connecting" else "The connection to the hosts was lost."
            self._change(HostsView(plan=view.plan, wanted=view.wanted, error=error or lost))

    def _take(self, reply: Reply) -> str:
        """Take a reply into the view; return why the process ends, if it says so."""
        from latency_tui.cluster.process_protocol import Failed, HostEnded, HostEvents, HostProgressed, HostsFound

        match reply:
            case Failed(message=message):
                return message
            case HostsFound() if self._view.stage == "connecting":
                self._change(show_hosts(self._view, reply.hosts, reply.unusable))
            case HostEvents(host=""):
                self._recordings.add(self._view.shared_job, reply.events)
            case HostEvents():
                self._add(reply)
            case HostProgressed():
                self._view = update_host(self._view, reply.host, progress=reply.words)
            case HostEnded(host=""):
                return reply.error
            case HostEnded():
                self._change(update_host(self._view, reply.host, error=reply.error))
        return ""

    def _add(self, reply: HostEvents) -> None:
        """Record events of a host."""
        line = self._view.line(reply.host)
        if line is None or not line.job:
            return
        self._recordings.add(line.job, reply.events)
        self._changed.add(reply.host)
        words = ""
        for event in reply.events:
            words = self._progress[reply.host].describe(event) or words
        if words:
            self._view = update_host(self._view, reply.host, progress=words)  # painted with the next redraw

    async def _finish_shared(self, view: HostsView) -> None:
        """Compute the result of hosts that shared a plan, keep it, and show it in the tabs."""
        from latency_tui.analysis.across_hosts import hosts_result
        from latency_tui.result.hosts import HostResult

        plan = view.plan
        assert plan is not None
        result = await asyncio.to_thread(self._recordings.result_so_far, view.shared_job)
        if result is not None and result.environment is not None and result.measured:
            result = await self._recordings.finish(view.shared_job)
        else:
            self._recordings.drop(view.shared_job)
            result = None
        view = end_sharing(view, result)
        line = view.lines[0]
        if result is not None:
            self._open(line.job, result, line.name)
        hosts = [HostResult(host=line.name, cpu=line.description.cpu, result=result, error=line.error)]
        self._ended = replace(view, stage="finished", found=hosts_result(plan, hosts))
        self._change(self._ended)

    async def _finish(self, view: HostsView) -> None:
        """Compute the result of each host with the baseline that all share, keep it, and compare the hosts."""
        from latency_tui.analysis.across_hosts import common_baseline, hosts_result
        from latency_tui.result.hosts import HostResult

        plan = view.plan
        assert plan is not None
        so_far: dict[str, Result] = {}
        for line in view.lines:
            result = await asyncio.to_thread(self._recordings.result_so_far, line.job)
            if result is not None and result.environment is not None:
                so_far[line.name] = result
        baseline = common_baseline(plan, [*so_far.values()])
        results: list[HostResult] = []
        for line in view.lines:
            result = so_far.get(line.name)
            if result is None or not result.measured:
                self._recordings.drop(line.job)
            else:
                recording = self._recordings.get(line.job)
                if baseline is not None and recording is not None and baseline in recording.active:
                    recording.rebase(baseline)
                result = await self._recordings.finish(line.job)
            results.append(HostResult(host=line.name, cpu=line.description.cpu, result=result, error=line.error))
            view = update_host(view, line.name, result=result)
        results += [HostResult(host=name, error=reason) for name, reason in view.unusable.items()]
        self._ended = replace(view, stage="finished", found=hosts_result(plan, results))
        self._change(self._ended)
