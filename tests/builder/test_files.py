from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from builder.errors import StoreError
from builder.files import check_member, hold_lock, is_locked


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


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_lock_file_of_another_user_can_be_held(tmp_path: Path) -> None:
    path = tmp_path / "host"
    path.touch(mode=0o644)
    tmp_path.chmod(0o755)
    code = f"import fcntl, os; fcntl.flock(os.open({str(path)!r}, os.O_RDONLY), fcntl.LOCK_SH)"
    for parent in path.parents:
        if parent.owner() == "root" and parent.stat().st_mode & 0o005 != 0o005:
            pytest.skip(f"{parent} is closed to others")
    subprocess.run(["/usr/bin/python3", "-c", code], user=65534, group=65534, check=True)


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
