"""Where a home keeps things, and homes that cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.errors import StoreError
from builder.home import Home


def test_a_home_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = Home(root=tmp_path / "file" / "home", host_lock=tmp_path / "lock")

    with pytest.raises(StoreError, match="cannot be used") as caught:
        home.prepare()
    assert "--home" in caught.value.hint


def test_preparing_makes_the_folders_and_may_be_done_again(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "a" / "home", host_lock=tmp_path / "lock")
    home.prepare()
    home.prepare()
    assert home.builds.is_dir()
    assert home.envs.is_dir()
    assert home.lock("x").parent.is_dir()
    assert not home.host_lock.exists()


def test_everything_but_the_hosts_lock_is_below_the_root(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    places = [home.sources, home.work, home.builds, home.envs, home.suites, home.ccache]
    places += [home.configure_caches, home.failures, home.lock("x")]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(home.root) for place in places)


def test_a_home_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    # Root may write anywhere, so that the permissions of a folder would show nothing.
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(StoreError, match="cannot be written to") as caught:
        home.prepare()
    assert caught.value.where == str(home.root)


@pytest.mark.parametrize("closed", ["", "builds", "locks", "sources/x.git/objects"])
def test_a_folder_of_a_shared_home_that_is_closed_to_the_group_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    (home.sources / "x.git" / "objects").mkdir(parents=True)
    home.prepare()
    folder = home.root / closed
    monkeypatch.setattr(os, "access", lambda path, _mode: path != folder)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(StoreError, match="cannot be written to") as caught:
        home.prepare()
    assert caught.value.where == str(folder)
    assert f"{folder.owner()} runs `chgrp -R GROUP {home.root}" in caught.value.hint
    assert "umask 002" in caught.value.hint
