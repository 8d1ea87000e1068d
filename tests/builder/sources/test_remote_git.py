"""A repository elsewhere as a source: `remote_git`, spoken to through git's own protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import SourceError, UnreachableError
from builder.git import fetch
from builder.sources.remote_git import RemoteGit, public
from tests.builder.upstream import Upstream, home_at


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "upstream.git")
    made.git("config", "uploadpack.allowFilter", "true")
    return made


class Here:
    """A home and what was said there; every `source` is that of a new run."""

    def __init__(self, upstream: Upstream, root: Path) -> None:
        self.upstream = upstream
        self.home = home_at(root)
        self.said: list[str] = []

    def source(self) -> RemoteGit:
        return RemoteGit(self.upstream.url, self.home, self.said.append)

    def cut(self) -> None:
        """The remote can be reached no more."""
        self.upstream.path.rename(self.upstream.path.with_name("moved"))


@pytest.fixture
def here(upstream: Upstream, tmp_path: Path) -> Here:
    return Here(upstream, tmp_path / "home")


def test_one_commit_comes_without_its_past(upstream: Upstream, here: Here, tmp_path: Path) -> None:
    old = upstream.commit("3.13", "3.13.4")
    new = upstream.commit("3.13", "3.13.5")
    source = here.source()
    revision = source.resolve("3.13")
    assert (revision.commit, revision.version) == (new, "3.13.5")
    assert not source.repository.has_commit(old)
    assert source.repository.parents(new) == ()
    source.repository.export(revision.commit, tmp_path / "out", revision.epoch)
    assert (tmp_path / "out/Include/patchlevel.h").exists()


def test_tags_hashes_and_abbreviations(upstream: Upstream, here: Here) -> None:
    upstream.commit("2.7", "2.7.9")
    tagged = upstream.commit("2.7", "2.7.10")
    upstream.tag("v2.7.10", tagged)
    between = upstream.commit("2.7", "2.7.10+")
    upstream.commit("2.7", "2.7.11")
    assert here.source().resolve("2.7.10").commit == tagged
    assert here.source().resolve(between).commit == between
    assert not any("history" in text and "commits" in text for text in here.said)
    assert here.source().resolve(between[:10]).commit == between
    assert any("commits, without their files" in text for text in here.said)


def test_the_base_is_found_without_fetching_files_of_the_past(
    upstream: Upstream, here: Here
) -> None:
    first = upstream.commit("2.7", "2.7.9")
    fork = upstream.commit("2.7", "2.7.10")
    candidate = upstream.commit("2.7", "2.7.10+")
    upstream.commit("2.7", "2.7.11")
    topic = upstream.commit("topic", "2.7.10", parents=(fork,))
    source = here.source()
    assert source.candidate_base(candidate).commit == fork
    assert source.candidate_base(topic[:8]).commit == fork
    assert source.candidate_base("topic").version == "2.7.10"
    assert not source.repository.has_commit(first)


def test_the_history_comes_when_it_is_asked_for(upstream: Upstream, here: Here) -> None:
    old = upstream.commit("3.13", "3.13.4")
    new = upstream.commit("3.13", "3.13.5")
    source = here.source()
    source.resolve(new)
    history = source.history((old, new))
    assert [one.hash for one in history.commits(old, new)] == [new]
    assert not source.repository.has_commit(old)


def test_a_server_without_partial_clones_still_tells_the_base(
    upstream: Upstream, here: Here
) -> None:
    upstream.git("config", "uploadpack.allowFilter", "false")
    fork = upstream.commit("2.7", "2.7.10")
    upstream.commit("2.7", "2.7.11")
    topic = upstream.commit("topic", "2.7.10", parents=(fork,))
    assert here.source().candidate_base(topic[:8]).commit == fork


def test_what_does_not_move_is_not_asked_for_again(upstream: Upstream, here: Here) -> None:
    commit = upstream.commit("2.7", "2.7.18")
    upstream.tag("v2.7.18", commit)
    here.source().resolve("2.7.18")
    here.cut()
    said = len(here.said)
    assert here.source().resolve("2.7.18").commit == commit
    assert here.source().resolve("v2.7.18").commit == commit
    assert here.source().resolve(commit).commit == commit
    assert here.said[said:] == []


def test_a_branch_is_taken_as_it_was_when_the_remote_is_gone(
    upstream: Upstream, here: Here
) -> None:
    commit = upstream.commit("3.13", "3.13.5+")
    here.source().resolve("3.13")
    here.cut()
    assert here.source().resolve("3.13").commit == commit
    assert "cannot be reached" in here.said[-1]
    assert "as it was fetched last" in here.said[-1]
    with pytest.raises(UnreachableError, match="cannot be reached"):
        here.source().resolve("3.12")


def test_a_branch_that_moved_is_fetched_again(upstream: Upstream, here: Here) -> None:
    upstream.commit("3.13", "3.13.4")
    here.source().resolve("3.13")
    commit = upstream.commit("3.13", "3.13.5")
    assert here.source().resolve("3.13").commit == commit
    # Also to something that does not have the old one in its past.
    rewritten = upstream.commit("3.13", "3.13.6", parents=())
    assert here.source().resolve("3.13").commit == rewritten


def test_that_it_does_not_answer_is_found_out_once(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.cut()
    asked = []
    ask = fetch.list_remote
    monkeypatch.setattr(
        fetch, "list_remote", lambda *rest, **named: (asked.append(1), ask(*rest, **named))
    )
    source = here.source()
    for name in ("3.12", "3.13"):
        with pytest.raises(UnreachableError):
            source.resolve(name)
    assert len(asked) == 1


def test_unknown_names_and_hashes(upstream: Upstream, here: Here) -> None:
    upstream.commit("3.13", "3.13.5")
    for name in ("3.31", "nosuch", "abcdef1"):
        with pytest.raises(SourceError, match="is not a revision") as caught:
            here.source().resolve(name)
        assert "3.13" in caught.value.hint
    with pytest.raises(SourceError, match="does not send commit"):
        here.source().resolve("a" * 40)


def test_what_a_killed_run_left_is_no_hindrance(upstream: Upstream, here: Here) -> None:
    commit = upstream.commit("3.13", "3.13.5")
    path = here.source().repository.path
    for name in ("shallow.lock", "config.lock", "refs/heads/3.13.lock", "objects/pack/tmp_pack_x"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    assert here.source().resolve("3.13").commit == commit
    assert not list(path.rglob("*.lock"))
    assert not list(path.rglob("tmp_pack*"))


@pytest.mark.parametrize("url", ["--upload-pack=touch /tmp/x", "ext::sh -c x", "a b"])
def test_addresses_that_would_run_something_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceError, match="not an address"):
        RemoteGit(url, home_at(tmp_path), print)


def test_no_password_is_shown(tmp_path: Path) -> None:
    assert public("https://me:secret@host.invalid/x") == "https://host.invalid/x"
    source = RemoteGit("https://me:secret@host.invalid/x", home_at(tmp_path), print)
    with pytest.raises(UnreachableError) as caught:
        source.resolve("main")
    assert "secret" not in str(caught.value) + source.label


def test_offers_name_the_reason_where_there_are_none(upstream: Upstream, here: Here) -> None:
    upstream.tag("v3.13.5", upstream.commit("3.13", "3.13.5"))
    here.source().resolve("3.13.5")
    offers = here.source().offers()
    assert [(offer.revision, offer.cached) for offer in offers] == [
        ("3.13", False),
        ("v3.13.5", True),
    ]
    here.cut()
    trouble, *cached = here.source().offers()
    assert "cannot be reached" in trouble.note
    assert [offer.revision for offer in cached] == ["v3.13.5"]


def test_head_is_the_remotes(upstream: Upstream, here: Here) -> None:
    upstream.commit("main", "3.14.0a0")
    commit = upstream.commit("3.13", "3.13.5+")
    upstream.git("symbolic-ref", "HEAD", "refs/heads/3.13")
    for name in ("HEAD", "@"):
        revision = here.source().resolve(name)
        assert (revision.commit, revision.ref) == (commit, "HEAD")
    moved = upstream.commit("3.13", "3.13.5+")
    assert here.source().resolve("HEAD").commit == moved
    here.cut()
    assert here.source().resolve("HEAD").commit == moved
    assert "Using HEAD as it was fetched last" in here.said[-1]


@pytest.mark.parametrize(
    ("name", "ref", "origin"),
    [
        ("topic", "refs/heads/topic", ""),
        ("heads/topic", "refs/heads/topic", ""),
        ("refs/tags/v3.13.5", "refs/tags/v3.13.5", ""),
        ("3.13.5", "refs/tags/v3.13.5", "release 3.13.5"),
        ("3.13", "refs/tags/v3.13.5", "the newest release of 3.13, which is no branch here"),
    ],
)
def test_a_name_is_said_with_its_ref(
    upstream: Upstream, here: Here, name: str, ref: str, origin: str
) -> None:
    upstream.tag("v3.13.5", upstream.commit("topic", "3.13.5"))
    revision = here.source().resolve(name)
    assert (revision.ref, revision.origin) == (ref, origin)


def test_a_branch_and_a_tag_of_one_name_are_refused(upstream: Upstream, here: Here) -> None:
    upstream.tag("fix", upstream.commit("main", "3.14.0a0"))
    commit = upstream.commit("fix", "3.14.0a0")
    with pytest.raises(SourceError, match="fix has 2 meanings") as caught:
        here.source().resolve("fix")
    assert "refs/tags/fix, refs/heads/fix" in caught.value.hint
    assert here.source().resolve("refs/heads/fix").commit == commit


def test_the_base_of_a_branch_says_what_it_is(upstream: Upstream, here: Here) -> None:
    fork = upstream.commit("2.7", "2.7.10")
    upstream.commit("topic", "2.7.10", parents=(fork,))
    upstream.commit("topic", "2.7.10")
    upstream.commit("2.7", "2.7.11")
    base = here.source().candidate_base("topic")
    assert (base.commit, base.origin) == (fork, "merge base of topic and 2.7, 2 commits before")
