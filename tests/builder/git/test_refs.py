"""Refs and what git prints of names: builder.git.refs."""

from __future__ import annotations

import pytest

from builder.git.refs import ambiguous_hash, ambiguous_ref, refs_of, sort_refs


def test_remote_branches_have_the_name_of_their_remote() -> None:
    pairs = [
        ("refs/heads/main", "a"),
        ("refs/tags/v1", "tag"),
        ("refs/tags/v1^{}", "b"),
        ("refs/remotes/origin/topic/x", "c"),
        ("refs/remotes/origin/HEAD", "d"),
        ("refs/remotes/team/a/main", "e"),
        ("refs/remotes/team/a/HEAD", "f"),
        ("refs/remotes/gone/2.7", "g"),
        ("refs/stash", "h"),
    ]
    refs = sort_refs(pairs, ["origin", "team", "team/a"])
    assert (refs.branches, refs.tags) == ({"main": "a"}, {"v1": "b"})
    assert [(branch.remote, branch.name, branch.commit) for branch in refs.remote] == [
        ("origin", "topic/x", "c"),
        ("team/a", "main", "e"),
        ("gone", "2.7", "g"),
    ]
    assert refs.commit("refs/remotes/team/a/main") == "e"
    assert refs.commit("refs/tags/v1") == "b"
    assert [refs.commit(name) for name in ("", "tags/v1", "refs/heads/v1", "HEAD")] == [""] * 4
    assert refs.names == ["main", "v1", "topic/x", "main", "2.7"]


@pytest.mark.parametrize(
    ("stderr", "ref", "prefix"),
    [
        ("warning: refname 'fix' is ambiguous.\n", "fix", ""),
        ("error: short object ID 1a2b is ambiguous\nhint: The candidates are:\n", "", "1a2b"),
        ("error: short SHA1 1a2b is ambiguous\n", "", "1a2b"),
        ("fatal: Needed a single revision\n", "", ""),
        ("", "", ""),
    ],
)
def test_what_git_warns_of(stderr: str, ref: str, prefix: str) -> None:
    assert (ambiguous_ref(stderr), ambiguous_hash(stderr)) == (ref, prefix)


def test_the_order_is_gits() -> None:
    assert refs_of("x")[2:] == (
        "refs/tags/x",
        "refs/heads/x",
        "refs/remotes/x",
        "refs/remotes/x/HEAD",
    )
    assert refs_of("@") == refs_of("HEAD")
