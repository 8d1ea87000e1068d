from __future__ import annotations

from bench.report import reading
from bench.report.formats.index import IndexEntry, render
from tests.bench.report.formats.test_html import Page
from tests.bench.report.hostile import hostile
from tests.bench.results.given import given
from tests.golden.specimen import specimen

view_of = given(reading.view_of)


def entry(name: str, when: str, host: str = "c0ffee") -> IndexEntry:
    content = specimen()
    content["experiment"]["name"] = name
    content["when"] = when
    content["host"]["name"] = host
    return IndexEntry(view=view_of(content), href=f"./{name}/report.html")


def test_every_arm_of_every_report_is_a_line_the_newest_first() -> None:
    entries = [
        entry("older", "2025-01-01T00:00:00+00:00"),
        entry("newer", "2025-02-01T00:00:00+00:00"),
    ]
    page = Page(render(entries))
    links = [a["href"] for a in page.all("a") if "class" not in a]

    assert links == ["./newer/report.html"] * 3 + ["./older/report.html"] * 3
    assert page.text.index("newer: fast-add") < page.text.index("older: fast-add")
    assert len(page.all("svg", "strip")) == 2
    assert "from 2 hosts" not in page.text
    assert "2 reports" in page.text


def test_other_hosts_are_said() -> None:
    here, there = (entry(name, "2025-01-01", host=name) for name in ("a", "b"))
    assert "from 2 hosts" in Page(render([here, there])).text


def test_reports_without_any_ratio_are_listed() -> None:
    content = specimen()
    content["candidates"] = content["candidates"][2:]
    page = Page(render([IndexEntry(view=view_of(content), href="./x/report.html")]))
    assert "specimen: lto" in page.text
    assert page.all("svg") == []


def test_hostile_text_stays_text() -> None:
    page = Page(render([IndexEntry(view=view_of(hostile()), href="./x/report.html")]))
    assert len(page.all("script")) == 1
    assert not page.all("img")
