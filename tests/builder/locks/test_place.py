"""The place of the host's lock: the same for every user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.locks.place import host_lock, open_shared


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (0o1777, "lock"),  # Debian's /run/lock
        (0o755, "tmp"),  # root alone may write: root must not use it either
        (0o777, "tmp"),  # everyone may remove the files of others
        (None, "tmp"),
    ],
)
def test_it_depends_on_the_folder_and_not_on_who_asks(
    tmp_path: Path, mode: int | None, name: str
) -> None:
    if mode is not None:
        (tmp_path / "lock").mkdir()
        (tmp_path / "lock").chmod(mode)
    (tmp_path / "tmp").mkdir()
    lock = host_lock((tmp_path / "lock", tmp_path / "tmp"))
    assert lock == tmp_path / name / "patchbench.lock"


def test_a_link_to_such_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("/tmp")
    assert host_lock((tmp_path / "lock", tmp_path / "tmp")).parent == tmp_path / "tmp"


def test_tmpdir_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = host_lock()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert host_lock() == before


@pytest.mark.parametrize("umask", [0o077, 0o777, 0])
def test_a_shared_folder_is_open_to_all(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        os.close(open_shared(tmp_path / "queue"))
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "queue").stat().st_mode & 0o7777 == 0o1777
