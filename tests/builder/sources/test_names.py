"""What names mean where only the refs are known: builder.sources.names."""

from __future__ import annotations

import pytest

from builder.errors import SourceError
from builder.git import Refs, RemoteBranch
from builder.sources.names import choose, unknown

REFS = Refs(
    branches={"3.13": "b313", "2.7": "b27", "main": "bmain", "topic/x": "btopic"},
    tags={
        "2.7": "t27",
        "3.8": "t38",
        "v2.7.9": "t279",
        "v2.7.18": "t2718",
        "v3.12.1": "t3121",
        "v3.12.10": "t31210",
        "v3.12.10rc1": "t31210rc1",
        "v3.14.0a7": "t3140a7",
        "v3.14.0rc2": "t3140rc2",
        "v3.11": "t311",
        "v3.11rc1": "t311rc1",
        "vnosuch": "tnosuch",
    },
)


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("3.13", "refs/heads/3.13"),
        ("3.11rc1", "refs/tags/v3.11rc1"),
        ("heads/2.7", "refs/heads/2.7"),
        ("tags/2.7", "refs/tags/2.7"),
        ("3.8", "refs/tags/3.8"),  # where a branch ended
        ("3.12", "refs/tags/v3.12.10"),  # not the one that sorts last as text, nor its candidate
        ("3.14", "refs/tags/v3.14.0rc2"),
        ("3.11", "refs/tags/v3.11"),
        ("2.7.18", "refs/tags/v2.7.18"),
        ("v2.7.9", "refs/tags/v2.7.9"),
        ("main", "refs/heads/main"),
        ("topic/x", "refs/heads/topic/x"),
        ("refs/tags/2.7", "refs/tags/2.7"),
        ("refs/heads/2.7", "refs/heads/2.7"),
        ("3.1", None),
        ("2.7.1", None),
        ("nosuch", None),
        ("", None),
    ],
)
def test_choose(name: str, ref: str | None) -> None:
    chosen = choose(name, REFS, "git x")
    assert (chosen.ref if chosen else None) == ref


@pytest.mark.parametrize(
    ("name", "known", "shown"),
    [
        ("2.7.99", ["v2.7.17", "v2.7.18", "v3.9.2"], "It has v2.7.17, v2.7.18."),
        ("3.15", ["3.13", "main", "v3.13.5", "v3.13.0rc1"], "It has main, 3.13, v3.13.5."),
        ("maste", ["master", "2.7"], "It has master."),
        ("x", [], "It has no revisions."),
    ],
)
def test_unknown_names_say_what_is_there(name: str, known: list[str], shown: str) -> None:
    error = unknown(name, "git x", known)
    assert error.what == f"{name} is not a revision of this source."
    assert error.hint.startswith(shown)


def test_a_branch_and_a_tag_of_one_name_are_refused_and_listed() -> None:
    with pytest.raises(SourceError, match=r"2\.7 has 2 meanings") as caught:
        choose("2.7", REFS, "git x")
    assert caught.value.where == "git x\nrefs/tags/2.7: t27\nrefs/heads/2.7: b27"
    assert "Name one of them: refs/tags/2.7, refs/heads/2.7." in str(caught.value)


def _remotes(*branches: tuple[str, str, str], **tags: str) -> Refs:
    remote = [RemoteBranch(remote=r, name=name, commit=commit) for r, name, commit in branches]
    return Refs(branches={"main": "m"}, tags=tags, remote=tuple(remote))


@pytest.mark.parametrize(
    ("name", "refs", "ref", "origin"),
    [
        (
            "3.13",
            _remotes(("origin", "3.13", "a")),
            "refs/remotes/origin/3.13",
            "branch 3.13 of origin; nothing here has that name",
        ),
        (
            "3.13",
            _remotes(("origin", "3.13", "a"), ("upstream", "3.13", "a")),
            "refs/remotes/origin/3.13",
            "branch 3.13 of origin; nothing here has that name",
        ),
        ("topic/x", _remotes(("team/a", "topic/x", "a")), "refs/remotes/team/a/topic/x", None),
        (
            "3.13.5",
            _remotes(("origin", "3.13", "a"), **{"v3.13.5": "b"}),
            "refs/tags/v3.13.5",
            None,
        ),
        (
            "3.13",
            _remotes(**{"v3.13.5": "b", "v3.13.6rc1": "c"}),
            "refs/tags/v3.13.5",
            "the newest release of 3.13, which is no branch here",
        ),
        # A branch, also of a remote, goes before the newest release.
        ("3.13", _remotes(("o", "3.13", "a"), **{"v3.13.5": "b"}), "refs/remotes/o/3.13", None),
    ],
)
def test_additions(name: str, refs: Refs, ref: str, origin: str | None) -> None:
    chosen = choose(name, refs, "git x")
    assert chosen is not None
    assert chosen.ref == ref
    assert chosen.origin if origin is None else chosen.origin == origin


@pytest.mark.parametrize(
    ("name", "refs", "names"),
    [
        (
            "3.13",
            _remotes(("origin", "3.13", "a"), ("upstream", "3.13", "b")),
            ("refs/remotes/origin/3.13", "refs/remotes/upstream/3.13"),
        ),
        (
            "3.13.5",
            _remotes(("origin", "3.13.5", "a"), **{"v3.13.5": "b"}),
            ("refs/remotes/origin/3.13.5", "refs/tags/v3.13.5"),
        ),
    ],
)
def test_additions_with_several_meanings(name: str, refs: Refs, names: tuple[str, ...]) -> None:
    with pytest.raises(SourceError, match="has 2 meanings") as caught:
        choose(name, refs, "git x")
    for typed in names:
        assert typed in caught.value.hint
        assert choose(typed, refs, "git x") is not None
