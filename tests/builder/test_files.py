"""Locks between processes, files written whole, and what is computed of files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from builder.errors import StoreError
from builder.files import (
    KEY_LENGTH,
    age_in_days,
    check_member,
    digest,
    guard_writes,
    hold_lock,
    is_locked,
    sha256_of,
    size_of,
    write_atomically,
)


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    assert not is_locked(path)
    with hold_lock(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_shared_holders_keep_an_exclusive_one_out(tmp_path: Path) -> None:
    path = tmp_path / "host"
    with hold_lock(path, shared=True), hold_lock(path, shared=True):
        assert is_locked(path)


def test_a_waiting_run_says_so_and_goes_on_when_a_childs_copy_is_closed(tmp_path: Path) -> None:
    """A killed build's orphan keeps the lock: the descriptor that it inherited is the lock."""
    path = tmp_path / "build"
    with hold_lock(path) as held:
        orphan = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[held]
        )
    assert is_locked(path)
    told: list[str] = []

    def on_wait(name: str) -> None:
        told.append(name)
        assert orphan.stdin is not None
        orphan.stdin.close()

    with hold_lock(path, on_wait=on_wait):
        assert told == [str(path)]
    orphan.wait()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    with (
        pytest.raises(StoreError, match="lock cannot be opened") as caught,
        hold_lock(blocker / "lock"),
    ):
        pass
    assert "--home" in caught.value.hint


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o777, 0])
def test_every_user_may_open_a_lock_whoever_made_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with hold_lock(tmp_path / "lock"):
            pass
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python is older than it")
def test_a_member_that_leads_outside_is_refused_by_the_standard_library(tmp_path: Path) -> None:
    check_member(tarfile.TarInfo("x/a"), tmp_path)
    with pytest.raises(tarfile.TarError):
        check_member(tarfile.TarInfo("x/../../a"), tmp_path)


def test_a_python_without_the_filter_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    check_member(tarfile.TarInfo("x/../../a"), tmp_path)


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.json"
    write_atomically(path, json.dumps({"a": 1}))
    assert oct(path.stat().st_mode & 0o777) in ("0o644", "0o664", "0o600")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, "x" * 100)

    assert json.loads(path.read_text()) == {"a": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["data.json"]


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".data.json.half").write_text("half of it, and much longer than the next one")
    write_atomically(tmp_path / "data.json", "{}")

    assert (tmp_path / "data.json").read_text() == "{}"
    assert [one.name for one in tmp_path.iterdir()] == ["data.json"]


def test_what_the_file_system_refuses_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No space left") as caught, guard_writes(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x"))

    assert caught.value.where == str(tmp_path / "x")
    assert "patchbench gc" in caught.value.hint


def test_sizes_are_those_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "big").write_bytes(b"x" * 100_000)
    (tmp_path / "dangling").symlink_to("nowhere")

    assert 100_000 <= size_of(tmp_path) < 200_000


def test_a_digest_depends_on_the_content_and_not_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert len(digest(None)) == KEY_LENGTH


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\r\n\0")
    assert sha256_of(tmp_path / "x") == hashlib.sha256(b"a\r\n\0").hexdigest()


def test_age_is_counted_in_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 86400.0 * 10)
    assert age_in_days(86400.0 * 8.5) == 1.5


def test_an_error_without_a_file_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, guard_writes(tmp_path):
        raise OSError("odd")
    assert caught.value.where == str(tmp_path)
    assert "odd" in caught.value.what
