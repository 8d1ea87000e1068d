"""The first page: what moved lately, what is old and what failed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bench.site import overview
from tests.bench.site.made_up import STEP, failed, nights, site_of, text_of


def test_arrows_are_for_changes_of_late(tmp_path: Path) -> None:
    site_of(tmp_path, nights(90))
    index = tmp_path / "site" / "index.html"
    assert "\N{UPWARDS ARROW}\N{NO-BREAK SPACE}5." in index.read_text("utf-8").replace(
        "&nbsp;", "\xa0"
    )
    assert "bm_000: 5." in text_of(index)
    site_of(tmp_path, nights(STEP + overview.RECENT_NIGHTS + 15)[180:])
    assert "No change point was detected" in text_of(index)


def test_the_first_page_tells_what_is_old_and_what_failed(tmp_path: Path) -> None:
    every = nights(5)
    site_of(tmp_path, [*every[:-1], failed(every[-1])], now=every[-1].when + timedelta(days=3))
    told = text_of(tmp_path / "site" / "index.html")
    assert "3 days ago" in told
    assert "broken" in told
    assert "does not compile: &lt;ceval.c&gt;" in told
