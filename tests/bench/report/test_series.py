from __future__ import annotations

import json
from typing import Any

import pytest

from bench.report import series as pages
from bench.series_results import FILE, PAGE, SeriesResults, extract, read
from builder.catalogue import Series, load_all
from tests import golden
from tests.bench.report.hostile import HOSTILE, hostile
from tests.bench.report.test_markdown import outline
from tests.bench.test_series_results import ROOT
from tests.golden.specimen import SERIES, specimen


def kept(run: dict[str, Any], *numbers: int) -> SeriesResults:
    found = [extract(run, run["candidates"][number], SERIES, ()) for number in numbers]
    return SeriesResults(series=SERIES.name, results=tuple(found))


def test_the_page_is_the_golden_one() -> None:
    assert golden.series_page() == golden.read("RESULT.md")


def test_a_result_read_back_gives_the_same_page() -> None:
    one = kept(specimen(), 0, 1, 2)
    again = json.loads(one.as_text())
    back = SeriesResults(series=again["series"], results=tuple(again["results"]))
    assert pages.render(back) == pages.render(one)


def test_what_is_broken_says_why() -> None:
    page = pages.render(kept(specimen(), 1, 2))
    assert "fails test\\_dis, test\\_int" in page
    assert "with the series test\\_dis, test\\_int fail." in page
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
    assert told == ("3.13.5 plain", "0.9512", "0.9472 to 0.9552", "faster")
    assert pages.cells(first, stale=True)[-1] == "faster, stale"
    assert pages.cells(second, stale=False) == ("3.13.5 plain", "", "", "broken")
    assert pages.cells(third, stale=False)[-1] == "broken"
    assert pages.cells(None, stale=False) == ("", "", "", "not measured")


@pytest.mark.parametrize("series", load_all(ROOT), ids=lambda series: series.name)
def test_a_committed_page_is_what_its_result_gives(series: Series) -> None:
    folder = ROOT / series.name
    assert (folder / FILE).exists() == (folder / PAGE).exists()
    if (folder / FILE).exists():
        page = pages.render(read(folder, series))
        assert (folder / PAGE).read_text(encoding="utf-8") == page
