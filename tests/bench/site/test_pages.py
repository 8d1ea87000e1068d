"""The content of the pages: the data that they are rendered from, and their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench.history import reading
from bench.history.models import CONFIRMED, DISMISSED, Alarm, NightRow
from bench.history.reading import LineKey
from bench.history.store import History
from bench.site import overview
from bench.site.build import build_site
from bench.site.commit import nights_by_commit
from bench.site.gather import gather
from bench.site.model import Mark, Site
from bench.site.releases import base_of, compare, shown
from tests.bench.history import made_up
from tests.bench.site.made_up import NOW, STEP, against, failed, nights, site_of

PGO = LineKey(host=made_up.HOST, branch="main", flavor="pgo")


def gathered(folder: Path, nights_: Sequence[NightRow], alarms: Sequence[Alarm] = ()) -> Site:
    with History.open(folder / "history.db") as history:
        history.add_nights(nights_)
        if alarms:
            with history.begin() as connection:
                reading.add_alarms(connection, alarms)
        with history.connect() as connection:
            return gather(connection, cache=folder / "cache", now=NOW)


def text_of(path: Path) -> str:
    return re.sub(
        r"\s+",
        " ",
        re.sub(r"<style>.*?</style>|<script>.*|<[^>]+>", " ", path.read_text("utf-8"), flags=re.S),
    )


def marks(site: Site, flavor: str = "pgo", benchmark: str = "bm_000") -> tuple[Mark, ...]:
    (line,) = [line for line in site.lines if line.columns.line.flavor == flavor]
    return line.marks[benchmark]


def alarm(number: int, state: str, **other: float) -> Alarm:
    values = {"ratio": 1.06, "low": 1.055, "high": 1.065} | other
    return Alarm(**vars(PGO), benchmark="bm_000", start=number, night=number, state=state, **values)


@pytest.fixture
def numbers(tmp_path: Path) -> list[int]:
    """The history's numbers of the nights of the pgo line."""
    site = gathered(tmp_path, nights())
    (line,) = [line for line in site.lines if line.columns.line.flavor == "pgo"]
    return [entry.number for entry in line.columns.measured]


def test_a_change_is_found_without_an_alarm(tmp_path: Path) -> None:
    (mark,) = marks(gathered(tmp_path, nights()))
    assert (mark.kind, mark.state) == ("slower", "")
    assert abs(mark.start - STEP) <= 2


def test_a_confirmed_alarm_gives_its_figures_to_its_change(
    tmp_path: Path, numbers: list[int]
) -> None:
    confirmed = alarm(numbers[STEP + 1], CONFIRMED)
    (mark,) = marks(gathered(tmp_path, [], [confirmed, alarm(numbers[STEP], DISMISSED)]))
    assert (mark.state, mark.ratio, mark.high) == (CONFIRMED, confirmed.ratio, confirmed.high)


def test_an_alarm_far_from_any_change_is_a_mark_of_its_own(
    tmp_path: Path, numbers: list[int]
) -> None:
    site = gathered(tmp_path, [], [alarm(numbers[30], DISMISSED)])
    dismissed, change = marks(site)
    assert (dismissed.start, dismissed.is_news, change.is_news) == (30, False, True)
    other_way = alarm(numbers[STEP], DISMISSED, ratio=0.94, low=0.93, high=0.95)
    kinds = [mark.kind for mark in marks(gathered(tmp_path, [], [other_way]))]
    assert sorted(kinds) == ["faster", "slower", "slower"]


def test_arrows_are_for_changes_of_late(tmp_path: Path) -> None:
    site_of(tmp_path, nights(90))
    index = tmp_path / "site" / "index.html"
    assert "\N{UPWARDS ARROW}\N{NO-BREAK SPACE}5." in index.read_text("utf-8").replace(
        "&nbsp;", "\xa0"
    )
    assert "bm_000: 5." in text_of(index)
    site_of(tmp_path, nights(STEP + overview.RECENT_NIGHTS + 15)[180:])
    assert "No change point was detected" in text_of(index)


def test_the_index_shows_what_is_old_and_what_failed(tmp_path: Path) -> None:
    every = nights(5)
    site_of(tmp_path, [*every[:-1], failed(every[-1])], now=every[-1].when + timedelta(days=3))
    text = text_of(tmp_path / "site" / "index.html")
    assert "3 days ago" in text
    assert "broken" in text
    assert "does not compile: &lt;ceval.c&gt;" in text


def test_a_commit_has_its_nights_and_its_neighbours(tmp_path: Path) -> None:
    every = nights(5)
    site = gathered(tmp_path, [*every[:6], failed(every[6]), *every[7:]])
    commits = list(dict.fromkeys(n.build.commit for n in every if n.build))
    plain, pgo = sorted(
        nights_by_commit(site)[commits[3]], key=lambda night: night.night is not None
    )
    assert plain.entry.night.state == "broken"
    assert plain.night is None
    assert (pgo.before, pgo.after) == (commits[2], commits[4])
    assert nights_by_commit(site)[commits[0]][0].before == ""
    assert nights_by_commit(site)[commits[4]][0].after == ""


def test_a_commit_shows_what_changes_with_it(tmp_path: Path) -> None:
    every = nights()
    site_of(tmp_path, every)
    commits = [
        path.stem
        for path in (tmp_path / "site" / "commit").iterdir()
        if "Change points that begin here" in path.read_text("utf-8")
    ]
    near = {n.build.commit[:12] for n in every[2 * STEP - 4 : 2 * STEP + 6] if n.build}
    assert commits
    assert set(commits) <= near


def test_what_is_missing_is_shown(tmp_path: Path) -> None:
    (night, *_) = nights(1)
    site_of(tmp_path, [replace(night, missing={"tornado": "no <wheel>"})])
    (page,) = (tmp_path / "site" / "commit").iterdir()
    assert "tornado: no &lt;wheel&gt;" in text_of(page)


def test_a_benchmark_without_ratios_shows_its_times(tmp_path: Path) -> None:
    bare = [
        replace(
            night,
            release=None,
            last=None,
            rows=tuple(replace(row, last=None, release=None) for row in night.rows),
        )
        for night in nights(20)
    ]
    site_of(tmp_path, bare)
    page = tmp_path / "site" / "benchmark" / "c0ffee" / "main" / "bm_000.html"
    assert "ratio against" not in text_of(page)
    assert page.read_text("utf-8").count('data-kind="seconds"') == 2
    suite = page.with_name("_suite.html")
    assert 'class="plot"' not in suite.read_text("utf-8")


# -- releases -----------------------------------------------------------------------------------


def version(night: NightRow, text: str, factor: float = 1.0) -> NightRow:
    assert night.build is not None
    return replace(
        night,
        identity=f"{text} {night.flavor}",
        build=replace(night.build, key=text, commit=text, version=text),
        rows=tuple(replace(row, mean=row.mean * factor) for row in night.rows),
    )


def test_the_newest_of_each_branch_and_all_final_releases_are_shown() -> None:
    versions = ["3.15.0a1", "2.7.18", "3.9.0", "3.9.1", "3.10.0rc1", "3.15.0a2+", "odd", "3.9.0rc1"]
    columns = [(version, "plain") for version in versions]
    assert [version for version, _ in shown(columns)] == [
        "2.7.18",
        "3.9.0",
        "3.9.1",
        "3.10.0rc1",
        "3.15.0a2+",
        "odd",
    ]
    assert base_of([("3.9.0", "pgo"), ("2.7.18", "pgo"), ("2.7.18", "plain")]) == (
        "2.7.18",
        "plain",
    )
    assert base_of([("3.9.0", "pgo"), ("3.10.0", "plain")]) == ("3.9.0", "pgo")
    assert base_of([]) is None


def test_by_seconds_there_is_no_interval(tmp_path: Path) -> None:
    plain, pgo = nights(1)
    versions = [
        version(plain, "2.7.18"),
        version(plain, "3.13.0", 0.5),
        version(pgo, "3.13.0", 0.25),
    ]
    base, comparisons = compare(gathered(tmp_path, versions), made_up.HOST)
    assert base == "2.7.18 plain"
    by_column = {comparison.column: comparison for comparison in comparisons}
    suite = by_column["3.13.0", "plain"].suite
    assert suite is not None
    assert suite.ratio == pytest.approx(0.5)
    assert suite.low is None
    site_of(tmp_path, [])
    text = text_of(tmp_path / "site" / "releases" / f"{made_up.HOST}.html")
    assert "How much faster than 2.7.18 plain" in text
    assert "2.00x faster" in text
    assert "no interval" in text


def test_in_one_session_the_interval_counts_and_epochs_do_not_matter(tmp_path: Path) -> None:
    plain, pgo = nights(1)
    old = against(version(plain, "3.9.0"), "2.7.18 plain")
    later = replace(
        against(version(pgo, "3.13.0"), "2.7.18 pgo"),
        facts={**pgo.facts, "kernel": "another"},
        when=pgo.when + timedelta(days=1),
    )
    base, comparisons = compare(gathered(tmp_path, [old, later]), made_up.HOST)
    assert base == "2.7.18"
    assert [comparison.column for comparison in comparisons] == [
        ("3.9.0", "plain"),
        ("3.13.0", "pgo"),
    ]
    assert old.release is not None
    assert comparisons[0].suite == old.release.suite
    assert comparisons[0].rows["bm_000"][0] == pytest.approx(old.rows[0].release.ratio)  # type: ignore[union-attr]
    assert "2.7.18 pgo" in comparisons[1].note


def test_a_host_without_releases_says_so(tmp_path: Path) -> None:
    with History.open(tmp_path / "history.db") as history:
        history.add_nights([failed(nights(1)[0])])
        build_site(history, tmp_path / "site", now=NOW)
    assert "No release was measured" in text_of(
        tmp_path / "site" / "releases" / f"{made_up.HOST}.html"
    )
