"""The revisions of a night, on a repository of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.nightly.config import load
from bench.nightly.report import Revised
from bench.nightly.revisions import MOST_COMMITS, Revisions, Roles
from builder.sources.local_git import LocalGit
from tests.builder.upstream import Upstream, home_at


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "cpython.git")


def revisions(upstream: Upstream, tmp_path: Path, release: str = "") -> Revisions:
    file = tmp_path / "nightly.toml"
    file.write_text(f'[[branch]]\nrevision = "main"\nrelease = "{release}"\n')
    return Revisions(
        source=LocalGit(upstream.path, home_at(tmp_path / "home"), lambda _text: None),
        branch=load(file).branches[0],
        notes=[],
    )


def revised(commit: str, version: str = "3.13.5") -> Revised:
    return Revised(commit=commit, version=version)


def test_a_revision_that_is_gone_is_no_base(upstream: Upstream, tmp_path: Path) -> None:
    there = revised(upstream.commit("main", "3.13.5"))
    ours = revisions(upstream, tmp_path)
    assert (ours.available(there), ours.available(None), ours.notes) == (there, None, [])
    assert ours.available(revised("f" * 40)) is None
    assert "this line starts again without it" in ours.notes[0]


def test_a_release_of_another_version_is_told(upstream: Upstream, tmp_path: Path) -> None:
    commit = upstream.commit("main", "3.13.5")
    upstream.tag("v3.13.5", commit)
    ours = revisions(upstream, tmp_path, "v3.13.5")
    found = ours.release(revised("a" * 40, "3.13.6+"))
    assert found == Revised(commit=commit, version="3.13.5", name="v3.13.5")
    assert ours.release(revised("a" * 40, "3.14.0a1")) is None
    assert "it is Python 3.13" in ours.notes[0]
    assert revisions(upstream, tmp_path, "v3.13.4").release(revised("a" * 40)) is None
    assert revisions(upstream, tmp_path).release(revised("a" * 40)) is None


def test_the_same_files_are_the_same(upstream: Upstream, tmp_path: Path) -> None:
    first = upstream.commit("main", "3.13.5")
    again = upstream.git(
        *("commit-tree", "-p", first, "-m", "again", f"{first}^{{tree}}"),
        GIT_AUTHOR_DATE="1500000000 +0000",
        GIT_COMMITTER_DATE="1500000000 +0000",
    )
    other = upstream.commit("main", "3.13.5")
    ours = revisions(upstream, tmp_path)
    assert ours.same_files(revised(first), revised(again))
    assert not ours.same_files(revised(first), revised(other))
    # The release's files are last night's: one build has both roles.
    found = ours.roles(revised(other), revised(first), revised(again))
    assert found == Roles(base=first, others={"tonight": other}, last="base", release="base")


def test_commits_are_listed_newest_first(upstream: Upstream, tmp_path: Path) -> None:
    old = upstream.commit("main", "3.13.5")
    made = [upstream.commit("main", "3.13.5") for _ in range(3)]
    ours = revisions(upstream, tmp_path)
    found, left_out = ours.commits(revised(old), revised(made[-1]))
    assert ([one.hash for one in found], left_out) == (made[::-1], 0)
    assert found[0].when.timestamp() == upstream.clock
    assert MOST_COMMITS > 3
    assert ours.commits(None, revised(old)) == ((), 0)
    assert ours.commits(revised("f" * 40), revised(old)) == ((), 0)
    assert "cannot be listed" in ours.notes[0]


@pytest.mark.parametrize(
    ("head", "old", "release", "roles"),
    [
        ("c", "b", "a", Roles(base="b", others={"tonight": "c", "release": "a"}, last="base",
                              release="release")),
        ("c", "b", "", Roles(base="b", others={"tonight": "c"}, last="base")),
        ("c", "a", "a", Roles(base="a", others={"tonight": "c"}, last="base", release="base")),
        ("a", "b", "a", Roles(base="b", others={"tonight": "a"}, last="base")),
        ("c", "", "a", Roles(base="a", others={"tonight": "c"}, release="base")),
        ("a", "", "a", Roles(base="a", others={}, tonight="base")),
        ("c", "", "", Roles(base="c", others={}, tonight="base")),
    ],
)  # fmt: skip
def test_who_is_who(head: str, old: str, release: str, roles: Roles) -> None:
    assert Roles.of(head, old, release) == roles
