"""Formats the limits of a result, or of a gate, as JUnit XML: one test case per limit and candidate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from latency_tui.report.markup import without_illegal
from latency_tui.report.table_cells import make_notes, make_title
from latency_tui.result.load import all_limit_verdicts, verdict_of_search
from latency_tui.text.gate import describe_line
from latency_tui.text.limits import describe_verdict
from latency_tui.text.load import describe_highest_rate, format_limit_texts
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from datetime import datetime

    from latency_tui.engine.protocol import Environment
    from latency_tui.result.check_outcome import GateLine
    from latency_tui.result.gate import Gate
    from latency_tui.result.hosts import HostResult
    from latency_tui.result.hosts_gate import HostsGate
    from latency_tui.result.result import CandidateResult, Result


def render_junit(result: Result) -> str:
    """Return a test suite.

    A limit that is not met is a failure, one that is undecided is skipped with the reason, and a candidate that failed
    is an error. A candidate without limits is a test case that passes if it was measured. Of a search for the highest
    rate there is a test case per candidate, which fails if no rate meets the limits. The output of the suite is the
    answer, with the sentences on scores, sweeps and load.
    """
    return _render(_result_suite(result))


def render_hosts_junit(hosts: Iterable[HostResult]) -> str:
    """Return a test suite per host; a host that failed has an error."""
    suites = []
    for one in hosts:
        if one.result is not None:
            suite = _result_suite(one.result, one.host, one.error)
        else:
            suite = _begin_suite(one.host, None, None)
            _add_error(suite, one.host, one.error)
        suite.set("hostname", _text(one.host))
        suites.append(suite)
    return _render(*suites)


def _result_suite(result: Result, host: str = "", error: str = "") -> ElementTree.Element:
    suite = _begin_suite(make_title(result), result.created_at, result.environment)
    for candidate in result.candidates:
        _add_cases(suite, result, candidate)
    _add_error(suite, host, error)
    said = [result.answer, *(text for kind, text in make_notes(result) if kind in ("sweep", "load", "score"))]
    ElementTree.SubElement(suite, "system-out").text = _text("\n".join(filter(None, said)), lines=True)
    return suite


def _add_error(suite: ElementTree.Element, host: str, error: str) -> None:
    """Add a case for a host that failed; nothing if there is no error."""
    if error:
        case = ElementTree.SubElement(suite, "testcase", classname=_text(host), name="measured")
        ElementTree.SubElement(case, "error", message=_text(error))


def render_gate_junit(gate: Gate | HostsGate) -> str:
    """Return a test suite per host with one test case per line; an undecided line fails if the gate is strict."""
    from latency_tui.result.hosts_gate import HostsGate  # deferred: numpy, which --help does not need

    if not isinstance(gate, HostsGate):
        return _render(_gate_suite("latency-tui check", gate))
    suites = []
    for one in gate.hosts:
        suite = _gate_suite(f"latency-tui check on {one.host}", one.gate)
        suite.set("hostname", _text(one.host))
        _add_error(suite, one.host, one.error)
        suites.append(suite)
    return _render(*suites)


def _gate_suite(name: str, gate: Gate | None) -> ElementTree.Element:
    if gate is None:
        return _begin_suite(name, None, None)
    suite = _begin_suite(name, gate.result.created_at if gate.result else None, gate.environment)
    suite.set("time", f"{gate.seconds:.3f}")
    for line in gate.lines:
        _add_line(suite, line, is_strict=gate.strict)
    return suite


def _add_line(suite: ElementTree.Element, line: GateLine, *, is_strict: bool) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_text(line.name), name=_text(line.limit))
    message = _text(describe_line(line))
    if line.verdict == "PASS":
        ElementTree.SubElement(case, "system-out").text = message
    else:
        fails = line.verdict == "FAIL" or is_strict
        ElementTree.SubElement(case, "failure" if fails else "skipped", message=message)


def _begin_suite(name: str, began: datetime | None, environment: Environment | None) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_text(name))
    if began is not None:
        suite.set("timestamp", began.strftime("%Y-%m-%dT%H:%M:%S"))
    if environment is not None:
        suite.set("hostname", _text(environment.host))
        properties = ElementTree.SubElement(suite, "properties")
        for key in ("cpu", "cores", "os", "python"):
            ElementTree.SubElement(properties, "property", name=key, value=_text(str(getattr(environment, key))))
    return suite


def _render(*suites_of_hosts: ElementTree.Element) -> str:
    suites = ElementTree.Element("testsuites")
    for suite in suites_of_hosts:
        for name, key in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(len(suite.findall(f"testcase/{key}"))))
        suite.set("tests", str(len(suite.findall("testcase"))))
        suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _add_cases(suite: ElementTree.Element, result: Result, candidate: CandidateResult) -> None:
    verdicts = [one for one in all_limit_verdicts(result) if one.candidate == candidate.slug]
    searches = [one for one in result.highest_rates if one.candidate == candidate.slug]
    name = _text(candidate.name)
    if candidate.status == "failed":
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="measured")
        message = _text(candidate.error or "it failed")
        ElementTree.SubElement(case, "error", message=message).text = _text(candidate.traceback or "", lines=True)
    elif not verdicts and not searches:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="measured")
        if candidate.statistics is None:
            ElementTree.SubElement(case, "skipped", message="it was not measured")
    for verdict in verdicts if candidate.status != "failed" else ():
        message = describe_verdict(candidate.name, verdict)
        _add_verdict(suite, name, verdict.limit, verdict.verdict, message)
    for found in searches:
        limit = f"{format_limit_texts(result)} at any rate"
        _add_verdict(suite, name, limit, verdict_of_search(result.load, found), describe_highest_rate(result, found))


def _add_verdict(suite: ElementTree.Element, name: str, limit: str, verdict: str, message: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=name, name=_text(limit))
    if verdict == "pass":
        ElementTree.SubElement(case, "system-out").text = _text(message)
    else:
        ElementTree.SubElement(case, "failure" if verdict == "fail" else "skipped", message=_text(message))


def _text(text: str, *, lines: bool = False) -> str:
    """Return text without characters that XML cannot contain, in one line unless `lines` is set."""
    cleaned = "\n".join(map(clean, text.splitlines())) if lines else clean(text)
    return without_illegal(cleaned)
