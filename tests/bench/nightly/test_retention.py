"""Retention on disk: builds, raw data, the budget."""

from __future__ import annotations

import tarfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from bench.context import Context
from bench.nightly.config import Keep, Nightly, load
from bench.nightly.retention import Ledger, disk_use, tidy, to_drop, to_pack
from bench.nightly.state import LineState, Nights, NightState
from bench.util import documents
from bench.util.console import Show
from builder.files import hold_lock
from builder.home import Home
from builder.process import SystemRunner

TODAY = date(2026, 11, 30)


class Ground:
    def __init__(self, root: Path, keep: str) -> None:
        (root / "nightly.toml").write_text(f'[[branch]]\nrevision = "main"\n[keep]\n{keep}\n')
        self.config: Nightly = load(root / "nightly.toml")
        self.nights = Nights(self.config.folder)
        self.context = Context(
            home=Home(root=root / "home", host_lock=root / "host.lock"),
            project=root,
            runner=SystemRunner(),
            show=Show(),
        )
        self.context.home.prepare()

    def night(self, days_ago: int, *builds: str, size: int = 0) -> Path:
        """A night with its builds in the store, and raw data of that size."""
        day = TODAY - timedelta(days=days_ago)
        self.nights.write(
            NightState(date=day, tasks=(LineState(branch="main", flavor="plain", builds=builds),))
        )
        for key in builds:
            (self.context.home.builds / key).mkdir(exist_ok=True)
            (self.context.home.builds / key / "file").write_bytes(b"x" * 100_000)
        raw = self.nights.folder_of(day) / "main-plain" / "raw"
        if size:
            raw.mkdir(parents=True)
            (raw / "block.json").write_bytes(b"y" * size)
        return raw

    def tidy(self) -> set[str]:
        """Tidy up; the builds that are left."""
        tidy(self.context, self.config, self.nights)
        return {path.name for path in self.context.home.builds.iterdir()}


def test_builds_of_nights_that_are_over_go(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "nights = 2")
    (ground.context.home.builds / "somebodys").mkdir(parents=True)
    ground.night(3, "release", "a")
    ground.night(2, "release", "a", "b")
    assert ground.tidy() == {"somebodys", "release", "a", "b"}
    ground.night(1, "release", "b", "c")
    ground.night(0, "release", "c", "d")
    assert ground.tidy() == {"somebodys", "release", "b", "c", "d"}


def test_a_build_in_use_stays(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "nights = 1")
    ground.night(1, "a")
    ground.night(0, "b")
    with hold_lock(ground.context.home.lock("build-a"), shared=True):
        assert ground.tidy() == {"a", "b"}
    assert ground.tidy() == {"b"}


def test_a_lost_ledger_is_made_anew(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "nights = 1")
    ground.night(1, "a")
    ground.night(0, "b")
    ground.config.folder.joinpath("builds.json").write_text("[]")
    assert ground.tidy() == {"b"}


def test_raw_data_are_packed_and_then_removed(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "compact = 5\nraw = 20")
    old, middle, new, _last = (ground.night(days, size=50_000) for days in (20, 5, 4, 0))
    ground.tidy()
    assert new.is_dir()
    assert not middle.exists()
    with tarfile.open(middle.with_name("raw.tar.gz")) as archive:
        assert "raw/block.json" in archive.getnames()
    assert list(old.parent.iterdir()) == []
    ground.tidy()
    assert middle.with_name("raw.tar.gz").exists()


def test_the_budget_takes_the_oldest_first(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 'disk = "1M"')
    oldest = ground.night(3, "a", size=500_000)
    older = ground.night(2, "b", size=500_000)
    ground.night(1, "c")
    newest = ground.night(0, "d", size=400_000)
    assert ground.tidy() == {"a", "b", "c", "d"}
    assert (oldest.exists(), older.exists(), newest.exists()) == (False, False, True)
    assert disk_use(ground.context, ground.config) < 1_000_000


def test_what_cannot_be_held_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ground = Ground(tmp_path, 'disk = "1M"')
    ground.night(2, "a")
    ground.night(1, "b")
    raw = ground.night(0, "c", size=2_000_000)
    assert ground.tidy() == {"b", "c"}
    assert raw.exists()
    assert "The disk budget is exceeded" in capsys.readouterr().err


def night(day: int, **builds: tuple[str, ...]) -> NightState:
    tasks = tuple(
        LineState(branch="main", flavor=name, builds=keys) for name, keys in builds.items()
    )
    return NightState(date=date(2026, 11, day), tasks=tasks)


def ledger(*nights: NightState) -> Ledger:
    kept = Ledger()
    for state in nights:
        kept = kept.after(state)
    return kept


def test_builds_of_old_nights_go() -> None:
    kept = ledger(
        night(1, plain=("release", "a")),
        night(2, plain=("release", "a", "b")),
        night(3, plain=("release", "b", "c")),
        night(4, plain=("release", "c", "d")),
    )
    days = [date(2026, 11, n) for n in range(1, 5)]
    assert kept.unneeded(days, 1) == ("a", "b")
    assert kept.unneeded(days, 2) == ("a",)
    assert kept.unneeded(days, 3) == ()


def test_a_lines_next_base_stays_however_old_it_is() -> None:
    kept = ledger(night(1, plain=("x", "y"), pgo=("p",)), night(2, plain=("y", "z")), night(3))
    days = [date(2026, 11, n) for n in range(1, 4)]
    assert kept.unneeded(days, 1) == ("x",)
    assert kept.without(("x",)).unneeded(days, 1) == ()


def test_a_ledger_is_kept_as_json() -> None:
    kept = ledger(night(1, plain=("x",)))
    assert documents.load(Ledger, documents.dump(kept)) == kept


def test_raw_data_are_packed_and_then_dropped() -> None:
    days = [date(2026, 10, 1), date(2026, 10, 20), date(2026, 10, 21), date(2026, 10, 31)]
    keep = Keep(compact=11, raw=30)
    today = date(2026, 10, 31)
    assert to_drop(days, today, keep) == (date(2026, 10, 1),)
    assert to_pack(days, today, keep) == (date(2026, 10, 20),)
