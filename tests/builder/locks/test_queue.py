"""The queue of a lock within one process: what is left of others, traps, and where it cannot be."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.errors import BusyError, StoreError
from builder.files import is_locked, user_name
from builder.locks import LockOrder, Queue
from builder.locks import queue as module
from tests.builder.locks.workers import shared_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


def tickets(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in (folder / "host.queue").iterdir())


def nobody_is_in_the_way(folder: Path) -> None:
    said: list[str] = []
    with Queue(folder=folder / "host.queue").hold(
        folder / "host.lock", order=LockOrder.HOST, doing="measures", say=said.append
    ):
        assert said == []


def busy(folder: Path) -> Any:
    return Queue(folder=folder / "host.queue").hold(
        folder / "host.lock",
        order=LockOrder.HOST,
        doing="measures",
        say=lambda _text: None,
        refuse=BusyError,
    )


DEAD = ("waiting", "holding")


@pytest.mark.parametrize("state", DEAD)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}'])
def test_what_a_killed_process_has_left_is_swept(folder: Path, state: str, content: bytes) -> None:
    nobody_is_in_the_way(folder)
    status = (folder / "host.lock").stat()
    name = f"{status.st_dev:x}-{status.st_ino:x}.00000007.exclusive.{state}"
    for left in (name, f".new-{name}"):
        (folder / "host.queue" / left).write_bytes(content)
    nobody_is_in_the_way(folder)
    assert tickets(folder) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b'{"command": [], "doing": {}, "since": NaN, "pid": "x"}',
        b'{"command": "a\\n\\u001b[2J' + b"x" * 3000 + b'", "doing": "sleeps", "since": 1e999, '
        b'"pid": -1, "start": 0, "namespace": 0}',
    ],
)
def test_a_ticket_with_anything_in_it_counts_and_does_no_harm(folder: Path, content: bytes) -> None:
    nobody_is_in_the_way(folder)
    status = (folder / "host.lock").stat()
    name = f"{status.st_dev:x}-{status.st_ino:x}.00000001.exclusive.holding"
    (folder / "host.queue" / name).write_bytes(content)
    with (folder / "host.queue" / name).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BusyError) as caught, busy(folder):
            pass
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert f" of {user_name(os.geteuid())}" in sentence
    assert len(sentence) < 300


def test_what_holds_the_lock_without_a_ticket_is_waited_for(folder: Path) -> None:
    """The compilers of a killed run, which inherited the descriptor; and older versions."""
    queue = Queue(folder=folder / "host.queue")
    path = folder / "host.lock"
    command = [sys.executable, "-c", "input()"]
    take = {"order": LockOrder.HOST, "doing": "measures"}
    with queue.hold(path, say=print, **take) as held:  # type: ignore[arg-type]
        orphan = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[held])
    assert is_locked(path)
    assert tickets(folder) == []
    with pytest.raises(BusyError, match="is in no queue"), busy(folder):
        pass
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        assert orphan.stdin is not None
        orphan.stdin.close()

    with queue.hold(path, say=say, **take):  # type: ignore[arg-type]
        assert str(path) in said[0]
    orphan.wait()


@pytest.mark.parametrize("trap", ["link", "dangling", "pipe"])
def test_what_is_put_in_place_of_the_lock_is_refused(folder: Path, trap: str) -> None:
    path = folder / "host.lock"
    if trap == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(folder / ("host.queue" if trap == "link" else "nowhere"))
    with pytest.raises(StoreError, match="lock") as caught, busy(folder):
        pass
    assert f"rm {path}" in caught.value.hint
    path.unlink()
    nobody_is_in_the_way(folder)
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize("trap", ["link", "file"])
def test_without_a_folder_for_tickets_the_lock_still_holds(folder: Path, trap: str) -> None:
    place = folder / "host.queue"
    place.symlink_to("/etc") if trap == "link" else place.touch()
    said: list[str] = []
    take = {"order": LockOrder.HOST, "doing": "measures", "say": said.append}
    with Queue(folder=place).hold(folder / "host.lock", **take):  # type: ignore[arg-type]
        assert is_locked(folder / "host.lock")
    assert "There is no queue" in said[0]
    assert f"`rm {place}`" in said[0]


def test_one_who_keeps_the_folder_locked_stops_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    nobody_is_in_the_way(folder)
    descriptor = os.open(folder / "host.queue", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    said: list[str] = []
    take = {"order": LockOrder.HOST, "doing": "measures", "say": said.append}
    with Queue(folder=folder / "host.queue").hold(folder / "host.lock", **take):  # type: ignore[arg-type]
        assert "keeps its folder locked" in said[0]
    os.close(descriptor)


def test_a_folder_that_is_removed_meanwhile_leaves_the_lock(folder: Path) -> None:
    with Queue(folder=folder / "host.queue").hold(
        folder / "host.lock", order=LockOrder.HOST, doing="measures", say=print
    ):
        for path in (folder / "host.queue").iterdir():
            path.unlink()
        (folder / "host.queue").rmdir()
        assert is_locked(folder / "host.lock")
    nobody_is_in_the_way(folder)
