"""The page of a commit: its nights, its neighbours, and what begins with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.site.commit import nights_by_commit
from tests.bench.site.made_up import STEP, failed, gathered, nights, site_of, text_of


def test_a_commit_knows_its_nights_and_its_neighbours(tmp_path: Path) -> None:
    every = nights(5)
    site = gathered(tmp_path, [*every[:6], failed(every[6]), *every[7:]])
    commits = list(dict.fromkeys(n.build.commit for n in every if n.build))
    plain, pgo = sorted(nights_by_commit(site)[commits[3]], key=lambda one: one.night is not None)
    assert plain.entry.night.state == "broken"
    assert plain.night is None
    assert (pgo.before, pgo.after) == (commits[2], commits[4])
    assert nights_by_commit(site)[commits[0]][0].before == ""
    assert nights_by_commit(site)[commits[4]][0].after == ""


def test_a_commit_tells_what_changes_with_it(tmp_path: Path) -> None:
    every = nights()
    site_of(tmp_path, every)
    found = [
        path.stem
        for path in (tmp_path / "site" / "commit").iterdir()
        if "Change points that begin here" in path.read_text("utf-8")
    ]
    near = {n.build.commit[:12] for n in every[2 * STEP - 4 : 2 * STEP + 6] if n.build}
    assert found
    assert set(found) <= near


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    (night, *_) = nights(1)
    site_of(tmp_path, [replace(night, missing={"tornado": "no <wheel>"})])
    (page,) = (tmp_path / "site" / "commit").iterdir()
    assert "tornado: no &lt;wheel&gt;" in text_of(page)
