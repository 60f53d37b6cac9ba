"""The lines of the dialog Measure on other machines, each at most as wide as given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from latency_tui.text.formatting import NOTHING, format_duration
from latency_tui.text.hosts import ASSUMPTION, describe_host_ratio, describe_ratio, has_differences, preflight_rows
from latency_tui.text.sanitize import align, cell_width
from latency_tui.text.short_names import short_names
from latency_tui.tui.hosts_view import sharing_refusal
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import fit, sanitize_line, wrap

if TYPE_CHECKING:
    from latency_tui.plan import Plan
    from latency_tui.result.hosts import HostsResult, RatioAcrossHosts
    from latency_tui.result.result import Result
    from latency_tui.tui.hosts_view import HostLine, HostsView

_ERROR = "$text-error"
_HEADING = "bold $text-primary"
_HIGHLIGHTED = "$text-warning"


def top_lines(view: HostsView, width: int) -> list[Content]:
    """Return what stands above the hosts: what happens now, or the answer."""
    if view.stage == "entering":
        return _styled(view.error, width, _ERROR) if view.error else _styled(_plan_words(view), width, MUTED)
    if view.stage == "connecting":
        where = view.wanted.cluster or ", ".join(view.wanted.names)
        return _styled(f"Connecting to {where} …", width, "")
    if view.stage == "found":
        if not view.lines:
            return _styled("No host can measure.", width, _ERROR)
        return _preflight(view, width)
    if view.stage == "finished" and view.shared_job:
        result = view.lines[0].result
        return _styled(result.answer if result is not None else "Nothing was measured.", width, "bold")
    if view.stage == "finished" and view.found is not None:
        lines = _styled(view.found.answer, width, "bold")
        return [*lines, *_styled(view.error, width, _ERROR)] if view.error else lines
    return _styled(_plan_words(view), width, MUTED)


def _plan_words(view: HostsView) -> str:
    if view.plan is None:
        return ""
    models = len(view.plan.candidates)
    measured = f"Every host measures the whole plan: {'1 model' if models == 1 else f'{models} models'}."
    if view.stage == "entering":
        return f"{measured} Hosts are reached over SSH, with your SSH configuration; local is this machine."
    return (
        "The hosts share the launches: candidates that are compared stay on one host." if view.shared_job else measured
    )


def _preflight(view: HostsView, width: int) -> list[Content]:
    """Return the table of hosts; where it is too wide, a paragraph per host."""
    rows = [[sanitize_line(cell) for cell in row] for row in preflight_rows(view.descriptions)]
    lines = align(rows)
    if max(map(cell_width, lines)) <= width:
        found = [Content.styled(lines[0], _HEADING), *map(_marked, lines[1:])]
    else:
        found = []
        for row in rows[1:]:
            found.append(Content.styled(fit(row[0], width).rstrip(), _HEADING))
            facts = [f"{label} {cell}" for label, cell in zip(rows[0][1:], row[1:], strict=True)]
            found += [_marked("  " + line) for line in _flow(facts, width - 2)]
    notes = ["* differs from the first host"] if has_differences(view.descriptions) else []
    versions = {one.versions.get("latency-tui", "") for one in view.descriptions.values()}
    notes += [f"latency-tui {version} on every host" for version in versions if version]
    found += _styled(" · ".join(notes), width, MUTED)
    if view.plan is not None and view.plan.launches > 1 and len(view.lines) > 1:
        found += _styled(sharing_refusal(view), width, MUTED)
    return found


def _flow(facts: list[str], width: int) -> list[str]:
    """Return facts in as few lines as possible; a line is broken within a fact only if it does not fit alone."""
    lines = [facts[0]]
    for fact in facts[1:]:
        joined = f"{lines[-1]} · {fact}"
        if cell_width(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(fact)
    return [part for line in lines for part in wrap(line, width)]


def _marked(line: str) -> Content:
    """Return a line in which what differs stands out."""
    content = Content(line)
    start = line.find(" *")
    while start >= 0:
        begin = max(line.rfind("  ", 0, start) + 2, line.rfind("· ", 0, start) + 2)
        content = content.stylize(_HIGHLIGHTED, begin, start + 2)
        start = line.find(" *", start + 2)
    return content


def host_lines(view: HostsView, width: int) -> list[Content]:
    """Return a line per host that measures or has measured."""
    if view.stage not in ("measuring", "stopping", "finished"):
        return []
    short = short_names([sanitize_line(line.name) for line in view.lines], max(width // 3, 4))
    names = max(map(cell_width, short))
    facts = [_fact(view, line) for line in view.lines]
    cpus = max(cell_width(sanitize_line(line.description.cpu)) for line in view.lines)
    room = width - names - 2 - max(cell_width(text) for text, _ in facts) - 2
    cpus = min(cpus, room) if room >= 12 else 0
    found = []
    for line, name, (text, style) in zip(view.lines, short, facts, strict=True):
        parts = [(fit(name, names), "bold"), ("  ", "")]
        if cpus:
            parts += [(fit(sanitize_line(line.description.cpu), cpus), MUTED), ("  ", "")]
        used = names + 2 + (cpus + 2 if cpus else 0)
        parts.append((fit(text, max(width - used, 1)).rstrip(), style))
        found.append(Content.assemble(*parts))
    return found


def _fact(view: HostsView, line: HostLine) -> tuple[str, str]:
    """Return what is to be said about a host in its line, and its style."""
    result = line.result
    fastest = result.measured[0] if result is not None and result.measured else None
    if view.stage != "finished":
        return sanitize_line(line.progress), _ERROR if line.error else ""
    if line.error:
        return sanitize_line(line.error), _ERROR
    if fastest is None or fastest.statistics is None:
        return next(iter(_failures(line)), "no model was measured"), _ERROR
    return f"fastest: {sanitize_line(fastest.name)} {format_duration(fastest.statistics.p50.value)}", ""


def _failures(line: HostLine) -> list[str]:
    """Return a sentence for each model that failed on a host."""
    candidates = line.result.candidates if line.result is not None else ()
    return [sanitize_line(f"{one.name}: {one.error}") for one in candidates if one.status == "failed"]


def detail_lines(view: HostsView, width: int) -> list[Content]:
    """Return what stands below the hosts: unusable hosts, and once all have ended every model on every host."""
    lines: list[Content] = []
    if view.stage in ("found", "finished"):
        for name, reason in view.unusable.items():
            lines += _styled(f"{name}: {reason}", width, _ERROR)
    if view.stage in ("measuring", "stopping"):
        return _so_far(view, width)
    if view.found is None:
        return lines
    if view.stage == "finished":
        for line in view.lines:
            reasons = [line.error] if line.error and cell_width(line.error) > width // 2 else []
            for reason in [*reasons, *_failures(line)]:
                lines += _styled(f"{line.name}: {reason}", width, _ERROR)
        lines += [Content("")] if lines else []
        lines += _models(view.found, width)
        lines += [] if view.shared_job else [Content(""), *_styled(ASSUMPTION, width, MUTED)]
    return lines


def _so_far(view: HostsView, width: int) -> list[Content]:
    """Return the p50 so far of each model on each host; a paragraph per model where there are many hosts."""
    results = {line.name: line.result for line in view.lines if line.result is not None}
    if view.plan is None or not results:
        return []
    columns = {
        host: [(_p50(result, candidate.slug), "") for candidate in view.plan.candidates]
        for host, result in results.items()
    }
    return _columns_or_paragraphs("p50 so far", view.plan, columns, [""] * len(view.plan.candidates), width)


def _models(value: HostsResult, width: int) -> list[Content]:
    """Return the p50 of each model on each host and its ratio there: a table, or a paragraph per model."""
    hosts = {one.host: one.result for one in value.hosts if one.result is not None and one.result.measured}
    across = {one.candidate: one for one in value.across_hosts}
    baseline = value.across_hosts[0].baseline if value.across_hosts else ""
    verdicts = []
    for candidate in value.plan.candidates:
        found = across.get(candidate.slug)
        if found is not None:
            holds = describe_ratio(found)
            verdicts.append(f"{holds} hosts" if found.of > 1 else holds.partition(" on ")[0])
        else:
            verdicts.append("baseline" if candidate.slug == baseline else "")
    columns = {
        host: [
            (_p50(result, candidate.slug), _ratio(across.get(candidate.slug), host))
            for candidate in value.plan.candidates
        ]
        for host, result in hosts.items()
    }
    return _columns_or_paragraphs("p50, ratio (95 % CI)", value.plan, columns, verdicts, width)


def _columns_or_paragraphs(
    title: str, plan: Plan, columns: dict[str, list[tuple[str, str]]], verdicts: list[str], width: int
) -> list[Content]:
    """Return a table with a column per host; where it is too wide, a paragraph per model."""
    names = [sanitize_line(candidate.name) for candidate in plan.candidates]
    columns = {sanitize_line(host): column for host, column in columns.items()}
    table = _table(title, names, columns, verdicts)
    if max(map(cell_width, table)) <= width:
        return [Content.styled(table[0], _HEADING), *map(Content, table[1:])]
    short = short_names([*columns], max(width // 3, 4))
    lines: list[Content] = []
    for number, (name, verdict) in enumerate(zip(names, verdicts, strict=True)):
        lines += [Content("")] if lines else []
        *above, last = wrap(name, width) or [""]
        lines += [Content.styled(line, _HEADING) for line in above]
        if cell_width(last) + 2 + cell_width(verdict) <= width:
            lines.append(Content.assemble((last, _HEADING), "  ", (verdict, MUTED)))
        else:
            lines += [Content.styled(last, _HEADING), *_styled(verdict, width, MUTED)]
        rows = [(host, *cells[number]) for host, cells in zip(short, columns.values(), strict=True)]
        lines += [Content(f"  {line}") for line in _fitting(rows, width - 2)]
    return lines


def _fitting(rows: list[tuple[str, str, str]], width: int) -> list[str]:
    """Return lines of hosts, latencies and ratios; shorter ones, or several per host, where there is little room."""
    brief = [(host, p50, _short(ratio)) for host, p50, ratio in rows]
    for candidate in (rows, brief):
        lines = align(candidate, right=(1,)) if candidate else []
        if all(cell_width(line) <= width for line in lines):
            return lines
    return [part for row in brief for part in _flow([" ".join(row[:2]), row[2]] if row[2] else [" ".join(row)], width)]


def _table(title: str, names: list[str], columns: dict[str, list[tuple[str, str]]], verdicts: list[str]) -> list[str]:
    """Return a line per model with a column per host; intervals stand in brackets, without a word."""
    cells = {
        host: align([(p50, _short(ratio)) for p50, ratio in column], right=(0,)) for host, column in columns.items()
    }
    rows = [[title, *cells, ""]]
    rows += [
        [name, *(column[number] for column in cells.values()), verdicts[number]] for number, name in enumerate(names)
    ]
    return align(rows)


def _short(ratio: str) -> str:
    return ratio.replace("(95 % CI ", "(")


def _p50(result: Result, slug: str) -> str:
    found = next((one for one in result.candidates if one.slug == slug), None)
    if found is None or found.statistics is None:
        return "failed" if found is not None and found.error else NOTHING
    return format_duration(found.statistics.p50.value)


def _ratio(across: RatioAcrossHosts | None, host: str) -> str:
    found = next((one for one in across.hosts if one.host == host), None) if across is not None else None
    return describe_host_ratio(found) if found is not None else ""


def _styled(text: str, width: int, style: str) -> list[Content]:
    return [Content.styled(line, style) for line in wrap(sanitize_line(text), width)]
