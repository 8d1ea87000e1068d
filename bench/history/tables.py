"""The tables of a history in the newest schema; `bench.history.migrations` updates older ones.

`rows` is the largest table: ten years, 100 benchmarks and 4 flavors are 1.46 million rows. It is
clustered by what is read most, one benchmark of one branch and flavor on one host (a `track`), so
that a series is contiguous on disk; an index gives a night's rows. All other values are stored once
and referred to by id. Moments are seconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

# One row: the version of the schema.
VERSION = Table("schema_version", METADATA, Column("version", Integer, nullable=False))

HOSTS = Table(
    "hosts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

# The facts that host epochs depend on, as JSON with sorted keys. Epochs are not stored: they follow
# from the order of the nights, which an import may change.
ENVIRONMENTS = Table(
    "environments",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("facts", Text, nullable=False, unique=True),
)

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("commit_id", Text, nullable=False, unique=True),
    Column("version", Text, nullable=False),
    Column("committed", BigInteger),
)

BUILDS = Table(
    "builds",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("revision_id", ForeignKey("revisions.id"), nullable=False),
    Column("title", Text, nullable=False),
)

NIGHTS = Table(
    "nights",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    Column("host_id", ForeignKey("hosts.id"), nullable=False),
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("build_id", ForeignKey("builds.id")),
    Column("branch", Text, nullable=False),
    Column("flavor", Text, nullable=False),
    Column("moment", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("benchmarks", Integer, nullable=False),
    Index("nights_by_branch", "branch", "flavor", "host_id", "moment"),
)


def _ratio(prefix: str) -> list[Column[object]]:
    """The columns of a comparison; all null if there is none."""
    return [
        Column(f"{prefix}_ratio", Float),
        Column(f"{prefix}_low", Float),
        Column(f"{prefix}_high", Float),
        Column(f"{prefix}_low95", Float),
        Column(f"{prefix}_high95", Float),
        Column(f"{prefix}_verdict", SmallInteger),
        Column(f"{prefix}_blocks", Integer),
    ]


STANDINGS = Table(
    "standings",
    METADATA,
    Column("night_id", ForeignKey("nights.id"), primary_key=True, autoincrement=False),
    Column("against", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("title", Text, nullable=False),
    *_ratio("suite"),
)

TRACKS = Table(
    "tracks",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("host_id", ForeignKey("hosts.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("flavor", Text, nullable=False),
    Column("benchmark", Text, nullable=False),
    UniqueConstraint("host_id", "branch", "flavor", "benchmark", name="tracks_once"),
)

ROWS = Table(
    "rows",
    METADATA,
    Column("track_id", ForeignKey("tracks.id"), primary_key=True, autoincrement=False),
    Column("night_id", ForeignKey("nights.id"), primary_key=True, autoincrement=False),
    Column("mean", Float, nullable=False),
    Column("rsd", Float),
    Column("processes", Integer, nullable=False),
    *_ratio("last"),
    *_ratio("release"),
    Index("rows_by_night", "night_id"),
    sqlite_with_rowid=False,
)

MISSING = Table(
    "missing",
    METADATA,
    Column("night_id", ForeignKey("nights.id"), primary_key=True, autoincrement=False),
    Column("benchmark", Text, primary_key=True),
    Column("reason", Text, nullable=False),
)

# Since version 2.
ALARMS = Table(
    "alarms",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("track_id", ForeignKey("tracks.id"), nullable=False),
    Column("start_id", ForeignKey("nights.id"), nullable=False),
    Column("night_id", ForeignKey("nights.id"), nullable=False),
    Column("ratio", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("state", Text, nullable=False),
    UniqueConstraint("track_id", "start_id", name="alarms_once"),
)
