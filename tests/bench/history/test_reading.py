"""Nights, series and releases as they are read out of a history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bench.history import reading
from bench.history.models import BROKEN, CONFIRMED, Alarm, NightRow
from bench.history.reading import LineKey
from bench.history.store import History
from builder.errors import UsageError
from tests.bench.history import made_up
from tests.bench.history.made_up import PGO, small


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
    one = small(1)[0]
    assert one.build
    versions = ["3.13.0", "2.7.18", "3.9.0", "3.13.0a1"]
    for number, version in enumerate(versions):
        facts = {**one.facts, "compiler": f"gcc {number}"}
        if version == "3.9.0":
            facts["kernel"] = "5.0"
        build = replace(one.build, key=version, commit=version, version=version)
        when = one.when + timedelta(days=number)
        history.add_night(replace(one, identity=version, build=build, facts=facts, when=when))
    with history.connect() as connection:
        table = reading.releases(connection, made_up.HOST)
        assert reading.releases(connection, "nobody").columns == ()
    assert [version for version, _ in table.columns] == ["2.7.18", "3.13.0a1", "3.13.0"]
    assert table.left_out == (("3.9.0", "plain"),)
    assert table.seconds["2.7.18", "plain"] == {row.benchmark: row.mean for row in one.rows}


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
    for one in (alarm, replace(alarm, state=CONFIRMED)):
        with history.begin() as connection:
            reading.add_alarms(connection, [one])
    with history.connect() as connection:
        assert reading.alarms(connection, PGO) == (replace(alarm, state=CONFIRMED),)
        assert reading.alarms(connection, replace(PGO, flavor="plain")) == ()
    with pytest.raises(UsageError), history.begin() as connection:
        reading.add_alarms(connection, [replace(alarm, benchmark="other")])


def test_the_lines_and_their_benchmarks_are_sorted(history: History) -> None:
    history.add_nights(small(2, branch="3.13"))
    history.add_nights(small(2, branch="2.7"))
    with history.connect() as connection:
        found = reading.lines(connection)
        names = reading.benchmarks(connection, found[0])
    assert [(one.branch, one.flavor) for one in found] == [
        ("2.7", "pgo"),
        ("2.7", "plain"),
        ("3.13", "pgo"),
        ("3.13", "plain"),
    ]
    assert names == ("bm_000", "bm_001", "bm_002")


def test_what_is_missing_is_read_by_night_and_by_line(history: History) -> None:
    plain, pgo = small(1)
    history.add_night(replace(plain, missing={"z": "no wheel", "a": "crashes"}))
    history.add_night(replace(pgo, missing={"b": "other"}))
    with history.connect() as connection:
        line = replace(PGO, flavor="plain")
        (entry,) = reading.nights(connection, line)
        rows, lacking = reading.night_rows(connection, entry.number)
        assert reading.missing(connection, line) == {entry.number: lacking}
    assert list(lacking.items()) == [("a", "crashes"), ("z", "no wheel")]
    assert rows == plain.rows


def test_of_a_line_that_is_not_there_is_nothing(history: History) -> None:
    history.add_nights(small(1))
    nowhere = replace(PGO, host="other")
    with history.connect() as connection:
        assert reading.nights(connection, nowhere) == ()
        assert reading.benchmarks(connection, nowhere) == ()
        assert reading.missing(connection, nowhere) == {}
        assert reading.alarms(connection, nowhere) == ()
        assert reading.night_rows(connection, 999) == ((), {})


def test_a_version_that_is_no_release_number_comes_first(history: History) -> None:
    one = small(1)[0]
    assert one.build
    for version in ("2.7.18", "odd"):
        build = replace(one.build, key=version, commit=version, version=version)
        history.add_night(replace(one, identity=version, build=build))
    with history.connect() as connection:
        table = reading.releases(connection, made_up.HOST)
    assert [version for version, _ in table.columns] == ["odd", "2.7.18"]
