"""Every history test runs on SQLite, and once more, marked slow, on a PostgreSQL of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.history.store import History

PACKAGE = "PostgreSQL's server is not here: install the Debian package postgresql"


def _programs() -> Path | None:
    """The folder of the newest server; Debian keeps them out of PATH."""
    initdbs = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    if initdbs:
        return initdbs[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).parent if elsewhere else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes an empty database and gives its URL: a server on loopback, of no user's own.

    The server refuses to run as root; as root it is started as user nobody.
    """
    programs = _programs()
    if programs is None:
        pytest.skip(PACKAGE)
    place = tmp_path_factory.mktemp("postgresql")
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        # pytest's folders are for their owner alone: one that nobody can reach.
        place = Path(tempfile.mkdtemp(prefix="patchbench-postgresql-", dir="/tmp"))
        nobody = pwd.getpwnam("nobody")
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def call(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=120,
            **owner,
        )

    port, made = _free_port(), 0
    data = str(place / "data")
    server = f"-c listen_addresses=127.0.0.1 -p {port} -k {place} -c fsync=off"

    def database() -> str:
        nonlocal made
        made += 1
        call("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "nights", f"d{made}")
        return f"postgresql://nights@127.0.0.1:{port}/d{made}"

    try:
        call("initdb", "-D", data, "-U", "nights", "-A", "trust", "-E", "UTF8", "--no-sync")
        call("pg_ctl", "-D", data, "-w", "-l", str(place / "log"), "-o", server, "start")
        try:
            yield database
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        if owner:
            shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty history may be made."""
    if request.param == "sqlite":
        return str(tmp_path / "history.db")
    new: Callable[[], str] = request.getfixturevalue("postgresql")
    return new()


@pytest.fixture
def history(place: str) -> Iterator[History]:
    """An empty history."""
    with History.open(place) as opened:
        yield opened
