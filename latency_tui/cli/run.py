"""`latency-tui run`: measure without a screen. The report goes to stdout, everything else to stderr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from latency_tui.catalog.resolve import plan_values
from latency_tui.cli.input_options import configuration_of
from latency_tui.cli.options import make_plan, measuring_options
from latency_tui.errors import UsageError
from latency_tui.report.formats import FORMATS, Format, format_of

TRAINING_SECONDS = 600.0
_WITH_CONTINUE = {"trust", "trust_types", "config"}
_TYPED = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)  # after run, or before it


@click.command(name="run", short_help="Measure without a screen and print the result.")
@click.argument("plan_name", metavar="[PLAN]", required=False)
@measuring_options
@click.option(
    "--format",
    "asked_format",
    type=click.Choice(FORMATS),
    help="How the result is written.  [default: the suffix of FILE, else table]",
)
@click.option("-o", "--output", metavar="FILE", help="Write the result to FILE and not to stdout.")
@click.option("--settings", is_flag=True, help="Measure one model as it is and with each setting pulled, ranked.")
@click.option("--no-samples", is_flag=True, help="Leave the single latencies out of the JSON.")
@click.option(
    "--continue",
    "continued",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Measure what the result in FILE lacks, and add it to FILE, or to the file of -o.",
)
@click.option(
    "--recover",
    "spool",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Report the samples in FILE of a measurement that was cut off; without FILE, list these files.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    plan_name: str | None,
    asked_format: Format | None,
    output: str | None,
    settings: bool,
    no_samples: bool,
    continued: Path | None,
    spool: str | None,
    **values: Any,  # Any: whatever click parsed, one entry an option
) -> int:
    """Measure without a screen and print the result. PLAN is one of the configuration file's.

    Exit codes: 0 done, 1 the measuring process failed, 2 usage, 4 a model failed, 124 a call timed out, 130
    interrupted (143 by SIGTERM, 129 by SIGHUP; what was measured is still written).
    """
    path = None if output in (None, "-") else Path(str(output))
    form = asked_format or (format_of(path) if path else "table")
    typed = {name for name in (*values, "plan_name", "settings") if context.get_parameter_source(name) in _TYPED}
    if continued is not None:
        if typed - _WITH_CONTINUE or spool is not None or (path is None and asked_format not in (None, "json")):
            raise UsageError(
                "--continue measures what the result says; only --trust, --trust-type, --config, -o with --format, "
                "and --no-samples go with it."
            )
        from latency_tui.cli.continuing import continue_result

        return continue_result(
            continued,
            form=form if path else "json",
            output=path,
            samples=not no_samples,
            trust=values["trust"],
            types=values["trust_types"],
            modules=configuration_of({**values, "trust": ()}).folder,
        )
    if spool is not None:
        if typed:
            raise UsageError("--recover reports what was measured; only --format, -o and --no-samples go with it.")
        from latency_tui.cli.headless import list_unfinished, recover

        if not spool:
            return list_unfinished()

        return recover(Path(spool), form=form, path=path, samples=not no_samples)
    configuration, taken = configuration_of(values), dict[str, Any]()
    if plan_name is not None:
        taken = plan_values(configuration.plan(plan_name), typed)
        values |= taken
    if "max_seconds" in typed and not values["until_known"]:
        raise UsageError("--max-time is when --until-known gives up; give that too.")
    if values["training_timeout"] is None:  # nobody is there to end it
        values["training_timeout"] = TRAINING_SECONDS
    plan = make_plan(values, settings=settings, by_plan="models" in taken)
    if path:
        from latency_tui.result.atomic_files import check_writable

        check_writable(path)

    from latency_tui.cli.headless import measure_and_report  # numpy and asyncio: 150 ms, not for a wrong option

    samples, modules = not no_samples, configuration.folder
    return measure_and_report(plan, form=form, path=path, samples=samples, modules=modules)
