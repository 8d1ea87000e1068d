"""What goes in comes out, once; by SQLite and by PostgreSQL alike."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bench.history import reading
from bench.history.models import BROKEN, CONFIRMED, Alarm, HistoryRatio, NightRow
from bench.history.reading import LineKey
from bench.history.store import History
from builder.errors import StoreError, UsageError
from tests.bench.history import made_up

PGO = LineKey(host=made_up.HOST, branch="main", flavor="pgo")


def small(nights: int = 6, benchmarks: int = 3, branch: str = "main") -> list[NightRow]:
    return list(made_up.history(nights, benchmarks, ("plain", "pgo"), branch=branch))


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


def test_nights_are_in_order_of_time_whenever_they_came(history: History) -> None:
    history.add_nights(reversed(small()))
    with history.connect() as connection:
        entries = reading.nights(connection, PGO)
    moments = [entry.night.when for entry in entries]
    assert moments == sorted(moments)
    assert len(entries) == 6
    assert {entry.benchmarks for entry in entries} == {3}


def test_a_night_without_a_build_is_kept_with_its_reason(history: History) -> None:
    night = NightRow(
        identity="x",
        host="h",
        branch="main",
        flavor="pgo",
        when=datetime(2025, 1, 2, tzinfo=UTC),
        state=BROKEN,
        reason="does not compile",
    )
    history.add_night(night)
    line = LineKey(host="h", branch="main", flavor="pgo")
    with history.connect() as connection:
        assert reading.nights(connection, line)[0].night == night
        assert reading.lines(connection) == (line,)


def test_moments_of_other_zones_are_the_same_moments(history: History) -> None:
    east = datetime(2025, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    history.add_night(replace(small()[1], when=east))
    with history.connect() as connection:
        assert reading.nights(connection, PGO)[0].night.when == east


def test_nights_tell_commits_and_epochs(history: History) -> None:
    nights = [one for one in small() if one.flavor == "pgo"]
    nights[3:] = [replace(one, facts={**one.facts, "kernel": "7.0"}) for one in nights[3:]]
    history.add_nights(nights)
    with history.connect() as connection:
        entries = reading.nights(connection, PGO)
        rows = [reading.night_rows(connection, one.number)[0][2] for one in entries]
    assert [one.epoch for one in entries] == [0, 0, 0, 1, 1, 1]
    assert rows == [one.rows[2] for one in nights]
    assert [one.night.build for one in entries] == [one.build for one in nights]


def test_releases_side_by_side_are_of_one_epoch(history: History) -> None:
    night = small(1)[0]
    assert night.build
    versions = ["3.13.0", "2.7.18", "3.9.0", "3.13.0a1"]
    for number, version in enumerate(versions):
        facts = {**night.facts, "compiler": f"gcc {number}"}
        if version == "3.9.0":
            facts["kernel"] = "5.0"
        build = replace(night.build, key=version, commit=version, version=version)
        when = night.when + timedelta(days=number)
        history.add_night(replace(night, identity=version, build=build, facts=facts, when=when))
    with history.connect() as connection:
        table = reading.releases(connection, made_up.HOST)
        assert reading.releases(connection, "nobody").columns == ()
    assert [version for version, _ in table.columns] == ["2.7.18", "3.13.0a1", "3.13.0"]
    assert table.left_out == (("3.9.0", "plain"),)
    assert table.seconds["2.7.18", "plain"] == {row.benchmark: row.mean for row in night.rows}


def test_alarms_are_kept_once_and_their_state_goes_on(history: History) -> None:
    history.add_nights(small())
    with history.connect() as connection:
        numbers = [entry.number for entry in reading.nights(connection, PGO)]
    alarm = Alarm(
        **vars(PGO),
        benchmark="bm_001",
        start=numbers[3],
        night=numbers[5],
        ratio=1.05,
        low=1.04,
        high=1.06,
    )
    for stored in (alarm, replace(alarm, state=CONFIRMED)):
        with history.begin() as connection:
            reading.add_alarms(connection, [stored])
    with history.connect() as connection:
        assert reading.alarms(connection, PGO) == (replace(alarm, state=CONFIRMED),)
        assert reading.alarms(connection, replace(PGO, flavor="plain")) == ()
    with pytest.raises(UsageError), history.begin() as connection:
        reading.add_alarms(connection, [replace(alarm, benchmark="other")])


def test_a_failed_write_leaves_nothing(history: History) -> None:
    good, bad = small(1)
    row = replace(bad.rows[0], last=HistoryRatio(ratio=1.0, verdict="no verdict"))
    with pytest.raises(KeyError):
        history.add_nights([good, replace(bad, rows=(row,))])
    with history.connect() as connection:
        assert reading.count(connection) == (0, 0)
        assert reading.lines(connection) == ()


def test_two_writers_take_turns(place: str) -> None:
    with History.open(place) as left, History.open(place) as right:
        first, second = small(1)
        assert left.add_night(first)
        assert right.add_night(second)
        assert not left.add_night(second)


def test_a_history_is_there_when_it_is_opened_again(place: str) -> None:
    with History.open(place) as first:
        first.add_nights(small())
    with History.open(place) as again, again.connect() as connection:
        assert reading.count(connection) == (12, 36)


@pytest.mark.parametrize("place", ["mysql://h/d", "sqlite+x://f", "postgresql://u:secret@h:x/d"])
def test_a_place_of_another_kind_is_refused(place: str) -> None:
    with pytest.raises(UsageError) as raised:
        History.open(place)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_history_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("my notes " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        History.open(path)
    with pytest.raises(StoreError, match="unable to open"):
        History.open(tmp_path / "no" / "folder.db")


def test_the_error_for_a_missing_server_has_no_password() -> None:
    with pytest.raises(StoreError) as raised:
        History.open("postgresql://nights:secret@127.0.0.1:9/none")
    assert "secret" not in str(raised.value)
    assert "127.0.0.1" in raised.value.where


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
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
