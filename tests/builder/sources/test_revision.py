"""Revisions and what sources offer: builder.sources.revision."""

from __future__ import annotations

from dataclasses import replace

from builder.git import Refs, RemoteBranch
from builder.sources.revision import Revision, git_offers

REVISION = Revision(source="git x", name="fix", commit="1" * 40, version="2.7.18+", epoch=0)


def test_how_one_came_to_a_commit_is_no_part_of_it() -> None:
    other = replace(REVISION, ref="refs/heads/fix", origin="merge base of a and b")
    assert other == REVISION
    assert replace(REVISION, name="other") != REVISION


def test_label() -> None:
    assert REVISION.branch == "2.7"
    assert REVISION.label == "2.7.18+ 1111111111"
    assert replace(REVISION, version="2.7.18").label == "2.7.18"


def test_offers_have_the_branches_of_remotes_once() -> None:
    remote = [RemoteBranch(remote=name, name="3.13", commit="a") for name in ("origin", "upstream")]
    refs = Refs(branches={"main": "b"}, tags={"v2.7.18": "c"}, remote=tuple(remote))
    offers = git_offers(refs, "x", ())
    assert [offer.revision for offer in offers] == ["main", "3.13", "v2.7.18"]
