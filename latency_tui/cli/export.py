"""The `latency-tui export` command: writes a saved result in another format."""

from __future__ import annotations

from pathlib import Path

import click

from latency_tui.errors import UsageError
from latency_tui.report.formats import FORMATS, Format, check_format, format_of


@click.command(name="export", short_help="Write a saved result in another format.")
@click.argument("reference", metavar="RESULT")
@click.option(
    "--to",
    "chosen_format",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help=f"Format to write: {', '.join(FORMATS)}.  [default: from the suffix of the output file]",
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout.")
@click.option("--no-samples", is_flag=True, help="Omit the individual latencies from the JSON.")
@click.option(
    "--history",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The history that holds saved results.  [default: the user's]",
)
def command(
    reference: str, chosen_format: Format | None, output: str | None, no_samples: bool, history: Path | None
) -> int:
    """Write the saved RESULT in another format. RESULT is a file, or an id, a name, a tag or last in the history.

    Exit codes: 0 written, 2 the result cannot be read or not be written in this format.
    """
    path = None if output in (None, "-") else Path(str(output))
    if chosen_format is None and path is None:
        raise UsageError("Name a format with --to FORMAT, or a file with -o FILE whose suffix selects it.")
    report_format = chosen_format or format_of(str(path))
    check_format(report_format, samples=not no_samples, to_file=path is not None)

    from latency_tui.cli.history_options import history_to_read
    from latency_tui.cli.output import emit, print_status, terminal_style  # deferred: with numpy 150 ms
    from latency_tui.history.reading import read_hosts, read_result
    from latency_tui.report.formats import pieces, write
    from latency_tui.report.hosts import HOSTS_FORMATS, hosts_pieces
    from latency_tui.result.atomic_files import write_content
    from latency_tui.text.exports import describe_omissions
    from latency_tui.text.sanitize import clean

    hosts_format = next((one for one in HOSTS_FORMATS if one == report_format), None)
    if hosts_format is not None and (hosts := read_hosts(reference)) is not None:
        if path is None:
            width, colour = terminal_style()
            text = hosts_pieces(hosts, hosts_format, width=width, colour=colour, samples=not no_samples)
            return emit(text, json=FORMATS[hosts_format].is_json)
        write_content(path, (piece.encode() for piece in hosts_pieces(hosts, hosts_format, samples=not no_samples)))
        print_status(clean(f"Written to {path}."))
        return 0
    result = read_result(reference, history_to_read(history))
    if omissions := describe_omissions(result, report_format):
        print_status(f"latency-tui: {omissions}")
    if path is None:
        width, colour = terminal_style()
        text = pieces(result, report_format, width=width, colour=colour, samples=not no_samples)
        return emit(text, json=FORMATS[report_format].is_json)
    write(result, path, report_format, samples=not no_samples)
    print_status(clean(f"Written to {path}."))
    return 0
