"""The schema's version, and the way from every older one to it.

Eight tables that only grow need no framework: a step is a function that is given a connection, and
all steps that a database lacks run in one transaction with the new version's number, so that it is
either as it was or as it should be. Two programs that open it at the same time wait for each other.
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
    """1 to 2: alarms are kept, so that no one is told twice."""
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


# From which version: the step to the next. A step is never changed once it was released: it has its
# own SQL, since tables.py goes on.
STEPS: Mapping[int, Step] = {1: _alarms}
CURRENT = max(STEPS) + 1


def prepare(connection: Connection, where: str) -> int:
    """Make the tables, or bring them up to date; the version that was there, 0 for none.

    To be called in a transaction that the caller commits. StoreError for a database of a newer
    patchbench, or one with other tables of these names.
    """
    _exclude_others(connection)
    tables = set(inspect(connection).get_table_names())
    if VERSION.name not in tables:
        if clash := sorted(tables & set(METADATA.tables)):
            raise StoreError(
                f"the database has tables that are not of a history: {', '.join(clash)}",
                where=where,
                hint="give a database of its own",
            )
        METADATA.create_all(connection)
        connection.execute(VERSION.insert().values(version=CURRENT))
        return 0
    found = connection.execute(VERSION.select()).scalar_one()
    if found > CURRENT or found < min(STEPS):
        raise StoreError(
            f"the history has schema {found}; this patchbench knows {min(STEPS)} to {CURRENT}",
            where=where,
            hint="use the patchbench that wrote it, or a newer one",
        )
    for version in range(found, CURRENT):
        STEPS[version](connection)
    if found != CURRENT:
        connection.execute(VERSION.update().values(version=CURRENT))
    return int(found)


def _exclude_others(connection: Connection) -> None:
    """SQLite's transactions are begun with a lock already, see `bench.history.store`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
