"""What all pages share: keys of pages, links, and how figures are written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath

import numpy as np
import pytest

from bench.history import VERDICTS, HistoryRatio
from bench.site import rendering
from bench.site.model import Mark, Site

SITE = Site(lines=(), commits={}, releases={}, now=datetime(2026, 1, 2, tzinfo=UTC))


def test_a_key_depends_on_every_part_and_on_arrays_by_their_content() -> None:
    parts = ("a", 1, np.array([1.0, 2.0]))
    key = rendering.key_of(SITE, *parts)
    assert key == rendering.key_of(SITE, "a", 1, np.array([1.0, 2.0]))
    others = [("b", 1, parts[2]), ("a", 2, parts[2]), ("a", 1, np.array([1.0, 2.5])), ("a", 1)]
    assert len({key, *(rendering.key_of(SITE, *one) for one in others)}) == 5
    # Two parts are not one with the same text.
    assert rendering.key_of(SITE, "a", "b") != rendering.key_of(SITE, "ab", "")


def test_a_key_depends_on_what_makes_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rendering.key_of(SITE, "a")
    monkeypatch.setattr(rendering, "_code", lambda: "another patchbench")
    assert rendering.key_of(SITE, "a") != before


def test_links_are_quoted() -> None:
    path = PurePosixPath("a b/c.html")
    assert rendering.link("../", path) == "../a%20b/c.html"
    assert rendering.link("", path, "p<q") == "a%20b/c.html#p%3Cq"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.3456, "12.3 s"),
        (1.0, "1 s"),
        (0.5, "500 ms"),
        (0.0000123, "12.3 \N{MICRO SIGN}s"),
        (1.5e-8, "15 ns"),
    ],
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert rendering.shown_seconds(seconds) == text


def test_the_newest_value_is_the_last_that_there_is() -> None:
    assert rendering.newest(np.array([1.0, 2.0, np.nan])) == 2.0
    assert rendering.newest(np.array([np.nan])) is None
    assert rendering.newest(np.array([])) is None


def test_verdicts_and_their_tones() -> None:
    names = [rendering.verdict_name(float(at)) for at in range(len(VERDICTS))]
    assert names == list(VERDICTS)
    assert rendering.verdict_name(float("nan")) == ""
    assert {rendering.toned(name) for name in names} == {"", "faster", "slower"}


@pytest.mark.parametrize(("ratio", "text"), [(1.05, "5.0%"), (0.9, "10.0%")])
def test_the_size_of_a_change(ratio: float, text: str) -> None:
    assert rendering.percent(Mark(start=0, detected=1, ratio=ratio, low=0.8, high=1.2)) == text


def test_without_a_suite_there_is_no_text() -> None:
    assert rendering.suite_text(None) == ""
    assert "1.1" in rendering.suite_text(HistoryRatio(ratio=1.1))
