"""The revisions of a night: last night's, tonight's, the release, and the commits between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.nightly.config import RELEASE, TONIGHT, Branch
from bench.nightly.report import NightCommit, Revised
from builder.errors import SourceError
from builder.sources import Source
from builder.versions import language

MOST_COMMITS = 100


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The arms of a night's session: `base` and `others` (by arm) are revisions; `tonight`, `last`
    and `release` name the arms that have these roles, "" without such an arm.

    One build may have two roles: last night's or tonight's revision may be the release.
    """

    base: str
    others: Mapping[str, str]
    tonight: str = TONIGHT
    last: str = ""
    release: str = ""

    @classmethod
    def of(cls, head: str, old: str, release: str) -> Roles:
        """Assign the roles to commits; `old` and `release` are "" if there are none."""
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
    """The revisions of one branch. What its source lacks is added to `notes`, for the report."""

    source: Source
    branch: Branch
    notes: list[str]

    def available(self, old: Revised | None) -> Revised | None:
        """Return `old`, the revision measured last; None if the source no longer has it."""
        if old is None:
            return None
        try:
            self.source.resolve(old.commit)
        except SourceError as error:
            self.notes.append(
                f"{old.commit[:12]}, measured on {old.date}, is no longer in the source "
                f"({error.what}); this line starts again without it"
            )
            return None
        return old

    def release(self, head: Revised) -> Revised | None:
        """The release that the branch is compared with; None without one that can be."""
        name = self.branch.release
        if not name:
            return None
        try:
            revision = self.source.resolve(name)
        except SourceError as error:
            self.notes.append(f"not compared with {name}: {error.what}")
            return None
        if revision.branch != language(head.version):
            self.notes.append(
                f"not compared with {name}: it is Python {revision.branch}, and the head "
                f"{head.version}; their benchmarks differ"
            )
            return None
        return Revised(commit=revision.commit, version=revision.version, name=name)

    def same_files(self, left: Revised, right: Revised) -> bool:
        """Whether two revisions have the same files: there is no difference to measure."""
        tree = self.source.repository.tree
        return left.commit == right.commit or tree(left.commit) == tree(right.commit)

    def roles(self, head: Revised, old: Revised | None, release: Revised | None) -> Roles:
        """The arms of the session. A release with the files of another revision shares its arm."""
        commit = release.commit if release else ""
        for revision in (head, old):
            if release and revision and self.same_files(release, revision):
                commit = revision.commit
        return Roles.of(head.commit, old.commit if old else "", commit)

    def commits(self, old: Revised | None, head: Revised) -> tuple[tuple[NightCommit, ...], int]:
        """The commits between two revisions, newest first, at most MOST_COMMITS, and the number of
        those left out.
        """
        if old is None:
            return (), 0
        try:
            repository = self.source.history((old.commit, head.commit))
            commits = () if repository is None else repository.commits(old.commit, head.commit)
        except SourceError as error:
            self.notes.append(f"the commits since the last run cannot be listed: {error.what}")
            return (), 0
        listed = tuple(
            NightCommit(
                hash=commit.hash,
                when=datetime.fromtimestamp(commit.authored, UTC),
                subject=commit.subject,
            )
            for commit in commits[:MOST_COMMITS]
        )
        return listed, len(commits) - len(listed)
