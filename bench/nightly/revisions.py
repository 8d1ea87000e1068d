"""The revisions of a night: last night's, tonight's, the release, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.nightly.config import RELEASE, TONIGHT, Branch
from bench.nightly.report import NightCommit, Revised
from builder.errors import SourceError
from builder.sources import Source

MOST_COMMITS = 100


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Who is who in a night's session: revisions by arm, and the arms that the history asks for.

    One build may have two roles: last night's may be the release, and so may tonight's.
    """

    base: str
    others: Mapping[str, str]
    tonight: str = TONIGHT
    last: str = ""
    release: str = ""

    @classmethod
    def of(cls, head: str, old: str, release: str) -> Roles:
        """The roles of commits; `old` and `release` are "" where there are none."""
        if old:
            distinct = release not in ("", old, head)
            return cls(
                base=old,
                others={TONIGHT: head, **({RELEASE: release} if distinct else {})},
                last="base",
                release=RELEASE if distinct else "base" if release == old else "",
            )
        if release not in ("", head):
            return cls(base=release, others={TONIGHT: head}, release="base")
        return cls(base=head, others={}, tonight="base")


@dataclass(frozen=True, kw_only=True)
class Revisions:
    """Those of one branch. What its source lacks is told in `notes`, for the line's report."""

    source: Source
    branch: Branch
    notes: list[str]

    def known(self, old: Revised | None) -> Revised | None:
        """The revision that was measured last, as far as the source still has it."""
        if old is None:
            return None
        try:
            self.source.resolve(old.commit)
        except SourceError as error:
            self.notes.append(
                f"{old.commit[:12]}, measured on {old.date}, is no longer in the source "
                f"({error.what}): this night begins anew"
            )
            return None
        return old

    def release(self, head: Revised) -> Revised | None:
        """The release that the branch is held against; None where it has none that can be."""
        name = self.branch.release
        if not name:
            return None
        try:
            found = self.source.resolve(name)
        except SourceError as error:
            self.notes.append(f"not held against {name}: {error.what}")
            return None
        if found.branch != ".".join(head.version.split(".")[:2]):
            self.notes.append(
                f"not held against {name}: it is Python {found.branch}, and the head "
                f"{head.version}; their benchmarks differ"
            )
            return None
        return Revised(commit=found.commit, version=found.version, name=name)

    def alike(self, one: Revised, other: Revised) -> bool:
        """Whether two revisions are the same files: nothing is to be measured between them."""
        tree = self.source.repository.tree
        return one.commit == other.commit or tree(one.commit) == tree(other.commit)

    def roles(self, head: Revised, old: Revised | None, release: Revised | None) -> Roles:
        """Who is who in the session."""
        commit = release.commit if release else ""
        for one in (head, old):
            if release and one and self.alike(release, one):
                commit = one.commit
        return Roles.of(head.commit, old.commit if old else "", commit)

    def commits(self, old: Revised | None, head: Revised) -> tuple[tuple[NightCommit, ...], int]:
        """What lies between the two, newest first, and how many were too many to list."""
        if old is None:
            return (), 0
        try:
            repository = self.source.history((old.commit, head.commit))
            found = () if repository is None else repository.commits(old.commit, head.commit)
        except SourceError as error:
            self.notes.append(f"the commits of this night are not known: {error.what}")
            return (), 0
        listed = tuple(
            NightCommit(
                hash=one.hash,
                when=datetime.fromtimestamp(one.authored, UTC),
                subject=one.subject,
            )
            for one in found[:MOST_COMMITS]
        )
        return listed, len(found) - len(listed)
