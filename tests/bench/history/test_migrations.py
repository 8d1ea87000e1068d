"""Histories of older patchbenches: version 1 as it was, to the letter, becomes today's."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, inspect, text

from bench.history import migrations, reading
from bench.history.migrations import CURRENT
from bench.history.store import History
from builder.errors import StoreError
from tests.bench.history import made_up

RATIO = "{0}_ratio FLOAT, {0}_low FLOAT, {0}_high FLOAT, {0}_low95 FLOAT, {0}_high95 FLOAT, "
RATIO += "{0}_verdict SMALLINT, {0}_blocks INTEGER"
# Never to be changed: this is what lies on disks.
VERSION_1 = f"""
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE hosts (id ID, name TEXT NOT NULL UNIQUE);
CREATE TABLE environments (id ID, facts TEXT NOT NULL UNIQUE);
CREATE TABLE revisions (id ID, commit_id TEXT NOT NULL UNIQUE, version TEXT NOT NULL,
    committed BIGINT);
CREATE TABLE builds (id ID, key TEXT NOT NULL UNIQUE,
    revision_id INTEGER NOT NULL REFERENCES revisions (id), title TEXT NOT NULL);
CREATE TABLE nights (id ID, identity TEXT NOT NULL UNIQUE,
    host_id INTEGER NOT NULL REFERENCES hosts (id),
    environment_id INTEGER NOT NULL REFERENCES environments (id),
    build_id INTEGER REFERENCES builds (id), branch TEXT NOT NULL, flavor TEXT NOT NULL,
    moment BIGINT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, origin TEXT NOT NULL,
    folder TEXT NOT NULL, benchmarks INTEGER NOT NULL);
CREATE INDEX nights_by_branch ON nights (branch, flavor, host_id, moment);
CREATE TABLE standings (night_id INTEGER NOT NULL REFERENCES nights (id), against TEXT NOT NULL,
    key TEXT NOT NULL, title TEXT NOT NULL, {RATIO.format("suite")},
    PRIMARY KEY (night_id, against));
CREATE TABLE tracks (id ID, host_id INTEGER NOT NULL REFERENCES hosts (id), branch TEXT NOT NULL,
    flavor TEXT NOT NULL, benchmark TEXT NOT NULL,
    CONSTRAINT tracks_once UNIQUE (host_id, branch, flavor, benchmark));
CREATE TABLE rows (track_id INTEGER NOT NULL REFERENCES tracks (id),
    night_id INTEGER NOT NULL REFERENCES nights (id), mean FLOAT NOT NULL, rsd FLOAT,
    processes INTEGER NOT NULL, {RATIO.format("last")}, {RATIO.format("release")},
    PRIMARY KEY (track_id, night_id));
CREATE INDEX rows_by_night ON rows (night_id);
CREATE TABLE missing (night_id INTEGER NOT NULL REFERENCES nights (id), benchmark TEXT NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (night_id, benchmark));
INSERT INTO schema_version VALUES (1);
INSERT INTO hosts (name) VALUES ('h');
INSERT INTO environments (facts) VALUES ('{{}}');
INSERT INTO revisions (commit_id, version, committed) VALUES ('abc', '3.13.0', NULL);
INSERT INTO builds (key, revision_id, title) VALUES ('k', 1, 'plain');
INSERT INTO nights (identity, host_id, environment_id, build_id, branch, flavor, moment, state,
    reason, origin, folder, benchmarks)
    VALUES ('old', 1, 1, 1, 'main', 'plain', 1700000000, 'measured', '', 'session', '', 1);
INSERT INTO tracks (host_id, branch, flavor, benchmark) VALUES (1, 'main', 'plain', 'nbody');
INSERT INTO rows (track_id, night_id, mean, rsd, processes) VALUES (1, 1, 0.25, 0.01, 12)
"""


def write_version_1(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history of version 1, with a night."""

    def first(connection: Connection, where: str) -> int:
        own = connection.dialect.name == "postgresql"
        key = "SERIAL PRIMARY KEY" if own else "INTEGER NOT NULL PRIMARY KEY"
        for statement in VERSION_1.split(";"):
            flat = "" if own or "TABLE rows" not in statement else " WITHOUT ROWID"
            connection.execute(text(statement.replace(" (id ID,", f" (id {key},") + flat))
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "prepare", first)
        History.open(place).close()


def shape(history: History) -> dict[str, object]:
    """Tables with their columns, keys and indices."""
    with history.connect() as connection:
        look = inspect(connection)
        return {
            table: (
                {c["name"]: (str(c["type"]), c["nullable"]) for c in look.get_columns(table)},
                look.get_pk_constraint(table)["constrained_columns"],
                sorted(
                    (key["constrained_columns"], key["referred_table"])
                    for key in look.get_foreign_keys(table)
                ),
                sorted(map(str, (i["column_names"] for i in look.get_indexes(table)))),
                sorted(map(str, (u["column_names"] for u in look.get_unique_constraints(table)))),
            )
            for table in look.get_table_names()
        }


def version(history: History) -> int:
    with history.connect() as connection:
        return int(connection.execute(text("SELECT version FROM schema_version")).scalar_one())


def test_version_1_becomes_todays_and_keeps_its_nights(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_version_1(place, monkeypatch)
    with History.open(place) as history:
        assert version(history) == CURRENT
        history.add_nights(made_up.history(1, 1))
        with history.connect() as connection:
            (old,) = (night for night in reading.everything(connection) if night.identity == "old")
        assert (old.rows[0].benchmark, old.rows[0].mean) == ("nbody", 0.25)
        upgraded = shape(history)
        if place.startswith("postgresql"):
            return
        with History.open(tmp_path_factory.mktemp("new") / "new.db") as new:
            assert upgraded == shape(new)


def test_a_step_that_fails_leaves_the_old_version_whole(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version_1(place, monkeypatch)

    def half(connection: Connection) -> None:
        migrations._alarms(connection)
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "STEPS", {1: half})
        with pytest.raises(RuntimeError):
            History.open(place)
    with History.open(place) as history:
        assert version(history) == CURRENT


@pytest.mark.parametrize("number", [0, CURRENT + 1])
def test_a_version_of_the_future_is_refused_and_left_alone(place: str, number: int) -> None:
    with History.open(place) as history, history.begin() as connection:
        connection.execute(text(f"UPDATE schema_version SET version = {number}"))
    with pytest.raises(StoreError, match=f"has schema {number}"):
        History.open(place)
