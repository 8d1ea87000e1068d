"""The schema's version, and the steps from every older version to it.

Eight tables that only grow need no framework: a step is a function of a connection, and all steps
that a database lacks run in one transaction together with the new version's number, so the database
has either the old schema or the new one. Two programs that open it at the same time wait for each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, inspect, text

from bench.history.tables import METADATA, VERSION
from builder.errors import StoreError

Step = Callable[[Connection], None]
# Any number that no other program on the same server is likely to lock.
_LOCK = 7_272_447


def _alarms(connection: Connection) -> None:
    """1 to 2: alarms are stored, so that none is reported twice."""
    key = "SERIAL" if connection.dialect.name == "postgresql" else "INTEGER NOT NULL"
    real = "FLOAT"
    connection.execute(
        text(
            f"""CREATE TABLE alarms (
                id {key} PRIMARY KEY,
                track_id INTEGER NOT NULL REFERENCES tracks (id),
                start_id INTEGER NOT NULL REFERENCES nights (id),
                night_id INTEGER NOT NULL REFERENCES nights (id),
                ratio {real} NOT NULL, low {real} NOT NULL, high {real} NOT NULL,
                state TEXT NOT NULL,
                CONSTRAINT alarms_once UNIQUE (track_id, start_id))"""
        )
    )


# The step from each version to the next. A released step is never changed; it has its own SQL,
# since tables.py has the newest schema.
STEPS: Mapping[int, Step] = {1: _alarms}
CURRENT = max(STEPS) + 1


def prepare(connection: Connection, where: str) -> int:
    """Create the tables, or bring them up to date; the version found, 0 if there were none.

    Call it in a transaction and commit that. StoreError for a database of a newer patchbench, or
    one with other tables of these names.
    """
    exclude_others(connection)
    tables = set(inspect(connection).get_table_names())
    if VERSION.name not in tables:
        if clash := sorted(tables & set(METADATA.tables)):
            raise StoreError(
                f"the database has tables that are not of a history: {', '.join(clash)}",
                where=where,
                hint="use a separate database for the history",
            )
        METADATA.create_all(connection)
        connection.execute(VERSION.insert().values(version=CURRENT))
        return 0
    stored = connection.execute(VERSION.select()).scalar_one()
    if stored > CURRENT or stored < min(STEPS):
        raise StoreError(
            f"the history has schema {stored}; this patchbench reads {min(STEPS)} to {CURRENT}",
            where=where,
            hint="use the patchbench that wrote it, or a newer one",
        )
    for version in range(stored, CURRENT):
        STEPS[version](connection)
    if stored != CURRENT:
        connection.execute(VERSION.update().values(version=CURRENT))
    return int(stored)


def exclude_others(connection: Connection, patience: int = 60) -> None:
    """Wait until no other transaction writes, at most `patience` seconds, and keep others out until
    this one ends: what it finds missing, it alone adds.

    SQLite's transactions begin with a lock already, see `bench.history.store`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{patience}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
