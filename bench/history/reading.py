"""Read nights, releases side by side, and alarms from a history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select
from sqlalchemy import Row as Record

from bench.history import epochs
from bench.history.models import (
    LAST,
    RELEASE,
    VERDICTS,
    Alarm,
    BenchmarkRow,
    BuildRow,
    HistoryRatio,
    NightEntry,
    NightRow,
    NightSuite,
)
from bench.history.tables import (
    ALARMS,
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
from builder.errors import UsageError
from builder.versions import order


@dataclass(frozen=True, kw_only=True)
class LineKey:
    """One branch and flavor on one host; the argument of most functions here."""

    host: str
    branch: str
    flavor: str


@dataclass(frozen=True, kw_only=True)
class ReleaseTable:
    """Releases (or any builds) on one host: seconds by version and flavor, then benchmark.

    `columns` are (version, flavor), in the order of versions; their seconds are those of the newest
    night of each. Only nights with the host's newest facts are used, since seconds of other epochs
    are not comparable. `left_out` are columns that only older epochs have.
    """

    columns: tuple[tuple[str, str], ...]
    seconds: Mapping[tuple[str, str], Mapping[str, float]]
    left_out: tuple[tuple[str, str], ...]


def lines(connection: Connection) -> tuple[LineKey, ...]:
    """All lines that have a night, sorted."""
    query = (
        select(HOSTS.c.name, NIGHTS.c.branch, NIGHTS.c.flavor)
        .join_from(NIGHTS, HOSTS)
        .distinct()
        .order_by(HOSTS.c.name, NIGHTS.c.branch, NIGHTS.c.flavor)
    )
    return tuple(LineKey(host=h, branch=b, flavor=f) for h, b, f in connection.execute(query))


def nights(connection: Connection, line: LineKey) -> tuple[NightEntry, ...]:
    """All nights of a line in order of time, without their rows; `night_rows` reads those."""
    records = connection.execute(_listed(line)).all()
    facts_of = _facts(connection)
    facts = [facts_of[record.environment_id] for record in records]
    suites = _suites(connection, line)
    return tuple(
        NightEntry(
            number=record.id,
            night=_night(record, line, fact, suites.get(record.id, {})),
            epoch=epoch,
            benchmarks=record.benchmarks,
        )
        for record, fact, epoch in zip(records, facts, epochs.number(facts), strict=True)
    )


def night_rows(
    connection: Connection, number: int
) -> tuple[tuple[BenchmarkRow, ...], dict[str, str]]:
    """The rows of a night, by benchmark, and the reasons of missing benchmarks."""
    query = select(TRACKS.c.benchmark, ROWS).join_from(ROWS, TRACKS)
    query = query.where(ROWS.c.night_id == number).order_by(TRACKS.c.benchmark)
    rows = tuple(_row(record) for record in connection.execute(query))
    missing_query = select(MISSING.c.benchmark, MISSING.c.reason).where(
        MISSING.c.night_id == number
    )
    ordered = missing_query.order_by(MISSING.c.benchmark)
    return rows, {record.benchmark: record.reason for record in connection.execute(ordered)}


def missing(connection: Connection, line: LineKey) -> dict[int, dict[str, str]]:
    """The missing benchmarks of a line with reasons, by the number of the night."""
    query = select(MISSING).join_from(MISSING, NIGHTS).where(_nights_of(line))
    reasons: dict[int, dict[str, str]] = {}
    for record in connection.execute(query.order_by(MISSING.c.benchmark)):
        reasons.setdefault(record.night_id, {})[record.benchmark] = record.reason
    return reasons


def benchmarks(connection: Connection, line: LineKey) -> tuple[str, ...]:
    """All benchmarks of a line, sorted."""
    query = select(TRACKS.c.benchmark).where(of_line(line)).order_by(TRACKS.c.benchmark)
    return tuple(connection.execute(query).scalars())


def releases(connection: Connection, host: str) -> ReleaseTable:
    """The seconds of each version and flavor on a host, side by side."""
    query = (
        select(NIGHTS.c.id, NIGHTS.c.flavor, NIGHTS.c.environment_id, REVISIONS.c.version)
        .select_from(NIGHTS)
        .join(HOSTS)
        .join(BUILDS, BUILDS.c.id == NIGHTS.c.build_id)
        .join(REVISIONS)
        .where(HOSTS.c.name == host, NIGHTS.c.benchmarks > 0)
        .order_by(NIGHTS.c.moment, NIGHTS.c.id)
    )
    records = connection.execute(query).all()
    facts_of, newest = _facts(connection), {}
    for record in records:
        # The compiler is part of the build that is compared here, not of the host.
        newest[record.version, record.flavor] = (
            record.id,
            _host_facts(facts_of[record.environment_id]),
        )
    current_facts = _host_facts(facts_of[records[-1].environment_id]) if records else {}
    columns = sorted(newest, key=lambda column: (order(column[0]), column[1]))
    comparable = tuple(column for column in columns if newest[column][1] == current_facts)
    return ReleaseTable(
        columns=comparable,
        seconds={
            column: {
                row.benchmark: row.mean for row in night_rows(connection, newest[column][0])[0]
            }
            for column in comparable
        },
        left_out=tuple(column for column in columns if newest[column][1] != current_facts),
    )


def add_alarms(connection: Connection, alarms: Sequence[Alarm]) -> None:
    """Store alarms; one of the same series and start is replaced, since its state may have changed.

    In a transaction of the caller. UsageError for a benchmark that its line never had.
    """
    for alarm in alarms:
        line = LineKey(host=alarm.host, branch=alarm.branch, flavor=alarm.flavor)
        query = select(TRACKS.c.id).where(of_line(line), TRACKS.c.benchmark == alarm.benchmark)
        track = connection.execute(query).scalar()
        if track is None:
            raise UsageError(
                f"the history has no benchmark {alarm.benchmark} in this line", where=str(line)
            )
        same = and_(ALARMS.c.track_id == track, ALARMS.c.start_id == alarm.start)
        connection.execute(ALARMS.delete().where(same))
        connection.execute(
            ALARMS.insert().values(
                track_id=track,
                start_id=alarm.start,
                night_id=alarm.night,
                ratio=alarm.ratio,
                low=alarm.low,
                high=alarm.high,
                state=alarm.state,
            )
        )


def alarms(connection: Connection, line: LineKey) -> tuple[Alarm, ...]:
    """The alarms of a line in the order in which they were raised."""
    query = select(TRACKS.c.benchmark, ALARMS).join_from(ALARMS, TRACKS)
    query = query.join(NIGHTS, NIGHTS.c.id == ALARMS.c.night_id).where(of_line(line))
    ordered = query.order_by(NIGHTS.c.moment, ALARMS.c.id)
    return tuple(
        Alarm(
            host=line.host,
            branch=line.branch,
            flavor=line.flavor,
            benchmark=record.benchmark,
            start=record.start_id,
            night=record.night_id,
            ratio=record.ratio,
            low=record.low,
            high=record.high,
            state=record.state,
        )
        for record in connection.execute(ordered)
    )


def count(connection: Connection) -> tuple[int, int]:
    """The numbers of nights and of rows."""
    counted = [select(func.count()).select_from(table) for table in (NIGHTS, ROWS)]
    nights_, rows = (connection.execute(query).scalar_one() for query in counted)
    return nights_, rows


def everything(connection: Connection) -> Iterator[NightRow]:
    """All nights with their rows, line by line, in order of time; for an export."""
    for line in lines(connection):
        for entry in nights(connection, line):
            rows, reasons = night_rows(connection, entry.number)
            yield NightRow(**{**vars(entry.night), "rows": rows, "missing": reasons})


def _nights_of(line: LineKey) -> Any:
    host = select(HOSTS.c.id).where(HOSTS.c.name == line.host).scalar_subquery()
    same = NIGHTS.c.branch == line.branch, NIGHTS.c.flavor == line.flavor
    return and_(*same, NIGHTS.c.host_id == host)


def of_line(line: LineKey) -> Any:
    """The SQL condition that a track is of this line."""
    host = select(HOSTS.c.id).where(HOSTS.c.name == line.host).scalar_subquery()
    same = TRACKS.c.branch == line.branch, TRACKS.c.flavor == line.flavor
    return and_(*same, TRACKS.c.host_id == host)


def _listed(line: LineKey) -> Select[Any]:
    return (
        select(
            NIGHTS,
            BUILDS.c.key,
            BUILDS.c.title,
            REVISIONS.c.commit_id,
            REVISIONS.c.version,
            REVISIONS.c.committed,
        )
        .select_from(NIGHTS)
        .outerjoin(BUILDS, BUILDS.c.id == NIGHTS.c.build_id)
        .outerjoin(REVISIONS, REVISIONS.c.id == BUILDS.c.revision_id)
        .where(_nights_of(line))
        .order_by(NIGHTS.c.moment, NIGHTS.c.id)
    )


def _facts(connection: Connection) -> dict[int, dict[str, str]]:
    query = select(ENVIRONMENTS.c.id, ENVIRONMENTS.c.facts)
    return {number: json.loads(facts) for number, facts in connection.execute(query)}


def _host_facts(facts: Mapping[str, str]) -> dict[str, str]:
    return {fact: value for fact, value in facts.items() if fact != "compiler"}


def _suites(connection: Connection, line: LineKey) -> dict[int, dict[str, NightSuite]]:
    query = select(STANDINGS).join_from(STANDINGS, NIGHTS).where(_nights_of(line))
    suites: dict[int, dict[str, NightSuite]] = {}
    for record in connection.execute(query):
        suite = NightSuite(key=record.key, title=record.title, suite=_ratio(record, "suite"))
        suites.setdefault(record.night_id, {})[record.against] = suite
    return suites


def _night(
    record: Record[Any], line: LineKey, facts: Mapping[str, str], suites: Mapping[str, NightSuite]
) -> NightRow:
    build = None
    if record.key is not None:
        build = BuildRow(
            key=record.key,
            commit=record.commit_id,
            version=record.version,
            title=record.title,
            committed=None if record.committed is None else _moment(record.committed),
        )
    return NightRow(
        identity=record.identity,
        host=line.host,
        branch=line.branch,
        flavor=line.flavor,
        when=_moment(record.moment),
        facts=facts,
        build=build,
        state=record.state,
        reason=record.reason,
        origin=record.origin,
        folder=record.folder,
        last=suites.get(LAST),
        release=suites.get(RELEASE),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _row(record: Record[Any]) -> BenchmarkRow:
    return BenchmarkRow(
        benchmark=record.benchmark,
        mean=record.mean,
        rsd=record.rsd,
        processes=record.processes,
        last=_ratio(record, LAST),
        release=_ratio(record, RELEASE),
    )


def _ratio(record: Record[Any], prefix: str) -> HistoryRatio | None:
    values = record._mapping
    if values[f"{prefix}_ratio"] is None:
        return None
    parts = ("ratio", "low", "high", "low95", "high95", "blocks")
    figures = {part: values[f"{prefix}_{part}"] for part in parts}
    return HistoryRatio(**figures, verdict=VERDICTS[values[f"{prefix}_verdict"]])
