"""The changes of a line: equal night by night, after an import, and without cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.history import changes as module
from bench.history.changes import series, spans, watch
from bench.history.columns import Columns, columns_of
from bench.history.models import BenchmarkRow, NightRow, NightSuite
from bench.history.reading import LineKey
from bench.history.store import History
from bench.stats.change_points import scan
from tests.bench.history import made_up

LINE = LineKey(host=made_up.HOST, branch="main", flavor="pgo")


def nights(count: int = 90, step: int = 60) -> list[NightRow]:
    """The first benchmark takes 5% more from night `step` on, the second nothing."""
    changed = []
    for number, night in enumerate(made_up.history(count, 2, ("pgo",))):
        rows = (_times(night.rows[0], 1.05 if number >= step else 1.0), night.rows[1])
        changed.append(replace(night, rows=rows))
    return changed


def _times(row: BenchmarkRow, factor: float) -> BenchmarkRow:
    assert row.release is not None
    ratio = replace(row.release, ratio=row.release.ratio * factor)
    return replace(row, mean=row.mean * factor, release=ratio)


def read(history: History, cache: Path | None = None) -> Columns:
    with history.connect() as connection:
        return columns_of(connection, LINE, cache)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(tmp_path / "history.db") as opened:
        yield opened


def test_a_step_is_found_and_the_other_benchmark_left_alone(history: History) -> None:
    history.add_nights(nights())
    changes = watch(read(history))
    assert [name for name, benchmark_changes in changes.items() if benchmark_changes] == ["bm_000"]
    assert abs(changes["bm_000"][0].start - 60) <= 2


def test_night_by_night_gives_what_all_at_once_gives(history: History, tmp_path: Path) -> None:
    every = nights()
    history.add_nights(every[:62])
    for number in range(62, 70):
        history.add_night(every[number])
        read_now = read(history, tmp_path / "cache")
        assert watch(read_now, tmp_path / "cache") == watch(read_now)
    assert watch(read_now, tmp_path / "cache")["bm_000"]


def test_known_nights_are_not_scored_again(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = nights()
    history.add_nights(every[:80])
    watch(read(history, tmp_path), tmp_path)
    watched: list[int] = []

    def counting(*arguments: object, **options: object) -> object:
        watched.append(int(str(options["watched"])))
        return scan(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "scan", counting)
    history.add_night(every[80])
    watch(read(history, tmp_path), tmp_path)
    assert watched == [80, 80]
    # An import puts a night among those that were watched: all is scanned again.
    early = replace(every[0], identity="early", when=every[0].when.replace(hour=1))
    history.add_night(early)
    watch(read(history, tmp_path), tmp_path)
    assert watched[2:] == [0, 0]


def test_a_benchmark_that_is_new_is_watched_from_its_first_night(
    history: History, tmp_path: Path
) -> None:
    every = nights()
    history.add_nights(replace(night, rows=night.rows[1:]) for night in every[:80])
    watch(read(history, tmp_path), tmp_path)
    history.add_nights(every[80:])
    changes = watch(read(history, tmp_path), tmp_path)
    assert changes == watch(read(history))
    assert set(changes) == {"bm_000", "bm_001"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"changes": {"a": [{}]}}'])
def test_what_is_damaged_is_found_again(history: History, tmp_path: Path, content: str) -> None:
    history.add_nights(nights())
    cache = tmp_path / "cache"
    changes = watch(read(history, cache), cache)
    (file,) = cache.glob("*.json")
    good = json.loads(file.read_text())
    file.write_text(content)
    assert watch(read(history, cache), cache) == changes
    assert json.loads(file.read_text()) == good


def test_another_release_is_another_segment_and_without_one_seconds_count(history: History) -> None:
    every = nights(4)
    every[2:] = [replace(night, release=NightSuite(key="new")) for night in every[2:]]
    every[3] = replace(
        every[3], release=None, rows=tuple(replace(row, release=None) for row in every[3].rows)
    )
    history.add_nights(every)
    columns = read(history)
    assert spans(columns).tolist() == [0, 0, 1, 2]
    values = series(columns)
    assert values[0, 3] == np.float32(every[3].rows[0].mean)
    assert values[0, 2] == np.float32(every[2].rows[0].release.ratio)  # type: ignore[union-attr]
