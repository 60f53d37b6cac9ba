"""The HTML report in a real Chromium: wide and narrow, light and dark, without a request and without a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from latency_tui.analysis.across_hosts import compare_across_hosts
from latency_tui.report import write
from latency_tui.report.hosts import hosts_pieces
from latency_tui.result.hosts import HostResult, HostsResult
from tests.parameters import one_quick
from tests.unit.fake_result import make_result

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.mark.parametrize("width", one_quick([1200, 400]))
@pytest.mark.parametrize("scheme", one_quick(["light", "dark"]))
def test_the_report_fits_and_asks_nobody_for_anything(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    made = make_result()
    candidates = (replace(made.candidates[0], name=HOSTILE), *made.candidates[1:])
    path = tmp_path / "report.html"
    write(replace(made, candidates=candidates), path)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert (asked, complaints) == ([path.as_uri()], [])
    assert "owned" not in page.title()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    bars = page.locator("svg rect.fill")
    assert bars.count() == 3
    assert all(box is not None and 0 < box["width"] <= width for box in (bars.nth(i).bounding_box() for i in range(3)))
    context.close()


@pytest.mark.parametrize(("width", "scheme"), one_quick([(1200, "dark"), (400, "light")]))
def test_the_report_of_hosts_fits_and_opens_what_each_measured(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    made = make_result()
    results = {"web1": made, HOSTILE: made}
    value = HostsResult(
        plan=made.plan,
        hosts=tuple(HostResult(host=name, cpu="A CPU", result=result) for name, result in results.items()),
        across_hosts=compare_across_hosts(made.plan, results),
        answer="Logistic Regression is fastest on all 2 hosts.",
    )
    path = tmp_path / "hosts.html"
    path.write_text("".join(hosts_pieces(value, "html")))
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert page.locator(".card").count() == 2 * len(made.candidates)
    bars = page.locator("svg rect.fill")
    assert not any(bars.nth(i).is_visible() for i in range(bars.count()))
    for summary in page.locator("summary").all():
        summary.click()
    assert all(bars.nth(i).is_visible() for i in range(bars.count()))
    assert bars.count() == 6
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    assert "owned" not in page.title()
    context.close()
