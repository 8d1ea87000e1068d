"""The database of a history: opens it and adds nights, each of them once.

SQLite in a file is the default; `postgresql://` is for several machines with one history. Nights
can be added one at a time or many: adding a night writes only its own rows.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from bench.history import migrations
from bench.history.models import (
    LAST,
    RELEASE,
    VERDICTS,
    BenchmarkRow,
    BuildRow,
    HistoryRatio,
    NightRow,
)
from bench.history.tables import (
    BUILDS,
    ENVIRONMENTS,
    HOSTS,
    MISSING,
    NIGHTS,
    REVISIONS,
    ROWS,
    STANDINGS,
    TRACKS,
)
from builder.errors import StoreError, UsageError

# Nights in one transaction: 200 nights of 100 benchmarks are 20,000 rows.
BATCH = 200
# Seconds that a writer waits for another writer.
PATIENCE = 60
# Seconds before each further attempt of a transaction that the database gave up.
_PAUSES = (0.2, 1.0, 3.0)
_SWITCH_SECONDS = 0.02
# Serialization failure, deadlock; a server that stops, starts, or has no connection to spare.
_PASSING = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "53300"})
# What SQLite and PostgreSQL say after PATIENCE.
_WAITED = ("database is locked", "lock timeout")
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
# SQLite accepts at most 32,766 parameters in a statement.
_MOST_PARAMETERS = 500

Record = dict[str, Any]
T = TypeVar("T")


class History:
    """An open history. Use as a context manager, or `close()` it.

    The functions of `bench.history.reading` read it, with a connection of `connect()`.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self.where = where

    @classmethod
    def open(cls, place: str | Path) -> Self:
        """Open the history at a path or URL; create it or bring it up to date if necessary.

        UsageError for an unsupported URL, StoreError if it cannot be opened.
        """
        url, where = _url(place)
        try:
            engine = _engine(url)
        except (ArgumentError, NoSuchModuleError, ImportError) as problem:
            raise UsageError(
                f"the history's database cannot be opened: {problem}",
                where=where,
                hint="name a file, or postgresql://USER@HOST/DATABASE with psycopg installed",
            ) from None
        if engine.dialect.name == "sqlite":
            _set_up_sqlite(engine)
        history = cls(engine, where)
        try:
            history.write(lambda connection: migrations.prepare(connection, where))
        except BaseException:
            history.close()
            raise
        return history

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for reading: it sees the history as of its first query, whatever others
        write meanwhile. Errors of the database become StoreError.
        """
        with self._convert_errors(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction; only one can write at a time. Errors of the database become StoreError."""
        with self._convert_errors(), self._transaction() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, in a transaction of its own.

        After a lost connection or a conflict `work` is called again: it must then write what is not
        there yet, since a transaction may be stored although its confirmation was lost.
        """
        with self._convert_errors():
            for pause in _PAUSES:
                try:
                    with self._transaction() as connection:
                        return work(connection)
                except DBAPIError as problem:
                    if not _is_passing(problem):
                        raise
                time.sleep(pause)
            with self._transaction() as connection:
                return work(connection)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            with connection.begin() if not connection.in_transaction() else connection:
                migrations.exclude_others(connection, PATIENCE)
                yield connection
                connection.commit()

    @contextlib.contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            what, hint = _explained(problem)
            raise StoreError(what, where=self.where, hint=hint) from None

    def add_night(self, night: NightRow) -> bool:
        """Add a night; whether it is new. One whose identity is stored already is not changed."""
        return self.add_nights([night]) == 1

    def add_nights(self, nights: Iterable[NightRow]) -> int:
        """Add nights in batches, each in its own transaction; the number of new nights.

        After an interruption the batches before it are stored: call it again to add the rest.
        """
        added, remaining = 0, iter(nights)
        while batch := list(islice(remaining, BATCH)):
            added += self.write(partial(_add, nights=batch))
        return added


def _add(connection: Connection, nights: Sequence[NightRow]) -> int:
    return _Writer(connection).write(nights)


def _url(place: str | Path) -> tuple[str, str]:
    """SQLAlchemy's URL, and a text to show for it, without the password."""
    text = str(place)
    scheme, colon, rest = text.partition("://")
    if not colon:
        return f"sqlite:///{Path(text).absolute()}", text
    if scheme not in _DRIVERS:
        raise UsageError(
            f"a history cannot be kept in {scheme}://",
            hint="name a file, or postgresql://USER@HOST/DATABASE",
        )
    url = f"{_DRIVERS[scheme]}://{rest}"
    try:
        return url, make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        raise UsageError("this is not the URL of a database", where=f"{scheme}://...") from None


def _engine(url: str) -> Engine:
    """An engine whose connections are tested before use: a night keeps a history open for hours."""
    if make_url(url).get_backend_name() == "sqlite":
        return create_engine(url)
    # At a stricter level a transaction would read what was there before it waited for its turn.
    return create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")


def _is_passing(problem: DBAPIError) -> bool:
    """Return whether the same transaction may succeed a moment later."""
    if getattr(problem.orig, "sqlstate", None) in _PASSING:
        return True
    return problem.connection_invalidated


def _explained(problem: DBAPIError) -> tuple[str, str]:
    """What happened and what to do, of an error of the database."""
    said = (str(problem.orig).strip().splitlines() or [type(problem.orig).__name__])[0]
    again = "nothing of it was stored; run the same again: what is stored already does not change"
    if any(text in said for text in _WAITED):
        return (
            f"the history is being written by another program, for more than {PATIENCE} s",
            f"wait until that has ended; {again}",
        )
    if _is_passing(problem):
        return (
            f"the history's server gave up {len(_PAUSES) + 1} attempts to write: {said}",
            f"check that the server runs and accepts connections; {again}",
        )
    return (
        f"the history cannot be used: {said}",
        "check that it exists, that it is writable, and that its disk is not full",
    )


def _set_up_sqlite(engine: Engine) -> None:
    """Explicit transactions, and a write-ahead log, so that readers do not wait."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        # The driver would begin a transaction at the first write, after two writers have read.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a database to its write-ahead log. While another program opens or switches the same
    database, SQLite refuses that at once, whatever its time-out.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > until:
                raise
        time.sleep(_SWITCH_SECONDS)


class _Writer:
    """Writes nights within one transaction; maps names to ids."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, nights: Sequence[NightRow]) -> int:
        unique = {night.identity: night for night in nights}
        stored = self._numbers(NIGHTS, "identity", unique)
        new = [night for identity, night in unique.items() if identity not in stored]
        if not new:
            return 0
        hosts = self._ids(HOSTS, "name", {night.host: {} for night in new})
        environments = self._ids(ENVIRONMENTS, "facts", {_facts(night): {} for night in new})
        builds = self._builds([night.build for night in new if night.build])
        self._insert(NIGHTS, [_night(night, hosts, environments, builds) for night in new])
        numbers = self._numbers(NIGHTS, "identity", [night.identity for night in new])
        tracks = self._tracks(new, hosts)
        rows = [
            _row(row, tracks[hosts[night.host], night.branch, night.flavor, row.benchmark], number)
            for night in new
            for number in [numbers[night.identity]]
            for row in night.rows
        ]
        # In the order of the table: many times faster than in the order of the nights.
        self._insert(ROWS, sorted(rows, key=lambda row: (row["track_id"], row["night_id"])))
        self._insert(STANDINGS, [record for night in new for record in _standings(night, numbers)])
        self._insert(MISSING, [record for night in new for record in _missing(night, numbers)])
        return len(new)

    def _builds(self, builds: Sequence[BuildRow]) -> dict[str, int]:
        revisions = self._ids(
            REVISIONS,
            "commit_id",
            {b.commit: {"version": b.version, "committed": _seconds(b.committed)} for b in builds},
        )
        values = {b.key: {"title": b.title, "revision_id": revisions[b.commit]} for b in builds}
        return self._ids(BUILDS, "key", values)

    def _tracks(
        self, nights: Sequence[NightRow], hosts: Mapping[str, int]
    ) -> dict[tuple[int, str, str, str], int]:
        columns = [TRACKS.c.host_id, TRACKS.c.branch, TRACKS.c.flavor, TRACKS.c.benchmark]
        keys = {
            (hosts[night.host], night.branch, night.flavor, row.benchmark): None
            for night in nights
            for row in night.rows
        }
        query = select(TRACKS.c.id, *columns).where(TRACKS.c.host_id.in_(set(hosts.values())))

        def read() -> dict[tuple[int, str, str, str], int]:
            return {tuple(rest): number for number, *rest in self._connection.execute(query)}

        stored = read()
        names = [column.name for column in columns]
        new = [dict(zip(names, key, strict=True)) for key in keys if key not in stored]
        self._insert(TRACKS, new)
        return read() if new else stored

    def _ids(self, table: Table, column: str, values: Mapping[str, Record]) -> dict[str, int]:
        """The ids of names; new names are inserted with their values."""
        stored = self._numbers(table, column, values)
        new = [{column: name, **record} for name, record in values.items() if name not in stored]
        self._insert(table, new)
        return self._numbers(table, column, values) if new else stored

    def _numbers(self, table: Table, column: str, names: Iterable[str]) -> dict[str, int]:
        ids: dict[str, int] = {}
        remaining = iter(names)
        while batch := list(islice(remaining, _MOST_PARAMETERS)):
            query = select(table.c[column], table.c.id).where(table.c[column].in_(batch))
            ids |= {record[0]: record.id for record in self._connection.execute(query)}
        return ids

    def _insert(self, table: Table, records: Sequence[Record]) -> None:
        if records:
            self._connection.execute(table.insert().inline(), records)


def _night(
    night: NightRow,
    hosts: Mapping[str, int],
    environments: Mapping[str, int],
    builds: Mapping[str, int],
) -> Record:
    return {
        "identity": night.identity,
        "host_id": hosts[night.host],
        "environment_id": environments[_facts(night)],
        "build_id": builds[night.build.key] if night.build else None,
        "branch": night.branch,
        "flavor": night.flavor,
        "moment": _seconds(night.when),
        "state": night.state,
        "reason": night.reason,
        "origin": night.origin,
        "folder": night.folder,
        "benchmarks": len(night.rows),
    }


def _facts(night: NightRow) -> str:
    return json.dumps(dict(night.facts), sort_keys=True)


def _seconds(moment: datetime | None) -> int | None:
    """Whole seconds since 1970. A moment without a zone is taken as UTC."""
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


_PARTS = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks")


def _columns(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{part}" for part in _PARTS)


_COLUMNS = {prefix: _columns(prefix) for prefix in (LAST, RELEASE, "suite")}
_NOTHING = (None,) * len(_PARTS)
_CODES = {verdict: code for code, verdict in enumerate(VERDICTS)}


def _ratio(prefix: str, ratio: HistoryRatio | None) -> zip[tuple[str, Any]]:
    if ratio is None:
        return zip(_COLUMNS[prefix], _NOTHING, strict=True)
    values = (
        ratio.ratio,
        ratio.low,
        ratio.high,
        ratio.low95,
        ratio.high95,
        _CODES[ratio.verdict],
        ratio.blocks,
    )
    return zip(_COLUMNS[prefix], values, strict=True)


def _row(row: BenchmarkRow, track: int, night: int) -> Record:
    record = {
        "track_id": track,
        "night_id": night,
        "mean": row.mean,
        "rsd": row.rsd,
        "processes": row.processes,
    }
    record.update(_ratio(LAST, row.last))
    record.update(_ratio(RELEASE, row.release))
    return record


def _standings(night: NightRow, numbers: Mapping[str, int]) -> Iterator[Record]:
    for against, suite in ((LAST, night.last), (RELEASE, night.release)):
        if suite is not None:
            yield {
                "night_id": numbers[night.identity],
                "against": against,
                "key": suite.key,
                "title": suite.title,
                **dict(_ratio("suite", suite.suite)),
            }


def _missing(night: NightRow, numbers: Mapping[str, int]) -> Iterator[Record]:
    for benchmark, reason in night.missing.items():
        yield {"night_id": numbers[night.identity], "benchmark": benchmark, "reason": reason}
