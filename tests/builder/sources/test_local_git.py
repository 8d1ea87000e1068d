"""A repository on this machine as a source: builder.sources.local_git."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import SourceError
from builder.sources.local_git import LocalGit
from tests.builder.upstream import Upstream, home_at


def silent(_text: str) -> None:
    pass


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "cpython.git")


@pytest.fixture
def source(upstream: Upstream, tmp_path: Path) -> LocalGit:
    return LocalGit(upstream.path, home_at(tmp_path / "home"), silent)


def test_a_revision_has_what_a_recipe_needs(upstream: Upstream, source: LocalGit) -> None:
    commit = upstream.commit("3.13", "3.13.5+")
    revision = source.resolve("3.13")
    assert revision.commit == commit
    assert revision.version == "3.13.5+"
    assert revision.epoch == upstream.clock
    assert revision.name == "3.13"
    assert revision.source == "git cpython.git"


def test_names_tags_and_hashes(upstream: Upstream, source: LocalGit) -> None:
    first = upstream.commit("2.7", "2.7.18")
    upstream.tag("v2.7.18", first)
    second = upstream.commit("2.7", "2.7.18+")
    for name in ("2.7.18", "v2.7.18", first, first[:10], "2.7~1"):
        assert source.resolve(name).commit == first
    assert source.resolve("2.7").commit == second


def test_a_clones_remote_branches_count(upstream: Upstream, tmp_path: Path) -> None:
    commit = upstream.commit("3.9", "3.9.2+")
    upstream.commit("main", "3.14.0a0")
    upstream.git("clone", "--quiet", upstream.url, str(tmp_path / "clone"))
    source = LocalGit(tmp_path / "clone", home_at(tmp_path / "home"), silent)
    assert source.resolve("3.9").commit == commit


def test_new_commits_are_seen_and_nothing_is_copied(
    upstream: Upstream, source: LocalGit, tmp_path: Path
) -> None:
    upstream.commit("main", "3.14.0a0", **{"Lib/big.py": "x = 1\n" * 1000})
    source.resolve("main")
    commit = upstream.commit("main", "3.14.0a1")
    assert source.resolve("main").commit == commit
    source.repository.export(commit, tmp_path / "out", 0)
    loose = list(source.repository.path.glob("objects/??/*"))
    packs = list(source.repository.path.glob("objects/pack/*"))
    assert (loose, packs) == ([], [])


def test_patches_go_to_the_home_not_to_the_repository(upstream: Upstream, source: LocalGit) -> None:
    revision = source.resolve(upstream.commit("main", "3.14.0a0"))
    before = sorted(upstream.path.rglob("*"))
    patch = b"--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n"
    tree = source.repository.apply(revision.commit, patch)
    assert source.repository.read(tree, "new") == b"x\n"
    assert sorted(upstream.path.rglob("*")) == before


def test_the_base_is_the_parent_on_the_branch_else_the_merge_base(
    upstream: Upstream, source: LocalGit
) -> None:
    fork = upstream.commit("2.7", "2.7.10")
    gotos = upstream.commit("2.7", "2.7.10+")
    upstream.commit("2.7", "2.7.11")
    upstream.commit("topic", "2.7.10", parents=(fork,))
    topic = upstream.commit("topic", "2.7.10")
    upstream.commit("main", "3.6.0a0", parents=(fork,))
    assert source.candidate_base(gotos[:10]).commit == fork
    assert source.candidate_base("topic").commit == fork
    assert source.candidate_base(topic).commit == fork
    assert source.candidate_base("2.7").commit == gotos


def test_a_candidate_for_the_next_version_has_its_base_on_main(
    upstream: Upstream, source: LocalGit
) -> None:
    fork = upstream.commit("main", "3.15.0a1")
    upstream.tag("v3.15.0a1", fork)
    upstream.commit("main", "3.15.0a1+")
    topic = upstream.commit("topic", "3.15.0a1+", parents=(fork,))
    assert source.candidate_base(topic).commit == fork


def test_where_no_base_can_be_told_it_asks_for_one(upstream: Upstream, source: LocalGit) -> None:
    first = upstream.commit("2.7", "2.7.1")
    upstream.commit("alone", "9.9.9", parents=())
    for name in (first, "alone"):
        with pytest.raises(SourceError, match="is unknown") as caught:
            source.candidate_base(name)
        assert "--base" in caught.value.hint


def test_unknown_names_list_what_is_there(upstream: Upstream, source: LocalGit) -> None:
    upstream.tag("v2.7.18", upstream.commit("2.7", "2.7.18"))
    with pytest.raises(SourceError, match=r"2\.7\.81 is not a revision") as caught:
        source.resolve("2.7.81")
    assert "v2.7.18" in caught.value.hint
    for name in ("--upload-pack=x", "nosuch", "2.7:Include"):
        with pytest.raises(SourceError, match="is not a revision"):
            source.resolve(name)


def test_what_is_no_cpython_is_refused(upstream: Upstream, source: LocalGit) -> None:
    commit = upstream.commit("main", "1", **{"Include/patchlevel.h": "nothing\n"})
    with pytest.raises(SourceError, match="is not a CPython source tree"):
        source.resolve(commit)


@pytest.mark.parametrize("name", ["nosuch", "file", "folder"])
def test_a_path_without_a_repository_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match="no git repository") as caught:
        LocalGit(tmp_path / name, home_at(tmp_path / "home"), silent)
    assert caught.value.where == str(tmp_path / name)


def test_a_repository_with_other_hashes_is_refused(tmp_path: Path, upstream: Upstream) -> None:
    other = tmp_path / "other.git"
    upstream.git("init", "--quiet", "--bare", "--object-format=sha256", str(other))
    with pytest.raises(SourceError, match="SHA-256"):
        LocalGit(other, home_at(tmp_path / "home"), silent)


def test_a_shallow_clone_says_that_it_is_too_shallow(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("2.7", "2.7.1")
    commit = upstream.commit("2.7", "2.7.2")
    clone = tmp_path / "clone"
    arguments = ("--quiet", "--depth=1", "--branch=2.7", upstream.url, str(clone))
    upstream.git("clone", *arguments)
    source = LocalGit(clone, home_at(tmp_path / "home"), silent)
    assert source.resolve("2.7").commit == commit
    with pytest.raises(SourceError, match="no parent") as caught:
        source.candidate_base("2.7")
    assert "--unshallow" in caught.value.hint
    upstream.git("fetch", "--quiet", "--unshallow", cwd=clone)
    again = LocalGit(clone, home_at(tmp_path / "home"), silent)
    assert again.candidate_base("2.7").version == "2.7.1"


def test_offers_are_branches_and_finished_releases(upstream: Upstream, source: LocalGit) -> None:
    commit = upstream.commit("3.13", "3.13.5")
    for tag in ("v3.13.5", "v3.13.5rc1", "other"):
        upstream.tag(tag, commit)
    upstream.commit("topic", "3.13.5")
    assert [offer.revision for offer in source.offers()] == ["3.13", "v3.13.5"]


def test_its_history_is_its_own(upstream: Upstream, source: LocalGit) -> None:
    old = upstream.commit("main", "3.14.0a0")
    new = upstream.commit("main", "3.14.0a1")
    history = source.history((old, new))
    assert history is not None
    assert [one.hash for one in history.commits(old, new)] == [new]
