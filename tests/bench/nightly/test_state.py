"""Nights on disk, and what is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest

from bench.nightly.report import LineResult, Revised
from bench.nightly.state import LineState, Nights, NightState, due, missing, next_run
from builder.errors import BusyError, StoreError
from builder.locks import Queue


def task(commit: str, outcome: str = "neutral", flavor: str = "plain") -> LineState:
    head = Revised(commit=commit, version="3.13.5")
    line = LineResult(branch="main", flavor=flavor, new=head, outcome=outcome)
    return LineState(branch="main", flavor=flavor, head=head, result=line, builds=("k",))


def night(day: str, *tasks: LineState) -> NightState:
    return NightState(date=date.fromisoformat(day), tasks=tasks)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "nights")
    assert nights.dates() == []
    one = night("2026-11-02", task("a"), LineState(branch="main", flavor="pgo"))
    nights.write(one)
    nights.write(night("2026-11-01"))
    (tmp_path / "nights" / "site").mkdir()
    assert nights.dates() == [date(2026, 11, 1), date(2026, 11, 2)]
    assert nights.read(date(2026, 11, 2)) == one
    assert nights.read(date(2026, 11, 3)) is None


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 9}', '{"schema": 1, "night": {}}'])
def test_a_damaged_night_is_told(tmp_path: Path, content: str) -> None:
    nights = Nights(tmp_path)
    nights.write(night("2026-11-01"))
    (tmp_path / "2026-11-01" / "night.json").write_text(content)
    with pytest.raises(StoreError, match="cannot be read"):
        nights.read(date(2026, 11, 1))


def test_the_last_that_was_measured(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.write(night("2026-11-01", task("a"), task("x", flavor="pgo")))
    nights.write(night("2026-11-02", task("b", "failed")))
    nights.write(night("2026-11-03", task("a", "quiet")))
    nights.write(night("2026-11-05", task("c")))
    revision = nights.last_measured(task(""), date(2026, 11, 4))
    assert revision is not None
    assert (revision.commit, revision.date) == ("a", date(2026, 11, 1))
    assert nights.last_measured(task(""), date(2026, 11, 1)) is None


def test_a_tasks_state_takes_the_old_ones_place() -> None:
    before = night("2026-11-01", LineState(branch="main", flavor="plain"), task("x", flavor="pgo"))
    after = before.with_task(task("a"))
    assert after.tasks == (task("a"), task("x", flavor="pgo"))
    assert replace(after, tasks=before.tasks) == before


def test_two_nights_never_overlap(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    queue = Queue(folder=tmp_path / "queue")
    assert not nights.is_running()
    with nights.lock(queue):
        assert nights.is_running()
        with pytest.raises(BusyError), Nights(tmp_path).lock(queue):
            pytest.fail("two at once")
    with nights.lock(queue):
        pass


def test_missing_nights_lie_between_two() -> None:
    days = [date(2026, 10, 30), date(2026, 10, 31)]
    assert missing(days, date(2026, 11, 3)) == (date(2026, 11, 1), date(2026, 11, 2))
    assert missing(days, date(2026, 11, 1)) == ()
    assert missing(days, date(2026, 10, 31)) == ()
    assert missing([], date(2026, 11, 3)) == ()


def test_what_is_due_turns_at_the_timers_hour() -> None:
    at = time(2, 30)
    before, after = datetime(2026, 11, 2, 2, 29), datetime(2026, 11, 2, 2, 30)
    assert due(at, before) == date(2026, 11, 1)
    assert due(at, after) == date(2026, 11, 2)
    assert next_run(at, before) == datetime(2026, 11, 2, 2, 30)
    assert next_run(at, after) == datetime(2026, 11, 3, 2, 30)
