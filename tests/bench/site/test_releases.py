"""Releases side by side: which are shown, against what, and how they were measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench.history.models import NightRow
from bench.history.store import History
from bench.site.build import build_site
from bench.site.releases import base_of, compare, shown
from builder.locks import Queue
from tests.bench.history import made_up
from tests.bench.site.made_up import NOW, against, failed, gathered, nights, site_of, text_of


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
    columns = [(one, "plain") for one in versions]
    assert [one for one, _ in shown(columns)] == [
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
    some = [version(plain, "2.7.18"), version(plain, "3.13.0", 0.5), version(pgo, "3.13.0", 0.25)]
    base, found = compare(gathered(tmp_path, some), made_up.HOST)
    assert base == "2.7.18 plain"
    by_column = {one.column: one for one in found}
    suite = by_column["3.13.0", "plain"].suite
    assert suite is not None
    assert suite.ratio == pytest.approx(0.5)
    assert suite.low is None
    site_of(tmp_path, [])
    told = text_of(tmp_path / "site" / "releases" / f"{made_up.HOST}.html")
    assert "How much faster than 2.7.18 plain" in told
    assert "2.00x faster" in told
    assert "no interval" in told


def test_in_one_session_the_interval_counts_and_epochs_do_not_matter(tmp_path: Path) -> None:
    plain, pgo = nights(1)
    old = against(version(plain, "3.9.0"), "2.7.18 plain")
    later = replace(
        against(version(pgo, "3.13.0"), "2.7.18 pgo"),
        facts={**pgo.facts, "kernel": "another"},
        when=pgo.when + timedelta(days=1),
    )
    base, found = compare(gathered(tmp_path, [old, later]), made_up.HOST)
    assert base == "2.7.18"
    assert [one.column for one in found] == [("3.9.0", "plain"), ("3.13.0", "pgo")]
    assert old.release is not None
    assert found[0].suite == old.release.suite
    assert found[0].rows["bm_000"][0] == pytest.approx(old.rows[0].release.ratio)  # type: ignore[union-attr]
    assert "2.7.18 pgo" in found[1].note


def test_a_host_without_releases_says_so(tmp_path: Path) -> None:
    with History.open(tmp_path / "history.db") as history:
        history.add_nights([failed(nights(1)[0])])
        build_site(history, tmp_path / "site", queue=Queue(folder=tmp_path / "queue"), now=NOW)
    assert "No release was measured" in text_of(
        tmp_path / "site" / "releases" / f"{made_up.HOST}.html"
    )
