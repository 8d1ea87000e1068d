"""What goes in comes out, once; by SQLite and by PostgreSQL alike."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bench.history import reading
from bench.history.models import HistoryRatio
from bench.history.store import History
from builder.errors import StoreError, UsageError
from tests.bench.history import made_up
from tests.bench.history.made_up import PGO, small


def test_a_night_comes_out_as_it_went_in(history: History) -> None:
    nights = [
        replace(night, missing={"tornado": "no wheel"} if number == 5 else {})
        for number, night in enumerate(small())
    ]
    assert history.add_nights(nights) == 12
    with history.connect() as connection:
        assert sorted(reading.everything(connection), key=lambda n: n.identity) == sorted(
            nights, key=lambda n: n.identity
        )
        assert reading.count(connection) == (12, 36)


def test_the_same_result_twice_is_one_night(history: History) -> None:
    first, *rest = small()
    assert history.add_night(first)
    assert not history.add_night(first)
    assert not history.add_night(replace(first, rows=()))
    assert history.add_nights([first, *rest, *rest]) == len(rest)
    with history.connect() as connection:
        assert reading.count(connection) == (12, 36)


def test_what_fails_half_way_leaves_nothing(history: History) -> None:
    good, bad = small(1)
    row = replace(bad.rows[0], last=HistoryRatio(ratio=1.0, verdict="no verdict"))
    with pytest.raises(KeyError):
        history.add_nights([good, replace(bad, rows=(row,))])
    with history.connect() as connection:
        assert reading.count(connection) == (0, 0)
        assert reading.lines(connection) == ()


def test_two_writers_take_turns(place: str) -> None:
    with History.open(place) as one, History.open(place) as other:
        first, second = small(1)
        assert one.add_night(first)
        assert other.add_night(second)
        assert not one.add_night(second)


def test_a_history_is_there_when_it_is_opened_again(place: str) -> None:
    with History.open(place) as first:
        first.add_nights(small())
    with History.open(place) as again, again.connect() as connection:
        assert reading.count(connection) == (12, 36)


@pytest.mark.parametrize("place", ["mysql://h/d", "sqlite+x://f", "postgresql://u:secret@h:x/d"])
def test_a_place_of_another_kind_is_refused(place: str) -> None:
    with pytest.raises(UsageError) as told:
        History.open(place)
    assert "secret" not in str(told.value)


def test_a_file_that_is_no_history_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("my notes " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        History.open(path)
    with pytest.raises(StoreError, match="unable to open"):
        History.open(tmp_path / "no" / "folder.db")


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StoreError) as told:
        History.open("postgresql://nights:secret@127.0.0.1:9/none")
    assert "secret" not in str(told.value)
    assert "127.0.0.1" in told.value.where


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE hosts (x)")
    other.close()
    with pytest.raises(StoreError, match="not of a history: hosts"):
        History.open(path)


@pytest.mark.big
def test_ten_years_go_in_and_come_out(history: History) -> None:
    assert history.add_nights(made_up.history()) == 3650 * 4
    extra = next(iter(made_up.history(1, branch="new")))
    assert history.add_night(extra)
    with history.connect() as connection:
        assert reading.count(connection) == (14_601, 1_460_100)
        assert len(reading.nights(connection, PGO)) == 3650
        assert len(reading.benchmarks(connection, PGO)) == 100
