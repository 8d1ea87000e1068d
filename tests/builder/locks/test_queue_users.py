"""The queue of a lock between processes of two users: who is next, and who is named."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.errors import BusyError
from builder.files import user_name
from builder.locks import LockOrder, Queue
from tests.builder.locks.workers import USERS, Worker, needs_root, shared_folder

Start = Callable[..., Worker]

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    workers: list[Worker] = []

    def started(user: int = USERS[0], umask: int = 0o077) -> Worker:
        workers.append(Worker(folder, user, umask))
        return workers[-1]

    yield started
    for worker in workers:
        worker.close()


def host(folder: Path, *, shared: bool = False) -> tuple[str, str, bool, str]:
    return str(folder / "host.lock"), "HOST", shared, "builds" if shared else "measures"


def work(folder: Path) -> tuple[str, str, bool, str]:
    return str(folder / "work"), "WORK", False, "builds in the same home"


def tickets(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in (folder / "host.queue").iterdir())


def busy(folder: Path) -> Any:
    return Queue(folder=folder / "host.queue").hold(
        folder / "host.lock",
        order=LockOrder.HOST,
        doing="measures",
        say=lambda _text: None,
        refuse=BusyError,
    )


@needs_root
@pytest.mark.parametrize("umask", [0o077, 0o022, 0o777])
def test_the_first_user_shuts_nobody_out(folder: Path, start: Start, umask: int) -> None:
    first, second = start(USERS[0], umask), start(USERS[1], umask)
    first.ask(host(folder))
    first.comes_to("holds 0")
    second.ask(host(folder))
    assert f"of {user_name(USERS[0])}" in second.waits()
    first.release()
    second.comes_to("holds 0")
    assert (folder / "host.lock").stat().st_mode & 0o777 == 0o644
    assert (folder / "host.queue").stat().st_mode & 0o7777 == 0o1777


def test_one_who_waits_to_measure_is_overtaken_by_no_build(folder: Path, start: Start) -> None:
    building, measuring, late = start(USERS[0]), start(USERS[1]), start(USERS[0])
    building.ask(host(folder, shared=True))
    building.comes_to("holds 0")
    measuring.ask(host(folder))
    measuring.waits()
    late.ask(host(folder, shared=True))
    assert late.waits().endswith("; 1 more is before us.")
    building.release()
    measuring.comes_to("holds 0")
    measuring.release()
    late.comes_to("holds 0")
    assert tickets(folder) == ["00000003.shared.holding"]


def test_a_build_that_waits_for_its_home_does_not_hold_the_host(folder: Path, start: Start) -> None:
    building, waiting, measuring = (start() for _ in range(3))
    building.ask(work(folder))  # in the home, and not on the host: as between two locks
    building.comes_to("holds 0")
    waiting.ask(work(folder), host(folder, shared=True))
    assert "builds in the same home since" in waiting.waits()
    measuring.ask(host(folder))
    measuring.comes_to("holds 0")


def test_who_waits_is_told_for_whom_and_again_when_that_changes(folder: Path, start: Start) -> None:
    first, second, third = start(USERS[0]), start(USERS[1]), start(USERS[0])
    first.ask(host(folder, shared=True))
    first.comes_to("holds 0")
    second.ask(host(folder))
    said = second.waits()
    assert said.startswith(f"Waiting for `patchbench run fix.toml` of {user_name(USERS[0])}")
    assert ", which builds since " in said
    third.ask(host(folder))
    third.waits()
    first.release()
    second.comes_to("holds 0")
    assert f"of {user_name(USERS[1])}" in third.waits()
    assert "which measures since" in third.says[-1]
    second.release()
    third.comes_to("holds 0")
    assert len(third.says) == 2


@pytest.mark.parametrize("stage", ["waiting", "holding"])
def test_whoever_is_killed_is_in_nobodys_way(folder: Path, start: Start, stage: str) -> None:
    holder, killed, last = start(USERS[0]), start(USERS[0]), start(USERS[1])
    if stage == "waiting":
        holder.ask(host(folder, shared=True))
        holder.comes_to("holds 0")
    killed.ask(host(folder))
    killed.comes_to("holds 0") if stage == "holding" else killed.waits()
    last.ask(host(folder, shared=True))
    last.waits()
    killed.kill()
    last.comes_to("holds 0")


def test_an_interrupt_while_waiting_takes_the_ticket_back(folder: Path, start: Start) -> None:
    holder, waiting, late = (start() for _ in range(3))
    holder.ask(host(folder, shared=True))
    holder.comes_to("holds 0")
    waiting.ask(host(folder))
    waiting.waits()
    late.ask(host(folder, shared=True))
    late.waits()
    waiting.interrupt()
    late.comes_to("holds 0")
    assert tickets(folder) == ["00000001.shared.holding", "00000003.shared.holding"]


def test_who_does_not_wait_is_told_who_is_there(folder: Path, start: Start) -> None:
    holder = start(USERS[1])
    holder.ask(host(folder, shared=True))
    holder.comes_to("holds 0")
    with pytest.raises(BusyError, match=f"of {user_name(USERS[1])} .*, which builds"), busy(folder):
        pass
    assert len(tickets(folder)) == 1


@needs_root
def test_a_closed_lock_of_an_older_version_is_opened_as_the_hint_says(
    folder: Path, start: Start
) -> None:
    path = folder / "host.lock"
    path.touch()
    path.chmod(0o600)
    os.chown(path, USERS[0], USERS[0])
    worker = start(USERS[1])
    worker.ask(host(folder))
    said = worker.event()
    owner = user_name(USERS[0])
    assert f"belongs to {owner}" in said
    assert f"`chmod 644 {path}`" in said
    assert "--home" not in said
    subprocess.run(["chmod", "644", str(path)], check=True, user=USERS[0])
    worker.ask(host(folder))
    worker.comes_to("holds 0")


@needs_root
def test_a_folder_that_another_user_closed_is_named(folder: Path, start: Start) -> None:
    place = folder / "host.queue"
    place.mkdir(0o700)
    os.chown(place, USERS[0], USERS[0])
    worker = start(USERS[1])
    worker.ask(host(folder))
    assert f"{user_name(USERS[0])}, whose it is" in worker.waits()
    worker.comes_to("holds 0")
    worker.release()
    owner = start(USERS[0])  # its own run mends it
    owner.ask(host(folder))
    owner.comes_to("holds 0")
    worker.ask(host(folder))
    assert "run fix.toml" in worker.waits()
