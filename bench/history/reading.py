"""What is read out of a history: nights, releases side by side, alarms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select
from sqlalchemy import Row as Found

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


@dataclass(frozen=True, kw_only=True)
class LineKey:
    """One branch and flavor on one host: what `nights` is asked about."""

    host: str
    branch: str
    flavor: str


@dataclass(frozen=True, kw_only=True)
class ReleaseTable:
    """Releases (or whatever builds) on one host: seconds by version and flavor, then benchmark.

    `columns` are (version, flavor), in the order of versions; the newest night of each counts, and
    only nights of the host's newest facts, since seconds of other epochs are not comparable.
    `left_out` are columns that only older epochs have.
    """

    columns: tuple[tuple[str, str], ...]
    seconds: Mapping[tuple[str, str], Mapping[str, float]]
    left_out: tuple[tuple[str, str], ...]


def lines(connection: Connection) -> tuple[LineKey, ...]:
    """Every host, branch and flavor of which there is a night, sorted."""
    query = (
        select(HOSTS.c.name, NIGHTS.c.branch, NIGHTS.c.flavor)
        .join_from(NIGHTS, HOSTS)
        .distinct()
        .order_by(HOSTS.c.name, NIGHTS.c.branch, NIGHTS.c.flavor)
    )
    return tuple(LineKey(host=h, branch=b, flavor=f) for h, b, f in connection.execute(query))


def nights(connection: Connection, line: LineKey) -> tuple[NightEntry, ...]:
    """All nights of a line in order of time, without their rows: `night` gives those of one."""
    found = connection.execute(_listed(line)).all()
    places = _facts(connection)
    facts = [places[one.environment_id] for one in found]
    standings = _standings(connection, line)
    return tuple(
        NightEntry(
            number=one.id,
            night=_night(one, line, fact, standings.get(one.id, {})),
            epoch=epoch,
            benchmarks=one.benchmarks,
        )
        for one, fact, epoch in zip(found, facts, epochs.number(facts), strict=True)
    )


def night_rows(
    connection: Connection, number: int
) -> tuple[tuple[BenchmarkRow, ...], dict[str, str]]:
    """The rows of a night, by benchmark, and what is missing with its reason."""
    query = select(TRACKS.c.benchmark, ROWS).join_from(ROWS, TRACKS)
    query = query.where(ROWS.c.night_id == number).order_by(TRACKS.c.benchmark)
    rows = tuple(_row(one) for one in connection.execute(query))
    lacking = select(MISSING.c.benchmark, MISSING.c.reason).where(MISSING.c.night_id == number)
    ordered = lacking.order_by(MISSING.c.benchmark)
    return rows, {one.benchmark: one.reason for one in connection.execute(ordered)}


def missing(connection: Connection, line: LineKey) -> dict[int, dict[str, str]]:
    """What is missing in the nights of a line, by the night's number: benchmarks with reasons."""
    query = select(MISSING).join_from(MISSING, NIGHTS).where(_nights_of(line))
    found: dict[int, dict[str, str]] = {}
    for one in connection.execute(query.order_by(MISSING.c.benchmark)):
        found.setdefault(one.night_id, {})[one.benchmark] = one.reason
    return found


def benchmarks(connection: Connection, line: LineKey) -> tuple[str, ...]:
    """The benchmarks that a line ever had, sorted."""
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
    found = connection.execute(query).all()
    places, newest = _facts(connection), {}
    for one in found:
        # The compiler belongs to the build that is compared here, not to where it is measured.
        newest[one.version, one.flavor] = one.id, _where(places[one.environment_id])
    now = _where(places[found[-1].environment_id]) if found else {}
    columns = sorted(newest, key=lambda column: (_version_order(column[0]), column[1]))
    comparable = tuple(one for one in columns if newest[one][1] == now)
    return ReleaseTable(
        columns=comparable,
        seconds={
            one: {row.benchmark: row.mean for row in night_rows(connection, newest[one][0])[0]}
            for one in comparable
        },
        left_out=tuple(one for one in columns if newest[one][1] != now),
    )


def add_alarms(connection: Connection, alarms: Sequence[Alarm]) -> None:
    """Keep alarms; one of the same series and start is replaced: its state goes on.

    In a transaction of the caller's. UsageError for a benchmark that its line never had.
    """
    for alarm in alarms:
        line = LineKey(host=alarm.host, branch=alarm.branch, flavor=alarm.flavor)
        query = select(TRACKS.c.id).where(of_line(line), TRACKS.c.benchmark == alarm.benchmark)
        track = connection.execute(query).scalar()
        if track is None:
            raise UsageError(
                f"the history has no benchmark {alarm.benchmark} there", where=str(line)
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
            benchmark=one.benchmark,
            start=one.start_id,
            night=one.night_id,
            ratio=one.ratio,
            low=one.low,
            high=one.high,
            state=one.state,
        )
        for one in connection.execute(ordered)
    )


def count(connection: Connection) -> tuple[int, int]:
    """How many nights and rows there are."""
    counted = [select(func.count()).select_from(table) for table in (NIGHTS, ROWS)]
    nights_, rows = (connection.execute(query).scalar_one() for query in counted)
    return nights_, rows


def everything(connection: Connection) -> Iterator[NightRow]:
    """All nights with their rows, line by line, in order of time: for an export."""
    for line in lines(connection):
        for entry in nights(connection, line):
            rows, lacking = night_rows(connection, entry.number)
            yield NightRow(**{**vars(entry.night), "rows": rows, "missing": lacking})


def _nights_of(line: LineKey) -> Any:
    host = select(HOSTS.c.id).where(HOSTS.c.name == line.host).scalar_subquery()
    same = NIGHTS.c.branch == line.branch, NIGHTS.c.flavor == line.flavor
    return and_(*same, NIGHTS.c.host_id == host)


def of_line(line: LineKey) -> Any:
    """The condition that a track is of this line."""
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


def _where(facts: Mapping[str, str]) -> dict[str, str]:
    return {fact: value for fact, value in facts.items() if fact != "compiler"}


def _version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """2.7.18 before 3.9 before 3.13.0a1 before 3.13.0: numbers as numbers, the rest before them."""
    from packaging.version import InvalidVersion, Version

    try:
        known = Version(version)
    except InvalidVersion:
        return ((0, 0, version),)
    kind, serial = known.pre or ("z", 0)
    return (*((1, part, "") for part in known.release), (0 if known.pre else 1, serial, kind))


def _standings(connection: Connection, line: LineKey) -> dict[int, dict[str, NightSuite]]:
    query = select(STANDINGS).join_from(STANDINGS, NIGHTS).where(_nights_of(line))
    found: dict[int, dict[str, NightSuite]] = {}
    for one in connection.execute(query):
        standing = NightSuite(key=one.key, title=one.title, suite=_ratio(one, "suite"))
        found.setdefault(one.night_id, {})[one.against] = standing
    return found


def _night(
    one: Found[Any], line: LineKey, facts: Mapping[str, str], standings: Mapping[str, NightSuite]
) -> NightRow:
    build = None
    if one.key is not None:
        build = BuildRow(
            key=one.key,
            commit=one.commit_id,
            version=one.version,
            title=one.title,
            committed=None if one.committed is None else _moment(one.committed),
        )
    return NightRow(
        identity=one.identity,
        host=line.host,
        branch=line.branch,
        flavor=line.flavor,
        when=_moment(one.moment),
        facts=facts,
        build=build,
        state=one.state,
        reason=one.reason,
        origin=one.origin,
        folder=one.folder,
        last=standings.get(LAST),
        release=standings.get(RELEASE),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _row(one: Found[Any]) -> BenchmarkRow:
    return BenchmarkRow(
        benchmark=one.benchmark,
        mean=one.mean,
        rsd=one.rsd,
        processes=one.processes,
        last=_ratio(one, LAST),
        release=_ratio(one, RELEASE),
    )


def _ratio(one: Found[Any], prefix: str) -> HistoryRatio | None:
    values = one._mapping
    if values[f"{prefix}_ratio"] is None:
        return None
    parts = ("ratio", "low", "high", "low95", "high95", "blocks")
    known = {part: values[f"{prefix}_{part}"] for part in parts}
    return HistoryRatio(**known, verdict=VERDICTS[values[f"{prefix}_verdict"]])
