"""The history: nights go in, once each, and come out by branch and flavor, or benchmark.

SQLite in a file is the default; `postgresql://` serves several machines that report to one history.
Nights are written many at a time, or one: a night's bookkeeping touches its own rows alone.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self

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

# So many nights are written in one transaction: 200 of 100 benchmarks are 20,000 rows.
BATCH = 200
# Seconds that a writer waits for another one.
PATIENCE = 60
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
# SQLite takes 32,766 parameters in a statement.
_AT_ONCE = 500

Record = dict[str, Any]


class History:
    """An open history. Use as a context manager, or `close()` it.

    What is read out of it is in `bench.history.reading`, which is given `connect()`.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self.where = where

    @classmethod
    def open(cls, place: str | Path) -> Self:
        """Open the history at a path or URL, made or brought up to date as needed.

        UsageError for a URL of another kind, StoreError where it cannot be opened.
        """
        url, where = _url(place)
        try:
            engine = create_engine(url)
        except (ArgumentError, NoSuchModuleError, ImportError) as problem:
            raise UsageError(
                f"no database that a history can be kept in: {problem}",
                where=where,
                hint="give a file, or postgresql://USER@HOST/DATABASE with psycopg installed",
            ) from None
        if engine.dialect.name == "sqlite":
            _set_up_sqlite(engine)
        history = cls(engine, where)
        try:
            with history.begin() as connection:
                migrations.prepare(connection, where)
        except BaseException:
            history.close()
            raise
        return history

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection that only reads. StoreError for what the database reports."""
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction, the only one that writes. StoreError for what the database reports."""
        with self._told(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            with connection.begin() if not connection.in_transaction() else connection:
                yield connection
                connection.commit()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise StoreError(
                f"the history cannot be used: {str(problem.orig).strip().splitlines()[0]}",
                where=self.where,
                hint="check that it is there, that it may be written, and that its disk has room",
            ) from None

    def add_night(self, night: NightRow) -> bool:
        """Add a night; whether it is new. One whose identity is there is left as it is."""
        return self.add_nights([night]) == 1

    def add_nights(self, nights: Iterable[NightRow]) -> int:
        """Add nights in batches, each in a transaction of its own; how many are new.

        When it is interrupted, the batches before are kept: do it again, and the rest is added.
        """
        added, rest = 0, iter(nights)
        while batch := list(islice(rest, BATCH)):
            with self.begin() as connection:
                added += _Writer(connection).write(batch)
        return added


def _url(place: str | Path) -> tuple[str, str]:
    """SQLAlchemy's URL, and what may be shown of it: never its password."""
    text = str(place)
    scheme, colon, rest = text.partition("://")
    if not colon:
        return f"sqlite:///{Path(text).absolute()}", text
    if scheme not in _DRIVERS:
        raise UsageError(
            f"a history cannot be kept in {scheme}://",
            hint="give a file, or postgresql://USER@HOST/DATABASE",
        )
    url = f"{_DRIVERS[scheme]}://{rest}"
    try:
        return url, make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        raise UsageError("this is no URL of a database", where=f"{scheme}://...") from None


def _set_up_sqlite(engine: Engine) -> None:
    """Transactions by hand, and a log that readers do not wait for."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        # The driver's own idea of when a transaction begins would let two writers read first.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")


class _Writer:
    """Writes nights within one transaction; names become numbers here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, nights: Sequence[NightRow]) -> int:
        unique = {night.identity: night for night in nights}
        known = self._numbers(NIGHTS, "identity", unique)
        new = [night for identity, night in unique.items() if identity not in known]
        if not new:
            return 0
        hosts = self._named(HOSTS, "name", {night.host: {} for night in new})
        places = self._named(ENVIRONMENTS, "facts", {_facts(night): {} for night in new})
        builds = self._builds([night.build for night in new if night.build])
        self._insert(NIGHTS, [_night(night, hosts, places, builds) for night in new])
        numbers = self._numbers(NIGHTS, "identity", [night.identity for night in new])
        tracks = self._tracks(new, hosts)
        rows = [
            _row(row, tracks[hosts[night.host], night.branch, night.flavor, row.benchmark], number)
            for night in new
            for number in [numbers[night.identity]]
            for row in night.rows
        ]
        # In the order of the table, which is many times faster than in that of the nights.
        self._insert(ROWS, sorted(rows, key=lambda row: (row["track_id"], row["night_id"])))
        self._insert(STANDINGS, [one for night in new for one in _standings(night, numbers)])
        self._insert(MISSING, [one for night in new for one in _missing(night, numbers)])
        return len(new)

    def _builds(self, builds: Sequence[BuildRow]) -> dict[str, int]:
        revisions = self._named(
            REVISIONS,
            "commit_id",
            {b.commit: {"version": b.version, "committed": _seconds(b.committed)} for b in builds},
        )
        values = {b.key: {"title": b.title, "revision_id": revisions[b.commit]} for b in builds}
        return self._named(BUILDS, "key", values)

    def _tracks(
        self, nights: Sequence[NightRow], hosts: Mapping[str, int]
    ) -> dict[tuple[int, str, str, str], int]:
        columns = [TRACKS.c.host_id, TRACKS.c.branch, TRACKS.c.flavor, TRACKS.c.benchmark]
        wanted = {
            (hosts[night.host], night.branch, night.flavor, row.benchmark): None
            for night in nights
            for row in night.rows
        }
        query = select(TRACKS.c.id, *columns).where(TRACKS.c.host_id.in_(set(hosts.values())))

        def there() -> dict[tuple[int, str, str, str], int]:
            return {tuple(rest): number for number, *rest in self._connection.execute(query)}

        known = there()
        names = [column.name for column in columns]
        new = [dict(zip(names, one, strict=True)) for one in wanted if one not in known]
        self._insert(TRACKS, new)
        return there() if new else known

    def _named(self, table: Table, column: str, values: Mapping[str, Record]) -> dict[str, int]:
        """The numbers of names; those that are not there yet are added with their values."""
        known = self._numbers(table, column, values)
        new = [{column: name, **rest} for name, rest in values.items() if name not in known]
        self._insert(table, new)
        return self._numbers(table, column, values) if new else known

    def _numbers(self, table: Table, column: str, names: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        rest = iter(names)
        while some := list(islice(rest, _AT_ONCE)):
            query = select(table.c[column], table.c.id).where(table.c[column].in_(some))
            found |= {one[0]: one.id for one in self._connection.execute(query)}
        return found

    def _insert(self, table: Table, records: Sequence[Record]) -> None:
        if records:
            self._connection.execute(table.insert().inline(), records)


def _night(
    night: NightRow, hosts: Mapping[str, int], places: Mapping[str, int], builds: Mapping[str, int]
) -> Record:
    return {
        "identity": night.identity,
        "host_id": hosts[night.host],
        "environment_id": places[_facts(night)],
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
    for against, one in ((LAST, night.last), (RELEASE, night.release)):
        if one is not None:
            yield {
                "night_id": numbers[night.identity],
                "against": against,
                "key": one.key,
                "title": one.title,
                **dict(_ratio("suite", one.suite)),
            }


def _missing(night: NightRow, numbers: Mapping[str, int]) -> Iterator[Record]:
    for benchmark, reason in night.missing.items():
        yield {"night_id": numbers[night.identity], "benchmark": benchmark, "reason": reason}
