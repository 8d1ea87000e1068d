"""The base of a candidate: which branches are trunks, and which merge base is taken."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from builder.errors import SourceError
from builder.git import Refs, RemoteBranch
from builder.sources.base import choose_base, trunks_of
from builder.sources.revision import Revision


class History:
    """A history, given by the parents of each commit."""

    def __init__(self, **parents: str) -> None:
        self._parents = {commit: tuple(text.split()) for commit, text in parents.items()}

    def past(self, commit: str) -> set[str]:
        """A commit and its ancestors."""
        return {commit}.union(*(self.past(parent) for parent in self._parents[commit]))

    def merge_bases(self, first: str, second: str) -> tuple[str, ...]:
        shared = self.past(first) & self.past(second)
        older = {old for commit in shared for old in self.past(commit) - {commit}}
        return tuple(sorted(shared - older))

    def is_ancestor(self, old: str, new: str) -> bool:
        return old in self.past(new)

    def parents(self, commit: str) -> tuple[str, ...]:
        return self._parents[commit]

    def count(self, old: str, new: str) -> int:
        return len(self.past(new) - self.past(old))


# a - b - c - d is upstream's trunk; x - y - z leaves it at c; m and n merge crosswise.
HISTORY = History(
    a="", b="a", c="b", d="c", x="c", y="x", z="y", other="", p="c", q="c", m="p q", n="q p"
)


def refs(
    branches: Mapping[str, str], upstreams: Mapping[str, str] | None = None, **tags: str
) -> Refs:
    """Refs; names of remote branches are those that begin with a remote: origin/2.7."""
    remote = [
        RemoteBranch(remote=name.partition("/")[0], name=name.partition("/")[2], commit=commit)
        for name, commit in branches.items()
        if name.startswith(("origin/", "upstream/"))
    ]
    local = {name: commit for name, commit in branches.items() if "/" not in name}
    return Refs(branches=local, tags=tags, remote=tuple(remote), upstreams=upstreams or {})


def candidate(commit: str, ref: str = "") -> Revision:
    name = ref.rpartition("/")[2] or commit
    return Revision(source="git x", name=name, commit=commit, version="2.7.18+", epoch=0, ref=ref)


TRACKS = {"fix": "refs/remotes/origin/2.7"}
FIX = "refs/heads/fix"


@pytest.mark.parametrize(
    ("what", "where", "base", "origin"),
    [
        # The local branch is behind; what is upstream's is not the candidate's.
        (
            ("z", FIX),
            refs({"2.7": "a", "origin/2.7": "d"}),
            "c",
            "merge base of fix and origin/2.7, 3 ",
        ),
        (
            ("z", FIX),
            refs({"2.7": "a", "origin/2.7": "d"}, TRACKS),
            "c",
            "merge base of fix and origin/2.7",
        ),
        (
            ("z", ""),
            refs({"2.7": "a", "origin/2.7": "d"}),
            "c",
            "merge base of z and origin/2.7, 3 ",
        ),
        # Two remotes: the nearer one, whatever their names are.
        (
            ("z", FIX),
            refs({"origin/2.7": "a", "upstream/2.7": "d"}),
            "c",
            "merge base of fix and upstream/2.7",
        ),
        (
            ("z", FIX),
            refs({"origin/2.7": "d", "upstream/2.7": "a"}),
            "c",
            "merge base of fix and origin/2.7",
        ),
        # A branch has own commits, and its remote is known.
        (
            ("y", "refs/heads/2.7"),
            refs({"2.7": "y", "origin/2.7": "c"}),
            "c",
            "merge base of 2.7 and origin/2.7, 2 ",
        ),
        (
            ("y", "HEAD"),
            refs({"2.7": "y", "origin/2.7": "c"}),
            "c",
            "merge base of HEAD and origin/2.7, 2 ",
        ),
        (
            ("y", FIX),
            refs({"2.7": "z", "origin/2.7": "c"}),
            "c",
            "merge base of fix and origin/2.7, 2 ",
        ),
        # A commit that is on a trunk.
        (("c", ""), refs({"origin/2.7": "d"}), "b", "parent of c, which is on origin/2.7"),
        (("d", ""), refs({"2.7": "d"}), "c", "parent of d, which is on 2.7"),
        (
            ("d", "refs/heads/2.7"),
            refs({"2.7": "d", "main": "a"}),
            "c",
            "parent of 2.7, the newest commit of this branch",
        ),
        (
            ("d", ""),
            refs({"origin/2.7": "b", "upstream/2.7": "d"}),
            "c",
            "parent of d, which is on upstream/2.7",
        ),
        # The version's own trunk is nearer than main, and the other way round.
        (
            ("z", FIX),
            refs({"origin/2.7": "d", "origin/main": "b"}),
            "c",
            "merge base of fix and origin/2.7",
        ),
        (
            ("z", FIX),
            refs({"origin/2.7": "b", "origin/main": "d"}),
            "c",
            "merge base of fix and origin/main",
        ),
        # Pushed to a branch of its own name: that is no upstream.
        (
            ("z", FIX),
            refs({"origin/2.7": "d", "origin/fix": "z"}, {"fix": "refs/remotes/origin/fix"}),
            "c",
            "merge base of fix and origin/2.7",
        ),
        # On another branch of the same repository.
        (
            ("z", FIX),
            refs({"2.7": "d", "topic": "x"}, {"fix": "refs/heads/topic"}),
            "x",
            "merge base of fix and topic, 2 ",
        ),
        # There is no trunk but the upstream.
        (
            ("z", FIX),
            refs({"origin/work": "d"}, {"fix": "refs/remotes/origin/work"}),
            "c",
            "merge base of fix and origin/work, 3 ",
        ),
        # Ended branches are tags.
        (("z", FIX), refs({"main": "a"}, **{"2.7": "d"}), "c", "merge base of fix and 2.7, 3 "),
        # Unrelated histories do not count.
        (
            ("z", FIX),
            refs({"origin/2.7": "d", "upstream/2.7": "other"}),
            "c",
            "merge base of fix and origin/2.7",
        ),
    ],
)
def test_bases(what: tuple[str, str], where: Refs, base: str, origin: str) -> None:
    revision = candidate(*what)
    chosen = choose_base(HISTORY, revision, trunks_of(revision, where))
    assert (chosen.commit, chosen.origin[: len(origin)]) == (base, origin)


@pytest.mark.parametrize(
    ("what", "where", "bases"),
    [
        # It tracks one remote, and has commits that another one has as well.
        (("z", FIX), refs({"origin/2.7": "b", "upstream/2.7": "d"}, TRACKS), ("b", "c")),
        # It is wholly on the trunk of one remote, and not on that of the other.
        (("y", FIX), refs({"origin/2.7": "z", "upstream/2.7": "d"}), ("x", "c")),
        # A remote's own branch, and another remote's.
        (
            ("y", "refs/remotes/origin/2.7"),
            refs({"origin/2.7": "y", "upstream/2.7": "d"}),
            ("x", "c"),
        ),
        # Merged crosswise.
        (("m", FIX), refs({"origin/2.7": "n", "origin/main": "b"}), ("p", "q")),
        (("m", FIX), refs({"origin/2.7": "n"}, TRACKS), ("p", "q")),
        (("m", FIX), refs({"origin/2.7": "p", "upstream/2.7": "q"}, TRACKS), ("p", "q")),
        # It builds on a branch that is no trunk, or was pushed there under another name.
        (
            ("z", FIX),
            refs({"origin/2.7": "d", "origin/w": "x"}, {"fix": "refs/remotes/origin/w"}),
            ("c", "x"),
        ),
        (
            ("z", FIX),
            refs({"origin/2.7": "d", "origin/w": "z"}, {"fix": "refs/remotes/origin/w"}),
            ("c", "y"),
        ),
    ],
)
def test_several_bases(what: tuple[str, str], where: Refs, bases: tuple[str, ...]) -> None:
    revision = candidate(*what)
    with pytest.raises(SourceError, match="is not clear: 2 commits are plausible") as caught:
        choose_base(HISTORY, revision, trunks_of(revision, where))
    for base in bases:
        assert f"\n{base} " in caught.value.where
        assert f"--base {base}" in caught.value.hint


@pytest.mark.parametrize(
    ("what", "where", "why"),
    [
        (("z", FIX), refs({"fix": "z"}), "no branch 2.7 or main"),
        (("other", FIX), refs({"origin/2.7": "d"}), "no history in common with origin/2.7"),
        (("a", ""), refs({"2.7": "d"}), "no parent"),
    ],
)
def test_no_base(what: tuple[str, str], where: Refs, why: str) -> None:
    revision = candidate(*what)
    with pytest.raises(SourceError, match="is unknown") as caught:
        choose_base(HISTORY, revision, trunks_of(revision, where))
    assert why in caught.value.what
    assert "--base" in caught.value.hint
