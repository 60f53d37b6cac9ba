"""The `latency-tui run` command: measures without a screen; the report goes to stdout, all else to stderr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from latency_tui.catalog.resolve import plan_values
from latency_tui.catalog.trust_store import remember
from latency_tui.cli.history_options import find_place, label_options
from latency_tui.cli.hosts_options import hosts_options, take_hosts
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.options import TRAINING_SECONDS, make_plan, measuring_options
from latency_tui.cli.output import emit
from latency_tui.cli.recipe_option import list_recipes, recipe_option, take_recipe
from latency_tui.engine.memory_limit import check_memory_limit
from latency_tui.errors import UsageError
from latency_tui.report.formats import FORMATS, Format, check_format, format_of

_CONTINUE_OPTIONS = {"trust", "trust_types", "config", "history", "no_history", "name", "tags"}
_TYPED = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)  # after or before `run`


@click.command(name="run", short_help="Measure without a screen and print the result.")
@click.argument("plan_name", metavar="[PLAN]", required=False)
@measuring_options
@click.option(
    "--format",
    "chosen_format",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help=f"Format of the report: {', '.join(FORMATS)}.  [default: from the suffix of the output file, else table]",
)
@click.option("-o", "--output", metavar="FILE", help="Write the report to FILE instead of stdout.")
@click.option(
    "--settings", is_flag=True, help="Measure one model as it is and once with each setting that can matter to it."
)
@click.option("--no-samples", is_flag=True, help="Omit the individual latencies from the JSON.")
@recipe_option
@label_options
@hosts_options
@click.option(
    "--continue",
    "continued",
    metavar="FILE|RESULT",
    help="Continue the unfinished result in FILE, or of the history; write to FILE, or to the output file of -o.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    plan_name: str | None,
    chosen_format: Format | None,
    output: str | None,
    settings: bool,
    recipe_name: str | None,
    no_samples: bool,
    continued: str | None,
    **values: Any,  # Any: values as click parsed them
) -> int:
    """Measure without a screen and print the result. PLAN names a plan of the configuration file.

    Exit codes: 0 success, 1 the measuring process failed, 2 usage error, 4 a model failed, 124 a call timed out, 130
    interrupted (143 by SIGTERM, 129 by SIGHUP). After an interruption, the partial result is still written.
    """
    if recipe_name == "":
        return emit([list_recipes()])
    check_memory_limit()
    hosts = take_hosts(values)
    path = None if output in (None, "-") else Path(str(output))
    report_format = chosen_format or (format_of(path) if path else "table")
    check_format(report_format, samples=not no_samples, to_file=path is not None)
    configuration = read_configuration({**values, "trust": ()} if continued is not None else values)
    place = find_place(values, configuration)
    typed = {
        name
        for name in (*values, "plan_name", "settings", "recipe_name")
        if context.get_parameter_source(name) in _TYPED
    }
    if continued is not None:
        from latency_tui.cli.continue_result import continue_result
        from latency_tui.history.references import is_path

        writes_file = path is not None or is_path(continued)
        if (
            hosts is not None
            or typed - _CONTINUE_OPTIONS
            or (writes_file and path is None and chosen_format not in (None, "json"))
        ):
            raise UsageError(
                "--continue takes the plan from the result; combine it only with --trust, --trust-type, --config, "
                "--history, --no-history, --name, --tag, --no-samples, and -o with --format."
            )
        return continue_result(
            continued,
            report_format="json" if writes_file and path is None else report_format,
            output=path,
            samples=not no_samples,
            trust=values["trust"],
            types=values["trust_types"],
            place=place,
            modules=configuration.folder,
        )
    taken = dict[str, Any]()
    if plan_name is not None:
        taken = plan_values(configuration.plan(plan_name), typed)
        values |= taken
    if recipe_name is not None:
        take_recipe(values, recipe_name, typed)
    if "max_seconds" in typed and not values["until_known"]:
        raise UsageError("--max-time limits --until-known; add --until-known.")
    if values["training_timeout"] is None:  # no user is present to cancel a long training
        values["training_timeout"] = TRAINING_SECONDS
    plan = make_plan(values, configuration, settings=settings, named_by_plan="models" in taken)
    remember(plan.candidates, plan.trust)
    if path:
        from latency_tui.result.atomic_files import check_writable

        check_writable(path)

    if hosts is not None:
        from latency_tui.cli.on_hosts import measure_on_hosts  # deferred: only these options need it

        return measure_on_hosts(
            plan, hosts, report_format=report_format, path=path, samples=not no_samples, place=place
        )
    from latency_tui.cli.headless import measure_and_report  # deferred: numpy and asyncio, 150 ms

    samples, modules = not no_samples, configuration.folder
    return measure_and_report(
        plan, report_format=report_format, path=path, samples=samples, modules=modules, place=place
    )
