"""Revisions and sources: what a source is asked for, and what it answers. Mostly pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from builder.errors import SourceError
from builder.git import Refs, Repository
from builder.home import Home
from builder.locks import LockOrder
from builder.sources.names import NamedCommit
from builder.versions import (
    is_between,
    is_branch_version,
    is_final,
    language,
    version_key,
    version_of,
)

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SourceOffer:
    """A revision that a source offers. `revision` is the name to resolve it by.

    `version` may be a language version (3.13). `cached`: it is in the home already. Without a
    revision, `note` has the reason.
    """

    kind: str
    where: str
    version: str = ""
    revision: str = ""
    cached: bool = False
    note: str = ""


class Source(Protocol):
    """A place that CPython is fetched from."""

    @property
    def repository(self) -> Repository:
        """The local repository with every revision that this source has resolved."""

    def resolve(self, name: str) -> Revision:
        """The commit of a name, ready to be exported.

        A name means what git means by it; `builder.sources.names` has the additions, such as 3.13.5
        for v3.13.5. Raises SourceError, listing the names that exist, or the several meanings.
        """

    def head(self, name: str) -> Revision:
        """The newest commit of a branch that this source knows of, for a job that follows it.

        As `resolve`, except for a local branch that is behind the branch that it tracks: that one's
        head, which a clone has as soon as it is fetched. Raises SourceError where both have commits
        of their own.
        """

    def candidate_base(self, name: str) -> Revision:
        """The commit to compare a candidate commit with; see `builder.sources.base`."""

    def history(self, commits: Sequence[str]) -> Repository | None:
        """A repository with these commits of this source and all their ancestors.

        It may not have their files. None if the source has no history.
        """

    def offers(self) -> tuple[SourceOffer, ...]:
        """All available revisions; without access, the cached ones and the reason."""


def lock_source(home: Home, path: Path, say: Say) -> contextlib.AbstractContextManager[int]:
    """Hold the lock of a source, while something is fetched from it."""
    return home.queue.hold(
        path, order=LockOrder.SOURCE, doing="fetches from the same source", say=say
    )


def git_offers(refs: Refs, where: str, cached: Container[str]) -> tuple[SourceOffer, ...]:
    """A git source's version branches and final releases; names in `cached` are marked so."""
    names = {*refs.branches, *(branch.name for branch in refs.remote)}
    branches = sorted(name for name in names if is_branch_version(name) or name == "main")
    tags = [name for name in refs.tags if is_final(name)]
    return tuple(
        SourceOffer(
            kind="git",
            where=where,
            version=name.removeprefix("v"),
            revision=name,
            cached=name in cached,
        )
        for name in sorted(branches, key=version_key) + sorted(tags, key=version_key)
    )


def revision_of(repository: Repository, source: str, name: str, chosen: NamedCommit) -> Revision:
    """The Revision of a commit; its version is read from Include/patchlevel.h."""
    commit = chosen.commit
    version = version_of(repository.read(commit, "Include/patchlevel.h") or b"")
    if version is None:
        raise SourceError(
            f"{name} is not a CPython source tree: it has no Include/patchlevel.h with PY_VERSION.",
            where=f"{source}, commit {commit[:12]}",
            hint="Check the source's address and the name of the revision.",
        )
    return Revision(
        source=source,
        name=name,
        commit=commit,
        version=version,
        epoch=repository.epoch(commit),
        ref=chosen.ref,
        origin=chosen.origin,
    )


def no_history(name: str, where: str) -> SourceError:
    """The error if a base is searched in a source without history."""
    return SourceError(
        f"The base of {name} is unknown: release tarballs have no history.",
        where=where,
        hint="Name the base: --base REVISION, or use a git source.",
    )


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A commit of a source. `commit` has 40 hex digits; `epoch` is its time, seconds since 1970.

    `ref` is the full name of the ref that `name` was, "" for a hash or an expression. `origin` says
    in words how the commit was chosen where that is not git's own rule for `name`, "" else. Neither
    is part of any key or identity: both describe how one came to the commit.
    """

    source: str
    name: str
    commit: str
    version: str
    epoch: int
    ref: str = field(default="", compare=False)
    origin: str = field(default="", compare=False)

    @property
    def branch(self) -> str:
        """The language version, as in the folder names of patches/: 2.7, 3.13."""
        return language(self.version)

    @property
    def label(self) -> str:
        """The version; with the commit if it is not a final release (2.7.10+)."""
        return f"{self.version} {self.commit[:10]}" if is_between(self.version) else self.version
