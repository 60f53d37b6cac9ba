"""Formats where the time of a call goes: as text, Markdown, and a section of the HTML page with bars."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from latency_tui.report.markup import escape
from latency_tui.text.formatting import NOTHING
from latency_tui.text.sanitize import cell_width, pad, shorten
from latency_tui.text.steps import TITLE, StepRow, bar, call_line, describe_steps, passes, step_rows

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_BAR = 20
_MIN_BAR = 6
_MIN_LABEL = 16
_ROW = 26
_INDENT_PERCENT = 2
_BAR_START = 46
_BAR_END = 80


def steps_text(result: Result, width: int | None, paint: Callable[[str, str], str]) -> list[str]:
    """Return one block of lines per candidate: the sentences, then a row per step with its bar.

    Args:
        result: The result.
        width: Width of the terminal; None for no limit.
        paint: Colours a text with an escape code.
    """
    blocks = []
    for name, found, steps in passes(result):
        sentences = describe_steps(name, found, steps)
        lines = [paint(line, "1") for line in _wrapped(sentences[0], width)]
        rows = step_rows(found, steps)
        if rows:
            lines += [paint(line, "2") for line in _wrapped(f"{TITLE}: {name}, {call_line(found)}", width)]
            lines += list(_rows(rows, width, paint))
        lines += [line for sentence in sentences[1:] for line in _wrapped(sentence, width)]
        blocks.append("\n".join(lines))
    return blocks


def _wrapped(text: str, width: int | None) -> list[str]:
    return [text] if width is None else textwrap.wrap(text, max(width, 20))


def _rows(rows: list[StepRow], width: int | None, paint: Callable[[str, str], str]) -> Iterator[str]:
    labels = ["  " * row.depth + row.label for row in rows]
    times, intervals, shares = ([getattr(row, field) for row in rows] for field in ("time", "interval", "percent"))
    time, interval, share = (max(map(cell_width, column)) for column in (times, intervals, shares))
    longest, size = max(map(cell_width, labels)), _BAR
    if width is not None:
        size = max(min(_BAR, width - longest - time - interval - share - 8), _MIN_BAR)
        if longest + time + interval + share + 8 + size > width:  # the intervals are in every other format
            intervals, interval = [""] * len(rows), 0
        fixed = time + interval + share + size + (8 if interval else 6)
        longest = min(longest, max(width - fixed, _MIN_LABEL))
    for row, label, interval_text in zip(rows, labels, intervals, strict=True):
        parts = [pad(shorten(label, longest), longest), pad(row.time, time, right=True)]
        parts += [pad(interval_text, interval, right=True)] if interval else []
        parts.append(pad(row.percent, share, right=True))
        line = "  ".join(parts)
        if row.kind in ("step", "rest"):
            line += "  " + bar(row.share, size)
        yield paint(line.rstrip(), "2" if row.kind != "step" else "")


def steps_markdown(result: Result, escape_text: Callable[[str], str]) -> list[str]:
    """Return the blocks of Markdown: per candidate the sentences and a table."""
    blocks = []
    for name, found, steps in passes(result):
        sentences = describe_steps(name, found, steps)
        blocks.append(f"**{escape_text(sentences[0])}**")
        rows = step_rows(found, steps)
        if rows:
            lines = ["| step | time | 95 % CI | share |", "| :-- | --: | --: | --: |"]
            for row in rows:
                label = "&nbsp;&nbsp;" * row.depth + escape_text(row.label)
                lines.append(f"| {label} | {row.time} | {row.interval} | {row.percent} |")
            blocks.append("\n".join(lines))
        if sentences[1:]:
            blocks.append("\n".join(f"- {escape_text(sentence)}" for sentence in sentences[1:]))
    return blocks


def steps_notebook(result: Result, cell: str, name: str) -> str:
    """Return the sentences and a table per candidate for a notebook; empty if no steps were timed.

    Args:
        result: The result.
        cell: Style of a cell with a number.
        name: Style of a cell with text.
    """
    parts = []
    for title, found, steps in passes(result):
        sentences = "<br>".join(escape(sentence) for sentence in describe_steps(title, found, steps))
        lines = "".join(
            f'<tr><td style="{name}">{"&nbsp;&nbsp;" * row.depth}{escape(row.label)}</td>'
            + "".join(f'<td style="{cell}">{escape(text)}</td>' for text in (row.time, row.interval, row.percent))
            + "</tr>"
            for row in step_rows(found, steps)
        )
        parts.append(f"<p>{sentences}</p>" + (f"<table><tbody>{lines}</tbody></table>" if lines else ""))
    return "".join(parts)


def steps_html(result: Result, embed: Callable[[str, float, str], str]) -> str:
    """Return the section of a page: per candidate the sentences and a bar per step; empty if no steps were timed."""
    parts, charts = [], {name: (content, height) for name, content, height in steps_charts(result)}
    for name, found, steps in passes(result):
        sentences = describe_steps(name, found, steps)
        parts.append(f"<h3>{escape(name)} <small>{escape(call_line(found))}</small></h3>")
        parts += [f"<p>{escape(sentence)}</p>" for sentence in sentences]
        if name in charts:
            parts.append(f'<div class="chart">{embed(*charts[name], f"{TITLE}: {sentences[0]}")}</div>')
    return f"<section><h2>{TITLE}</h2>{''.join(parts)}</section>" if parts else ""


def steps_charts(result: Result) -> Iterator[tuple[str, str, float]]:
    """Yield the name of each candidate, a bar per step, and the height of the chart."""
    colours = {one.slug: one.colour for one in result.candidates}
    for name, found, steps in passes(result):
        if rows := step_rows(found, steps):
            colour = colours.get(found.candidate, "")
            chart = "".join(_svg_row(row, _ROW * index, colour) for index, row in enumerate(rows))
            yield name, chart, _ROW * len(rows)


def _svg_row(row: StepRow, y: int, colour: str) -> str:
    style = f' style="--c:{colour}"' if len(colour) == 7 and colour[0] == "#" and colour[1:].isalnum() else ""
    said = f"{row.label}: {row.time}" + (f" (95 % CI {row.interval})" if row.interval != NOTHING else "")
    name = "name" if row.kind == "step" else "small"
    x, text = row.depth * _INDENT_PERCENT, shorten(row.label, max(48 - 2 * row.depth, 12))
    marks = ""
    if row.kind in ("step", "rest"):
        length = min(max(row.share, 0.0), 1.0) * (_BAR_END - _BAR_START)
        opacity = "" if row.kind == "step" else ' opacity="0.45"'
        track = f'x="{_BAR_START}%" y="{y + 7}" height="12" rx="3"'
        marks = f'<rect class="track" {track} width="{_BAR_END - _BAR_START}%"/>'
        marks += f'<rect class="fill" {track} width="{length:.2f}%"{opacity}/>'
    return (
        f'<g class="row"{style}><title>{escape(said)}</title><rect class="hit" y="{y}" width="100%" height="{_ROW}"/>'
        f'<text class="{name}" x="{x}%" y="{y + 17}">{escape(text)}</text>{marks}'
        f'<text x="90%" y="{y + 17}" text-anchor="end">{escape(row.time)}</text>'
        f'<text x="100%" y="{y + 17}" text-anchor="end">{escape(row.percent)}</text></g>'
    )
