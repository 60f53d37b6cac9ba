"""The lines of the dialog Measure on other machines, at any width and with any names."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from latency_tui.analysis.across_hosts import hosts_result
from latency_tui.result.hosts import HostDescription, HostResult
from latency_tui.tui.hosts_view import (
    HostsView,
    HostsWanted,
    begin_connecting,
    begin_measuring,
    end_hosts,
    sharing_refusal,
    show_hosts,
    update_host,
)
from latency_tui.tui.screens.hosts_lines import detail_lines, host_lines, top_lines
from tests.tui.fake_engine import fake_plan
from tests.unit.test_hosts import PLAN, _result

NAMES = {
    "short": ["a", "b"],
    "long": ["a-host-with-a-very-long-name.in.a.very.long.domain.example.org", "ip-10-0-0-2"],
    "many": [f"web{number}" for number in range(30)],
    "odd": ["\x1b[31mred\x1b[0m", "[bold]b[/bold]", "主機"],
}


def describe(**changes: object) -> HostDescription:
    values = {"host": "h", "cpu": "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "cores": 64, "os": "Linux"}
    return HostDescription(**{"python": "3.12.1", "versions": {"latency-tui": "0.1.0"}, **values, **changes})  # type: ignore[arg-type]  # fields by name


def views(names: list[str]) -> list[HostsView]:
    """Return the views of all stages, in order."""
    entering = HostsView(plan=PLAN)
    connecting = begin_connecting(entering, HostsWanted(",".join(names)))
    hosts = {name: describe(cores=64 + index) for index, name in enumerate(names)}
    found = show_hosts(connecting, hosts, {"x" * 90: "It cannot be reached over SSH: no route to host."})
    measuring = begin_measuring(found, {name: name for name in names})
    for index, name in enumerate(names):
        measuring = update_host(measuring, name, progress="training", result=_result(1e-3, 2e-3 + index * 1e-4))
    measuring = update_host(measuring, names[0], error=f"{names[0]} has left the cluster; what it measured is kept.")
    ended = end_hosts(measuring, "The process ended.")
    results = [HostResult(host=line.name, cpu="A", result=line.result, error=line.error) for line in ended.lines]
    return [entering, connecting, found, measuring, replace(ended, stage="finished", found=hosts_result(PLAN, results))]


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("width", [30, 56, 76, 136])
def test_no_line_is_wider_than_asked_and_none_has_escapes(names: list[str], width: int) -> None:
    for view in views(names):
        for lines in (top_lines, host_lines, detail_lines):
            for line in lines(view, width):
                assert cell_len(line.plain) <= width, (view.stage, line.plain)
                assert "\x1b" not in line.plain


def test_what_differs_from_the_first_host_stands_out() -> None:
    found = views(["a", "b"])[2]
    for width in (56, 200):
        lines = top_lines(found, width)
        marked = [line for line in lines if "65 *" in line.plain]
        assert len(marked) == 1
        (span,) = marked[0].spans
        assert marked[0].plain[span.start : span.end].endswith("65 *")


def test_a_host_that_has_ended_keeps_its_reason_when_the_others_are_stopped() -> None:
    measuring = views(["a", "b", "c"])[3]
    ended = end_hosts(update_host(measuring, "c", error=""), "")
    assert [line.error[:16] for line in ended.lines] == ["a has left the c", "It was stopped.", ""]


def test_hosts_share_only_a_plan_that_has_several_launches() -> None:
    view = HostsView(plan=fake_plan(launches=3))
    same = show_hosts(view, {"a": describe(), "b": describe()}, {})
    assert sharing_refusal(same) == ""
    assert "nothing to share" in sharing_refusal(replace(same, plan=fake_plan()))
    assert "nothing to share" in sharing_refusal(show_hosts(view, {"a": describe()}, {}))
    differ = show_hosts(view, {"a": describe(), "b": describe(cpu="B")}, {})
    assert "CPU" in sharing_refusal(differ)
    assert "--until-known" in sharing_refusal(replace(same, plan=fake_plan(launches=3, runs=None, until_known=True)))
