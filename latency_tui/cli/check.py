"""The `latency-tui check` command: a gate for CI, which fails only if a second measurement confirms the failure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.resolve import plan_values
from latency_tui.catalog.trust_store import remember
from latency_tui.catalog.validate import check_plan
from latency_tui.cli.history_options import find_place, history_path, label_options
from latency_tui.cli.hosts_options import hosts_options, take_hosts
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.options import TRAINING_SECONDS, find_slug, make_plan, measuring_options, resolve_limit
from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.plan.limits import COLD_START_METRICS, Limit, is_on_response_time
from latency_tui.report.gate import GATE_FORMATS, SUFFIXES, GateFormat

if TYPE_CHECKING:
    from latency_tui.cli.check_run import Check
    from latency_tui.cli.saved_baselines import SavedBaseline
    from latency_tui.result.gate import Gate
    from latency_tui.result.hosts_gate import HostsGate

_LAUNCHES = 5
_SECONDS_PER_LAUNCH = 1.0
_RUNS_ALONE = 100
"""Calls outside of a load test if no limit is on them."""
_TYPED = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)


@click.command(name="check", short_help="Check limits, for CI.")
@click.argument("plan_name", metavar="[PLAN]", required=False)
@measuring_options
@click.option("--strict", is_flag=True, help="Exit with 5 if a limit is undecided.")
@click.option(
    "--ack",
    "acknowledged",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A TOML file of acknowledged slowdowns.",
)
@click.option(
    "--allow-other-environment",
    "allow_other",
    is_flag=True,
    help="Accept a saved baseline of another CPU model, number of cores or version.",
)
@click.option(
    "--format", "asked_format", type=click.Choice(GATE_FORMATS), help="Format of the report.  [default: table]"
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write the report to FILE, in the format of its suffix.",
)
@click.option(
    "--junit", metavar="FILE", type=click.Path(path_type=Path), help="Also write the lines to FILE as JUnit XML."
)
@click.option(
    "--self-test",
    is_flag=True,
    help="Say whether this check sees a planted slowdown on this machine, and stays quiet on an identical model.",
)
@label_options
@hosts_options
@click.option("--github", is_flag=True, help="Write annotations and the step summary of GitHub Actions.")
@click.pass_context
def command(
    context: click.Context,
    /,
    plan_name: str | None,
    strict: bool,
    acknowledged: Path | None,
    allow_other: bool,
    asked_format: GateFormat | None,
    output: Path | None,
    junit: Path | None,
    github: bool,
    self_test: bool,
    **values: Any,  # Any: values as click parsed them
) -> int:
    """Check limits by their intervals, and measure again what fails. PLAN names a plan of the configuration file.

    A relative limit such as 'p50 < 1.05x' compares with --baseline, a model that is measured in turns or a saved
    result, or with --against, a git revision. Without -n and -t, it measures until each limit is decided.

    Exit codes: 0 no limit is broken, 3 a limit is broken, 5 a limit is undecided (with --strict), and those of run.
    """
    hosts = take_hosts(values)
    if hosts is not None and (self_test or hosts.spread == "work"):
        raise UsageError(
            "--self-test tests the gate of one machine; run it there without --cluster and --hosts."
            if self_test
            else "A check has a verdict per host, so that hosts cannot share its work; omit --spread work."
        )
    typed = {name for name in (*values, "plan_name") if context.get_parameter_source(name) in _TYPED}
    configuration, taken = read_configuration(values), dict[str, Any]()
    if plan_name is not None:
        taken = plan_values(configuration.plan(plan_name), typed)
        values |= taken
    if values["scenario"] == "offline":
        raise UsageError("A check judges limits, and none is on the offline throughput; use latency-tui run.")
    if values["find_rate"]:
        raise UsageError("A check judges limits at given request rates: use --rate, or latency-tui run --find-rate.")
    if not values["limits"]:
        raise UsageError("A check needs a limit; add one, such as --limit 'p99 < 5ms'.")
    if values["training_timeout"] is None:  # no user is present to cancel a long training
        values["training_timeout"] = TRAINING_SECONDS
    by_suffix = _format_of(output)
    for path in (output, junit):
        if path is not None:
            from latency_tui.result.atomic_files import check_writable

            check_writable(path)
    if self_test:
        if junit is not None or github or acknowledged is not None or values["name"] or values["tags"]:
            raise UsageError(
                "--self-test checks the gate and not the models; omit --junit, --github, --ack, --name and --tag."
            )
        return _run_self_test(
            values, configuration, asked_format or "table", output, by_suffix, named_by_plan="models" in taken
        )
    check = _make_check(
        values,
        configuration,
        allow_other=allow_other,
        named_by_plan="models" in taken,
        on_hosts=hosts is not None,
    )
    check.strict, check.place = strict, find_place(values, configuration)
    if acknowledged is not None:
        from latency_tui.catalog.acknowledgements import read_acknowledgements

        check.acknowledgements = read_acknowledgements(acknowledged)
    remember(check.plan.candidates, check.plan.trust)
    gate: Gate | HostsGate
    if hosts is not None:
        from latency_tui.cli.check_hosts import check_on_hosts  # deferred: only these options need it

        gate = check_on_hosts(check, hosts)
    else:
        gate = check.run()
    written = _write_files(gate, output, by_suffix, junit)
    annotations = _write_for_github(gate) if github else []
    return _print_report(gate, asked_format or "table", annotations) or written


def _run_self_test(
    values: dict[str, Any],
    configuration: LoadedConfiguration,
    report_format: GateFormat,
    output: Path | None,
    by_suffix: GateFormat,
    *,
    named_by_plan: bool,
) -> int:
    """Run the self-test of each model that a relative limit applies to, print its outcome and return the exit code."""
    from latency_tui.cli.output import emit, terminal_style
    from latency_tui.cli.self_test import run_self_test, tested_limits
    from latency_tui.report.gate import render_self_test
    from latency_tui.result.atomic_files import write_content

    check = _make_check(
        {**values, "against": None, "baseline": None, "limits": ("p50 < 1min",)},
        configuration,
        named_by_plan=named_by_plan,
    )
    candidates = check.plan.candidates
    baseline = find_slug(values["baseline"], candidates) if values["baseline"] is not None else None
    limits = tested_limits(check.plan, [resolve_limit(text, candidates) for text in values["limits"]], baseline)
    remember(candidates, check.plan.trust)
    test = run_self_test(check, limits)
    if output is not None:
        write_content(output, [render_self_test(test, by_suffix).encode()])
    code = emit([render_self_test(test, report_format, colour=terminal_style()[1])], json=report_format == "json")
    return test.exit_code or code


def _write_files(gate: Gate | HostsGate, output: Path | None, by_suffix: GateFormat, junit: Path | None) -> int:
    """Write the report and the JUnit file; return the exit code if one cannot be written, or else 0."""
    from latency_tui.cli.group import print_error
    from latency_tui.report.gate import render_gate
    from latency_tui.report.junit import render_gate_junit
    from latency_tui.result.atomic_files import write_content

    code = 0
    for path, text in ((output, render_gate(gate, by_suffix)), (junit, render_gate_junit(gate))):
        try:
            if path is not None:
                write_content(path, [text.encode()])
        except UsageError as error:  # the disk may be full: stdout keeps the verdict
            code = print_error(str(error), error.exit_code)
    return code


def _write_for_github(gate: Gate | HostsGate) -> list[str]:
    """Append to the step summary, and return the annotations."""
    from latency_tui.cli.group import print_error
    from latency_tui.report.github import annotations_of, step_summary

    path = os.environ.get("GITHUB_STEP_SUMMARY")
    try:
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(step_summary(gate))
        else:
            print_error("There is no step summary, because GITHUB_STEP_SUMMARY is not set.")
    except OSError as error:
        print_error(f"The step summary cannot be written: {(error.strerror or str(error)).lower()}.")
    return annotations_of(gate)


def _print_report(gate: Gate | HostsGate, report_format: GateFormat, annotations: Sequence[str]) -> int:
    """Print annotations and the report, and return the exit code.

    The verdict stays the last line, and JSON the only content of stdout; GitHub reads annotations from stderr too.
    """
    from latency_tui.cli.output import emit, print_status, terminal_style
    from latency_tui.report.gate import render_gate

    text = render_gate(gate, report_format, colour=terminal_style()[1])
    if report_format == "table":
        text = "".join(f"{line}\n" for line in annotations) + text
    else:
        for line in annotations:
            print_status(line)
    code = emit([text], json=report_format == "json")
    return gate.exit_code or code


def _format_of(output: Path | None) -> GateFormat:
    if output is None:
        return "table"
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"The suffix of {output} selects no format; use one of {', '.join(SUFFIXES)}.")
    return SUFFIXES[output.suffix.lower()]


def _make_check(
    values: dict[str, Any],
    configuration: LoadedConfiguration,
    *,
    allow_other: bool = False,
    named_by_plan: bool = False,
    on_hosts: bool = False,
) -> Check:
    """Return the check that the options describe.

    Raises:
        UsageError: An option is invalid, or a relative limit has no baseline.
    """
    from latency_tui.cli.check_run import Check  # deferred: numpy and asyncio, 150 ms
    from latency_tui.cli.saved_baselines import open_baselines

    probe = {**values, "limits": (), "baseline": None, "runs": 1, "seconds": None, "until_known": False}
    plan = make_plan(probe, configuration, named_by_plan=named_by_plan)
    limits = tuple(resolve_limit(text, plan.candidates) for text in values["limits"])
    relative = tuple(limit for limit in limits if limit.relative)
    named, baseline, pairs = values["baseline"], None, plan.revision_pairs
    if named is not None and pairs:
        raise UsageError("--baseline and --against exclude each other; give one of them.")
    if pairs:  # absolute limits are on the working tree, too
        mine = [one.slug for one in plan.candidates if one.revision is None]
        limits = tuple(
            msgspec.structs.replace(limit, candidate=slug)
            for limit in limits
            for slug in ([limit.candidate] if limit.candidate else mine)
        )
    if named is not None:
        slug = find_slug(named, plan.candidates)
        baseline = slug if slug in {one.slug for one in plan.candidates} else None
    by_host: dict[str, SavedBaseline] = {}
    if named is not None and baseline is None:
        history = history_path({**values, "no_history": False}, configuration)
        by_host = open_baselines(named, relative, history, allow_other=allow_other, on_hosts=on_hosts)
    saved = next(iter(by_host.values()), None)
    if relative and named is None and not pairs:
        raise UsageError(
            f"The limit '{relative[0]}' needs a baseline: add --baseline with a model that is measured too or with a "
            "saved result, or --against with a git revision."
        )
    for one in by_host.values():
        one.check_models(plan)
    open_ended = values["runs"] is None and values["seconds"] is None
    if open_ended and plan.load is not None and all(is_on_response_time(limit) for limit in limits):
        values, open_ended = {**values, "runs": _RUNS_ALONE}, False
    plan = _with_length(plan, values, saved is not None, open_ended)
    judged = tuple(limit for limit in limits if not (saved and limit.relative))
    plan = msgspec.structs.replace(
        plan,
        baseline=plan.baseline if pairs else baseline,
        limits=judged,
        cold_start=plan.cold_start or any(limit.metric in COLD_START_METRICS for limit in limits),
    )
    check_plan(plan)
    for one in by_host.values():
        one.check_workload(plan)
    return Check(
        plan=plan,
        baselines=tuple(pairs.values()) if pairs else () if baseline is None else (baseline,),
        saved=saved,
        saved_by_host=by_host if on_hosts and "" not in by_host else {},
        until_decided=saved is not None and open_ended,
        modules=configuration.folder,
    )


def _with_length(plan: Plan, values: dict[str, Any], is_saved: bool, open_ended: bool) -> Plan:
    """Return a plan with the length that was asked for.

    The default is until decided. Against a saved result the unit is the launch, so these are five of a second each.
    """
    runs, seconds, until_known = values["runs"], values["seconds"], values["until_known"]
    launches = plan.launches
    if is_saved and open_ended:
        seconds, until_known = _SECONDS_PER_LAUNCH, False
    elif open_ended:
        until_known = True
    if is_saved and values["launches"] is None:
        launches = _LAUNCHES
    return msgspec.structs.replace(
        plan,
        runs=runs,
        seconds=seconds,
        until_known=until_known,
        launches=launches,
        # set here because a plan of one model must have a limit to be measured until it is decided
        limits=(Limit(metric="throughput", bound=1.0, text=""),) if until_known else (),
    )
