from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.jobs.series import page as pages
from bench.jobs.series.results import FILE, PAGE, KeptResults, KeptSubject, extract, of_series, read
from tests import golden
from tests.bench.committed import committed
from tests.bench.report.formats.test_markdown import outline
from tests.bench.report.hostile import HOSTILE, hostile
from tests.golden.specimen import SERIES, specimen

SUBJECT = of_series(SERIES, Path("patches"))


def kept(run: dict[str, Any], *numbers: int) -> KeptResults:
    found = [extract(run, run["candidates"][number], SUBJECT, ()) for number in numbers]
    return KeptResults(name=SERIES.name, contents=tuple(found))


def test_the_page_is_the_golden_one() -> None:
    assert golden.series_page() == golden.read("RESULT.md")


def test_a_result_read_back_gives_the_same_page() -> None:
    one = kept(specimen(), 0, 1, 2)
    again = json.loads(one.as_text())
    back = KeptResults(name=again["name"], contents=tuple(again["results"]))
    assert pages.render(back) == pages.render(one)


def test_what_is_broken_says_why() -> None:
    page = pages.render(kept(specimen(), 1, 2))
    assert "fails test\\_dis, test\\_int" in page
    assert "the candidate fails test\\_dis, test\\_int." in page
    assert "Python/ceval.c:1:1: error: no" in page
    assert "No gate" not in page


def test_without_a_gate_the_page_says_so() -> None:
    run = specimen()
    run["candidates"][0]["gate"] = None
    assert "No gate" in pages.render(kept(run, 0))


def test_controls_are_told() -> None:
    run = specimen()
    run["candidates"][1] |= {"kind": "placebo", "suite": run["candidates"][0]["suite"]}
    page = pages.render(kept(run, 0))
    assert "changing nothing: 3.13.5 plain + 3.13/wrong-add: 0.9512" in page


def test_text_of_unknown_origin_is_text() -> None:
    plain, odd = kept(specimen(), 0, 2), kept(hostile(specimen()), 0, 2)
    assert outline(pages.render(odd)) == outline(pages.render(plain))
    assert HOSTILE not in pages.render(odd)


def test_cells() -> None:
    first, second, third = kept(specimen(), 0, 1, 2).results
    told = pages.cells(first, stale=False)
    assert told == ("0.9512", "0.9472 to 0.9552", "faster", "1", "3.13.5 plain")
    assert pages.cells(first, stale=True)[2] == "faster, stale"
    assert pages.cells(second, stale=False) == ("", "", "broken", "", "3.13.5 plain")
    assert pages.cells(third, stale=False)[2] == "broken"
    assert pages.cells(None, stale=False) == ("", "", "not measured", "", "")


@pytest.mark.parametrize("subject", committed(), ids=lambda one: one.name)
def test_a_committed_page_is_what_its_result_gives(subject: KeptSubject) -> None:
    page = subject.folder / PAGE
    assert (subject.folder / FILE).exists() == page.exists()
    if page.exists():
        assert page.read_text(encoding="utf-8") == pages.render(read(subject))
