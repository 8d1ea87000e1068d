"""Several programs record into one history at the same time: nothing is lost, nothing is twice."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from bench.history import reading, store
from bench.history.models import BuildRow, NightRow
from bench.history.store import History
from builder.errors import StoreError
from tests.bench.history.made_up import small

ROOT = Path(__file__).resolve().parents[3]
WRITERS, NIGHTS = 4, 8

# A writer of its own process: a host whose nights have the same new commits as those of the others.
WRITER = """
import sys
from tests.bench.history.test_store_writers import nights_of
from bench.history.store import History
place, number = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
with History.open(place) as history:
    for night in nights_of(number):
        assert history.add_night(night), night.identity
"""


def nights_of(writer: int) -> list[NightRow]:
    """The nights of one host: the commits, builds, facts and benchmarks of all hosts' nights."""
    first = small(1)[0]
    assert first.build is not None
    return [
        replace(
            first,
            identity=f"writer {writer}, night {number}",
            host=f"host {writer % 2}",
            facts={"kernel": f"6.{number}"},
            build=replace(first.build, key=f"key {number}", commit=f"{number:040x}"),
        )
        for number in range(NIGHTS)
    ]


def _start(place: str, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, place, str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_four_programs_record_the_same_new_commits(place: str) -> None:
    writers = [_start(place, number) for number in range(WRITERS)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    ends = [(writer.communicate(timeout=100)[1], writer.returncode) for writer in writers]
    assert ends == [("", 0)] * WRITERS
    expected = [night for number in range(WRITERS) for night in nights_of(number)]
    with History.open(place) as history, history.connect() as connection:
        stored = sorted(reading.everything(connection), key=lambda night: night.identity)
        assert stored == sorted(expected, key=lambda night: night.identity)
        for table in ("revisions", "builds", "environments"):
            rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            assert rows == NIGHTS, table
        assert connection.execute(text("SELECT count(*) FROM hosts")).scalar_one() == 2


class Refusing:
    """A connection to a database that another program switches, for the first `times` attempts."""

    def __init__(self, times: int, text: str = "database is locked") -> None:
        self.left, self.text = times, text

    def execute(self, _statement: str) -> None:
        if self.left:
            self.left -= 1
            raise sqlite3.OperationalError(self.text)


def test_a_switch_to_the_log_that_is_refused_is_tried_again() -> None:
    connection = Refusing(3)
    store._write_ahead(connection)  # type: ignore[arg-type]
    assert connection.left == 0
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store._write_ahead(Refusing(1, "disk is full"))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_the_servers_own_level_of_isolation_does_not_matter(
    postgresql: Callable[[], str], level: str
) -> None:
    place = postgresql()
    with History.open(place) as history, history.begin() as connection:
        name = place.rpartition("/")[2]
        connection.execute(
            text(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
        )
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with History.open(place) as history:
                for night in nights_of(number):
                    history.add_night(night)
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with History.open(place) as history, history.connect() as connection:
        assert reading.count(connection)[0] == WRITERS * NIGHTS


@pytest.mark.slow
def test_a_lost_connection_is_opened_again(postgresql: Callable[[], str]) -> None:
    place = postgresql()
    first, second = small(1)
    with History.open(place) as history, History.open(place) as other:
        history.add_night(first)
        _end_others(other)
        assert history.add_night(second)  # the pool tests the connection

        attempts: list[int] = []

        def work(connection: object) -> int:
            attempts.append(1)
            if len(attempts) == 1:
                _end_others(other)  # in the middle of the transaction
            return reading.count(connection)[0]  # type: ignore[arg-type]

        assert history.write(work) == 2
        assert len(attempts) == 2


def _end_others(history: History) -> None:
    with history.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )


class _ConflictError(Exception):
    sqlstate = "40001"


@pytest.mark.parametrize(
    ("orig", "attempts", "message"),
    [
        (
            _ConflictError("could not serialize access"),
            4,
            "gave up 4 attempts to write: could not seri",
        ),
        (Exception("disk I/O error"), 1, "cannot be used: disk I/O error"),
        (Exception("database is locked"), 1, "written by another program, for more than 60 s"),
        (Exception(""), 1, "cannot be used: Exception"),
    ],
)
def test_what_passes_is_tried_again_and_the_rest_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    orig: Exception,
    attempts: int,
    message: str,
) -> None:
    monkeypatch.setattr(store, "_PAUSES", (0, 0, 0))
    calls = []

    def fail(_connection: object) -> None:
        calls.append(1)
        raise OperationalError("statement", {}, orig)

    with History.open(tmp_path / "history.db") as history, pytest.raises(StoreError, match=message):
        history.write(fail)
    assert len(calls) == attempts


def test_a_conflict_that_passes_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PAUSES", (0, 0, 0))
    fails = [True, True, True]
    with History.open(tmp_path / "history.db") as history:

        @event.listens_for(history._engine, "before_cursor_execute")
        def _(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("INSERT INTO rows") and fails:
                fails.pop()
                raise OperationalError(statement, {}, _ConflictError("conflict"))

        assert history.add_nights(small()) == 12
        with history.connect() as connection:
            assert reading.count(connection) == (12, 36)


def test_a_reader_sees_one_moment(place: str) -> None:
    first, second = small(1)
    with History.open(place) as history, History.open(place) as other:
        history.add_night(first)
        with history.connect() as connection:
            assert reading.count(connection)[0] == 1
            assert other.add_night(second)
            assert reading.count(connection)[0] == 1
        with history.connect() as connection:
            assert reading.count(connection)[0] == 2


def test_a_build_of_two_nights_is_stored_once(place: str) -> None:
    first, second = small(1)
    build = BuildRow(key="key", title="title", commit="0" * 40, version="3.13.5")
    with History.open(place) as one, History.open(place) as other:
        assert one.add_night(replace(first, build=build))
        assert other.add_night(replace(second, build=build))
        with one.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM builds")).scalar_one() == 1
