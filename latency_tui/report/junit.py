"""Formats the limits of a result as JUnit XML: one test case per limit and candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from latency_tui.report.markup import without_illegal
from latency_tui.report.rows import make_title
from latency_tui.text.limits import describe_verdict
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result


def render_junit(result: Result) -> str:
    """Return a test suite.

    A limit that is not met is a failure, one that is undecided is skipped with the reason, and a candidate that failed
    is an error. A candidate without limits is a test case that passes if it was measured.
    """
    suite = ElementTree.Element("testsuite", name=_text(make_title(result)))
    suite.set("timestamp", result.created_at.strftime("%Y-%m-%dT%H:%M:%S"))
    if result.environment is not None:
        suite.set("hostname", _text(result.environment.host))
        properties = ElementTree.SubElement(suite, "properties")
        for name in ("cpu", "cores", "os", "python"):
            value = _text(str(getattr(result.environment, name)))
            ElementTree.SubElement(properties, "property", name=name, value=value)
    for candidate in result.candidates:
        _add_cases(suite, result, candidate)
    count = {name: len(suite.findall(f"testcase/{name}")) for name in ("failure", "error", "skipped")}
    for name, key in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(count[key]))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _add_cases(suite: ElementTree.Element, result: Result, candidate: CandidateResult) -> None:
    verdicts = [one for one in result.limits if one.candidate == candidate.slug]
    name = _text(candidate.name)
    if candidate.status == "failed":
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="measured")
        message = _text(candidate.error or "it failed")
        ElementTree.SubElement(case, "error", message=message).text = _text(candidate.traceback or "", lines=True)
    elif not verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="measured")
        if candidate.statistics is None:
            ElementTree.SubElement(case, "skipped", message="it was not measured")
    for verdict in verdicts if candidate.status != "failed" else ():
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=_text(verdict.limit))
        message = _text(describe_verdict(candidate.name, verdict))
        if verdict.verdict == "pass":
            ElementTree.SubElement(case, "system-out").text = message
        else:
            ElementTree.SubElement(case, "failure" if verdict.verdict == "fail" else "skipped", message=message)


def _text(text: str, *, lines: bool = False) -> str:
    """Return text without characters that XML cannot contain, in one line unless `lines` is set."""
    cleaned = "\n".join(map(clean, text.splitlines())) if lines else clean(text)
    return without_illegal(cleaned)
