"""The `latency-tui compare` command: compares saved results."""

from __future__ import annotations

import click

from latency_tui.report.saved_comparison import COMPARISON_FORMATS, ComparisonFormat


@click.command(name="compare", short_help="Compare saved results.")
@click.argument("baseline", metavar="A")
@click.argument("results", metavar="B...", nargs=-1, required=True)
@click.option(
    "--format",
    "report_format",
    type=click.Choice(COMPARISON_FORMATS),
    default="table",
    show_default=True,
    help="Report format.",
)
@click.option("--history", metavar="FILE", help="The history that holds saved results.  [default: the user's]")
@click.option("--force", is_flag=True, help="Give a verdict although the CPU models differ.")
def command(
    baseline: str, results: tuple[str, ...], report_format: ComparisonFormat, history: str | None, force: bool
) -> int:
    """Compare saved results B... with the saved result A: the p50 of each model, their ratio and a verdict.

    A result is a file of latency-tui, pyperf, hyperfine or pytest-benchmark, or an id, a name, a tag or last~2 of the
    history.

    Exit codes: 0 compared, whatever the verdicts; 2 a result cannot be read. Use check for a gate.
    """
    from latency_tui.analysis.saved_results import compare_saved  # deferred: numpy, 100 ms
    from latency_tui.cli.history_options import history_to_read
    from latency_tui.cli.output import emit, terminal_style
    from latency_tui.history.earlier_results import earlier_results
    from latency_tui.history.reading import read_result_or_suite
    from latency_tui.report.saved_comparison import render_comparisons

    file = history_to_read(history)
    first = read_result_or_suite(baseline, file, samples=False)
    comparisons = []
    for name in results:
        other = read_result_or_suite(name, file, samples=False)
        earlier = earlier_results(first, other, file)
        comparisons.append(compare_saved(first, other, names=(baseline, name), earlier=earlier, force=force))
    return emit(
        [render_comparisons(comparisons, report_format, width=terminal_style()[0])], json=report_format == "json"
    )
