from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.jobs.series import page
from bench.jobs.series.results import FILE, PAGE, KeptResults, KeptSubject, extract, of_series, read
from tests import golden
from tests.bench.committed import committed
from tests.bench.report.formats.test_markdown import outline
from tests.bench.report.hostile import HOSTILE, hostile
from tests.golden.specimen import SERIES, specimen

SUBJECT = of_series(SERIES, Path("patches"))


def kept(run: dict[str, Any], *numbers: int) -> KeptResults:
    contents = [extract(run, run["candidates"][number], SUBJECT, ()) for number in numbers]
    return KeptResults(name=SERIES.name, contents=tuple(contents))


def test_the_page_is_the_golden_one() -> None:
    assert golden.series_page() == golden.read("RESULT.md")


def test_a_result_read_back_gives_the_same_page() -> None:
    before = kept(specimen(), 0, 1, 2)
    again = json.loads(before.as_text())
    back = KeptResults(name=again["name"], contents=tuple(again["results"]))
    assert page.render(back) == page.render(before)


def test_what_is_broken_says_why() -> None:
    text = page.render(kept(specimen(), 1, 2))
    assert "fails test\\_dis, test\\_int" in text
    assert "the candidate fails test\\_dis, test\\_int." in text
    assert "Python/ceval.c:1:1: error: no" in text
    assert "No gate" not in text


def test_without_a_gate_the_page_says_so() -> None:
    run = specimen()
    run["candidates"][0]["gate"] = None
    assert "No gate" in page.render(kept(run, 0))


def test_controls_are_told() -> None:
    run = specimen()
    run["candidates"][1] |= {"kind": "placebo", "suite": run["candidates"][0]["suite"]}
    text = page.render(kept(run, 0))
    assert "changing nothing: 3.13.5 plain + 3.13/wrong-add: 0.9512" in text


def test_text_of_unknown_origin_is_text() -> None:
    plain, odd = kept(specimen(), 0, 2), kept(hostile(specimen()), 0, 2)
    assert outline(page.render(odd)) == outline(page.render(plain))
    assert HOSTILE not in page.render(odd)


def test_cells() -> None:
    first, second, third = kept(specimen(), 0, 1, 2).results
    row = page.cells(first, stale=False)
    assert row == ("0.9512", "0.9472 to 0.9552", "faster", "1", "3.13.5 plain")
    assert page.cells(first, stale=True)[2] == "faster, stale"
    assert page.cells(second, stale=False) == ("", "", "broken", "", "3.13.5 plain")
    assert page.cells(third, stale=False)[2] == "broken"
    assert page.cells(None, stale=False) == ("", "", "not measured", "", "")


@pytest.mark.parametrize("subject", committed(), ids=lambda subject: subject.name)
def test_a_committed_page_is_what_its_result_gives(subject: KeptSubject) -> None:
    path = subject.folder / PAGE
    assert (subject.folder / FILE).exists() == path.exists()
    if path.exists():
        assert path.read_text(encoding="utf-8") == page.render(read(subject))
