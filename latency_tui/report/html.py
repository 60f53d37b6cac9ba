"""Formats a result as one HTML file that works offline: no script, and nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latency_tui.report.command import format_command
from latency_tui.report.interval_svg import interval_chart
from latency_tui.report.load import load_chart, load_rows, offline_rows
from latency_tui.report.markup import escape
from latency_tui.report.mix import make_class_rows
from latency_tui.report.steps import steps_html
from latency_tui.report.svg import (
    bar_axis,
    bar_chart,
    colour_of,
    dash_of,
    embed,
    percentile_chart,
    read_style,
    run_chart,
    shown_candidates,
)
from latency_tui.report.sweep_svg import drawn_curves, sweep_chart
from latency_tui.report.sweeps import make_tables
from latency_tui.report.table_cells import (
    BASELINE,
    Row,
    comparison_with,
    format_tail,
    make_notes,
    make_rows,
    make_title,
)
from latency_tui.report.trade_off import trade_off_html
from latency_tui.stats.percentiles import PERCENTILES
from latency_tui.text.environments import describe_predictions, differing_versions, format_versions
from latency_tui.text.formatting import (
    NOTHING,
    format_duration,
    format_interval,
    format_memory,
    format_ratio,
)
from latency_tui.text.limits import WORDS, format_figures, what_decides
from latency_tui.text.scores import format_metric, format_score_with_interval
from latency_tui.text.spread import describe_spread

if TYPE_CHECKING:
    from datetime import datetime

    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.sweep import SweepCurve

_LATENCY_HINT = "p50 of a call with its interval; the whisker ends at p99, or dashed at its lower bound."
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Content security policy: the page may load nothing and run no script."""


def render_html(result: Result) -> str:
    """Return a page: the answer, charts, cards, tables, noise, environment and the command."""
    return render_page(make_title(result), result.created_at, result.answer, make_sections(result))


def make_sections(result: Result, *, with_cards: bool = True) -> list[str]:
    """Return the sections of a page on a result; those that would be empty are missing."""
    first = {*result.plan.first_cells}  # of a sweep, one cell per model
    shown = [one for one in shown_candidates(result) if one.slug in first]
    sections = (
        _sweeps(result),
        _latency(result, shown),
        make_section("Models", make_cards(result)) if with_cards else "",
        _comparison(result, shown),
        _percentiles(result, shown),
        _runs(shown),
        trade_off_html(result, embed),
        steps_html(result, embed),
        _load(result),
        _limits(result),
        _table_of_rows("Figures", make_rows(result)),
        _table_of_rows("Classes of calls", make_class_rows(result)),
        _notes(result),
        _noise(result),
        _environment(result),
        _command(result),
    )
    return [section for section in sections if section]


def render_page(title: str, created_at: datetime, answer: str, sections: Iterable[str]) -> str:
    """Return a page that works offline.

    Args:
        title: What was measured and where.
        created_at: When the measurement began.
        answer: The answer; empty if nothing was measured.
        sections: The sections, as HTML.
    """
    style = Path(__file__).with_name("html.css").read_text(encoding="utf-8")
    date = created_at.strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="generator" content="latency-tui">\n'
        f"<title>{escape(title)}</title>\n<style>{read_style()}{style}</style>\n</head>\n<body>\n<main>\n"
        f"<header><p>{escape(title)} · {date}</p><h1>{escape(answer or 'Nothing was measured.')}</h1></header>\n"
        + "\n".join(sections)
        + "\n<footer>Measured by latency-tui. Times are of one call; intervals have a confidence of 95 %.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def make_section(title: str, body: str, hint: str = "") -> str:
    """Return a section with a heading; empty if its body is. The title and the hint are HTML."""
    note = f'<p class="hint">{hint}</p>' if hint else ""
    return f"<section><h2>{title}</h2>{note}{body}</section>" if body else ""


def _chart(result: Result, title: str, hint: str, chart: tuple[str, float], extra: str = "") -> str:
    content, height = chart
    label = f"{title}: {result.answer}"
    return make_section(
        title, f'<div class="chart">{extra}{embed(content, height, label)}</div>' if content else "", hint
    )


def _sweeps(result: Result) -> str:
    """Return the chart, the table of cells and the sentences of each sweep."""
    parts = []
    for index, table in enumerate(make_tables(result)):
        content, height = sweep_chart(result, table.sweep)
        chart = embed(content, height, f"Latency over {table.sweep.parameter}")
        drawn = drawn_curves(result, table.sweep)
        body = f'<div class="chart">{_chips(drawn)}{chart}</div>' if content else ""
        body += make_table(table.heads, [[escape(cell) for cell in row] for row in table.rows], text=set())
        told = [text for kind, text in make_notes(result) if kind == "sweep"] if index == 0 else []
        body += f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in told)}</ul>" if told else ""
        hint = "p50 of a call with its interval, over the values of the setting on a logarithmic axis."
        parts.append(make_section(f"Sweep of {escape(table.sweep.parameter)}", body, hint))
    return "\n".join(parts)


def _latency(result: Result, shown: Sequence[CandidateResult]) -> str:
    scale = bar_axis(result, shown)
    hint = f"{_LATENCY_HINT} The axis is logarithmic." if scale is not None and scale.log else _LATENCY_HINT
    return _chart(result, "Latency", hint, bar_chart(result, shown))


def make_cards(result: Result) -> str:
    """Return a card per model, with its figures and its verdict; empty if there is none."""
    first = {*result.plan.first_cells}
    cards = "".join(_card(result, row.candidate) for row in make_rows(result) if row.candidate.slug in first)
    return f'<div class="cards">{cards}</div>' if cards else ""


def _card(result: Result, candidate: CandidateResult) -> str:
    numbers, failed = candidate.statistics, candidate.status == "failed"
    body = ""
    if numbers is not None:
        interval = format_interval(numbers.p50.low, numbers.p50.high)
        body += f'<p class="p50">{format_duration(numbers.p50.value)} <small>{interval}</small></p>'
    if failed:
        body += f'<p class="failed">failed: {escape(candidate.error or "no reason is known")}</p>'
    elif numbers is None:
        body += "<p>not measured</p>"
    else:
        body += _against_baseline(result, candidate)
        pairs = [("mean", format_duration(numbers.mean)), ("std", format_duration(numbers.std))]
        pairs += [("p99", format_tail(numbers.p99)), ("calls", f"{candidate.calls:,}")]
        if candidate.score is not None:
            score = format_score_with_interval(candidate.score, candidate.score_low, candidate.score_high)
            pairs.append((format_metric(candidate.metric), score))
        if candidate.cold_start is not None:
            pairs.append(("first call", format_duration(candidate.cold_start_seconds)))
            pairs.append(("memory", format_memory(candidate.cold_start.memory_peak)))
        if versions := differing_versions(result).get(candidate.slug):
            body += f'<p class="versions">{escape(format_versions(versions))}</p>'
        if note := describe_predictions(result, candidate):
            body += f'<p class="inconclusive">{escape(note)}</p>'
        body += "<dl>" + "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"
    return f'<div class="card" style="--c:{colour_of(candidate)}"><h3>{escape(candidate.name)}</h3>{body}</div>'


def _against_baseline(result: Result, candidate: CandidateResult) -> str:
    if candidate.slug == result.baseline:
        return f"<p>{BASELINE}</p>" if result.comparisons else ""
    pair = comparison_with(result, result.baseline, candidate.slug)
    if pair is None:
        return ""
    ratio = escape(format_ratio(pair.ratio, pair.low, pair.high))
    text = ratio if pair.verdict in ("faster", "slower") else f"{pair.verdict}: {ratio}"
    return f'<p class="{pair.verdict}">{text}</p>'


def _comparison(result: Result, shown: Sequence[CandidateResult]) -> str:
    baseline = result.baseline
    if baseline is None or not result.comparisons:
        return ""
    name = next((one.name for one in result.candidates if one.slug == baseline), baseline)
    hint = (
        f"Latency divided by that of {escape(name)}, the baseline; above 1 is slower. "
        f"Differences within {result.equivalence * 100:.2g} % (shaded) count as equal."
    )
    return _chart(result, "Comparison", hint, interval_chart(result, shown))


def _percentiles(result: Result, shown: Sequence[CandidateResult]) -> str:
    rows = [
        [escape(one.name), *(escape(format_tail(getattr(one.statistics, name))) for name in PERCENTILES)]
        for one in shown
    ]
    table = make_table(["model", *(name.replace("_", ".") for name in PERCENTILES)], rows, text={0})
    spread = f"<p>{escape(describe_spread(result))}</p>"
    content, height, drawn = percentile_chart(shown)
    chart = f'<div class="chart">{_chips(drawn)}{embed(content, height, "Percentiles")}</div>' if content else ""
    hint = (
        "Latency that a share of the calls did not exceed; shaded: 95 % CI. ≥ marks a lower bound: the "
        "percentile needs more calls."
    )
    return make_section("Percentiles", spread + chart + table if rows else "", hint)


def _runs(shown: Sequence[CandidateResult]) -> str:
    content, height, drawn = run_chart(shown)
    if not content:
        return ""
    chart = f'<div class="chart">{_chips(drawn)}{embed(content, height, "Latency over the runs")}</div>'
    return make_section("Over the runs", chart, "Medians of neighbouring calls, in the order measured.")


def _chips(shown: Sequence[CandidateResult | SweepCurve]) -> str:
    items = "".join(
        f'<li style="--c:{colour_of(one)}"><svg width="26" height="10"><polyline points="0,5 26,5" '
        f'stroke-dasharray="{dash_of(index)}"/></svg>{escape(one.name)}</li>'
        for index, one in enumerate(shown)
    )
    return f'<ul class="chips">{items}</ul>'


def _load(result: Result) -> str:
    if offline := offline_rows(result):
        cells = [[escape(cell) for cell in row.cells.values()] for row in offline]
        hint = "Rows per second of all workers together, if all requests are there at once."
        return make_section("Offline throughput", make_table(list(offline[0].cells), cells, text={0}), hint)
    rows = load_rows(result)
    if not rows:
        return ""
    text = {index for index, name in enumerate(rows[0].cells) if name in ("model", "verdict")}
    table = make_table(list(rows[0].cells), [[escape(cell) for cell in row.cells.values()] for row in rows], text=text)
    content, height, drawn = load_chart(result)
    chart = (
        f'<div class="chart">{_chips(drawn)}{embed(content, height, "Response time under load")}</div>'
        if content
        else ""
    )
    hint = "p99 of the response time at each request rate; it counts from the arrival of a request."
    return make_section("Under load", chart + table, hint)


def _limits(result: Result) -> str:
    names = {one.slug: one.name for one in result.candidates}
    heads = ["model", "limit", "verdict", "measured", "would likely decide"]
    rows = [
        [
            escape(names.get(one.candidate, one.candidate)),
            escape(one.limit),
            f'<span class="{one.verdict}">{WORDS[one.verdict]}</span>',
            escape(format_figures(one)),
            escape(what_decides([one]) if one.verdict == "inconclusive" else ""),
        ]
        for one in result.limits
    ]
    if not any(row[-1] for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return make_section("Limits", make_table(heads, rows, text={0, 1, 2}))


def _table_of_rows(title: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    names = list(rows[0].cells)
    text = {index for index, name in enumerate(names) if name in ("model", "calls of", "verdict", "limits", "group")}
    cells = [[escape(cell) for cell in row.cells.values()] for row in rows]
    return make_section(title, make_table(names, cells, text=text))


def _notes(result: Result) -> str:
    told = ("answer", "noise", "tails", "limit", "score", "sweep")  # in sections of their own
    notes = [(kind, text) for kind, text in make_notes(result) if kind not in told]
    items = "".join(f'<li class="{kind}">{kind}: {escape(text)}</li>' for kind, text in notes)
    return make_section("Notes", f"<ul>{items}</ul>" if items else "")


def _noise(result: Result) -> str:
    noise = result.noise
    shares = (
        ("time lost to other processes", noise.lost_time),
        ("time lost to other virtual machines", noise.steal),
        ("drift", noise.drift),
    )
    rows = [[name, f"{share:.1%}"] for name, share in shares if share is not None]
    if noise.autocorrelation is not None:
        rows.append(["autocorrelation of neighbouring calls", f"{noise.autocorrelation:.2f}"])
    if noise.timer_floor is not None:
        rows.append(["timed loop without a call", format_duration(noise.timer_floor)])
    if noise.load is not None:
        rows.append(["load average per core, before", f"{noise.load:.2f}"])
    findings = "".join(f"<li>{escape(one.sentence)}</li>" for one in noise.findings)
    level = f'<p>The machine was <strong class="{noise.level}">{noise.level}</strong>.</p>'
    return make_section("Noise", level + (f"<ul>{findings}</ul>" if findings else "") + make_table([], rows, text={0}))


def _environment(result: Result) -> str:
    machine = result.environment
    if machine is None:
        return ""
    rows = [("host", machine.host), ("CPU", machine.cpu), ("cores", str(machine.cores)), ("system", machine.os)]
    rows.append(("pinned to", ", ".join(map(str, machine.pinned)) or NOTHING))
    rows.append(("threads", NOTHING if machine.threads is None else str(machine.threads)))
    rows.append(("governor", machine.governor or NOTHING))
    rows.append(("memory", NOTHING if machine.memory_bytes is None else format_memory(machine.memory_bytes)))
    rows += [("Python", machine.python), *machine.versions.items()]
    cells = [[escape(name), escape(value)] for name, value in rows if value and value != NOTHING]
    return make_section("Environment", make_table([], cells, text={0, 1}))


def _command(result: Result) -> str:
    command = format_command(result.plan)
    if command is None:
        return make_section("Measure again", "<p>It was measured from a Python program, with latency_tui.measure.</p>")
    return make_section("Measure again", f"<pre>{escape(command)}</pre>")


def make_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, text: set[int]) -> str:
    """Return a table of cells that are escaped already; columns in `text` are left-aligned."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="text">{cell}</{tag}>' if index in text else f"<{tag}>{cell}</{tag}>"
            for index, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', [escape(name) for name in heads])}</tr></thead>" if heads else ""
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>' if body else ""
