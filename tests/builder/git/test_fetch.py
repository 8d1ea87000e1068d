"""Fetching from other repositories, with a real git; test_remote_git.py has the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import StoreError
from builder.git import fetch
from builder.git.command import Output
from builder.git.repository import Repository
from tests.builder.upstream import Upstream


@pytest.mark.parametrize(
    ("stderr", "refused", "reason"),
    [
        ("fatal: remote error: upload-pack: not our ref 1234\n", True, "remote error"),
        ("error: Server does not allow request for unadvertised object 12\n", True, "Server"),
        ("fatal: dumb http transport does not support shallow capabilities\n", True, "dumb"),
        ("warning: x\nfatal: early EOF\n", False, "early EOF"),
        ("", False, "git gave no reason"),
    ],
)
def test_a_refusal_is_told_from_a_lost_connection(stderr: str, refused: bool, reason: str) -> None:
    failure = fetch.FetchFailure(stderr)
    assert failure.refused == refused
    assert failure.reason.startswith(reason)
    assert fetch.FetchFailure("", timed_out=True).reason == "no answer in time"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream.git")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "ours.git")


def test_what_a_remote_has(upstream: Upstream) -> None:
    commit = upstream.commit("main", "3.14.0a0")
    upstream.tag("v3.14.0a0", commit)
    refs = fetch.list_remote(upstream.url, timeout=60)
    assert (refs.branches, refs.tags) == ({"main": commit}, {"v3.14.0a0": commit})


def test_a_remote_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(fetch.FetchFailure) as caught:
        fetch.list_remote(f"file://{tmp_path}/none", timeout=60)
    assert not caught.value.timed_out
    assert str(tmp_path) in caught.value.stderr


def test_one_commit_is_fetched_under_the_name_that_is_asked_for(
    upstream: Upstream, repository: Repository
) -> None:
    upstream.commit("main", "3.14.0a0")
    commit = upstream.commit("main", "3.14.0a1")
    fetch.fetch(repository, upstream.url, [f"{commit}:refs/heads/mine"], depth=1)
    assert repository.refs().branches == {"mine": commit}
    assert repository.parents(commit) == ()  # cut off


def test_a_ref_that_the_remote_lacks(upstream: Upstream, repository: Repository) -> None:
    upstream.commit("main", "3.14.0a0")
    with pytest.raises(fetch.FetchFailure) as caught:
        fetch.fetch(repository, upstream.url, ["refs/heads/none:refs/heads/mine"])
    assert caught.value.refused
    assert repository.refs().branches == {}


def test_a_full_disk_is_no_fault_of_the_remote(
    upstream: Upstream, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Output(returncode=128, stdout=b"", stderr="fatal: write: No space left on device")
    monkeypatch.setattr(fetch, "run", lambda *_arguments, **_more: full)
    with pytest.raises(StoreError, match="disk is full") as caught:
        fetch.fetch(repository, upstream.url, ["refs/heads/main:refs/heads/main"])
    assert caught.value.where == str(repository.path)


def test_borrowed_objects_are_seen_and_listed_once(
    upstream: Upstream, repository: Repository
) -> None:
    commit = upstream.commit("main", "3.14.0a0")
    other = Repository.open(upstream.path)
    assert repository.find(commit) is None
    fetch.borrow(repository, other)
    fetch.borrow(repository, other)
    assert repository.find(commit) == commit
    assert repository.refs().branches == {}
    listing = repository.path / "objects" / "info" / "alternates"
    assert len(listing.read_text().splitlines()) == 1


def test_a_history_is_cut_off_where_the_others_is(
    upstream: Upstream, repository: Repository
) -> None:
    other = Repository.open(upstream.path)
    (upstream.path / "shallow").write_text("1" * 40 + "\n")
    fetch.follow_depth(repository, other)
    assert (repository.path / "shallow").read_text() == "1" * 40 + "\n"
    (upstream.path / "shallow").unlink()
    fetch.follow_depth(repository, other)
    fetch.follow_depth(repository, other)
    assert not (repository.path / "shallow").exists()


def test_what_a_killed_git_left_is_removed_and_nothing_else(repository: Repository) -> None:
    left = ["HEAD.lock", "refs/heads/a.lock", "shallow_x1", "objects/pack/tmp_pack_1"]
    for name in left:
        (repository.path / name).touch()
    fetch.recover(repository)
    assert not any((repository.path / name).exists() for name in left)
    assert (repository.path / "HEAD").exists()
