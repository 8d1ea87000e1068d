"""The page of a host: its facts, its epochs, and its last nights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.site import hosts
from tests.bench.history import made_up
from tests.bench.site.made_up import failed, gathered, nights, quiet, site_of, text_of


def page(root: Path, host: str = made_up.HOST) -> Path:
    return root / "site" / "host" / f"{host}.html"


def test_there_is_a_page_for_each_host(tmp_path: Path) -> None:
    site = gathered(tmp_path, [*nights(2), *nights(2, host="feed")])
    found = list(hosts.pages(site))
    assert [one.path.stem for one in found] == [made_up.HOST, "feed"]
    assert len({one.key for one in found}) == 2


def test_an_epoch_says_what_changed(tmp_path: Path) -> None:
    every = nights(4)
    every[4:] = [replace(one, facts={**one.facts, "kernel": "7.0"}) for one in every[4:]]
    site_of(tmp_path, every)
    text = text_of(page(tmp_path))
    assert "kernel: 6.0.0 \N{RIGHTWARDS ARROW} 7.0" in text
    assert "Imaginary CPU 3000" in text


def test_nights_without_figures_say_why_and_lead_nowhere(tmp_path: Path) -> None:
    first, second, *_ = nights(1)
    site_of(tmp_path, [failed(first), quiet(second)])
    text = text_of(page(tmp_path))
    assert "does not compile: &lt;ceval.c&gt;" in text
    assert "the head did not move" in text
    # The commit of the broken night has a page, that of the quiet one none of its own.
    assert page(tmp_path).read_text("utf-8").count('href="../commit/') == 1


def test_only_the_last_nights_are_listed(tmp_path: Path) -> None:
    site_of(tmp_path, nights(hosts._NIGHTS))
    text = text_of(page(tmp_path))
    newest = nights(hosts._NIGHTS)[-1].when
    assert f"{newest:%Y-%m-%d %H:%M}" in text
    assert f"{nights(1)[0].when:%Y-%m-%d %H:%M}" not in text
    assert f"{2 * hosts._NIGHTS}" in text
