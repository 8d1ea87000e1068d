"""Revisions: resolving names to branches, tags and releases, and choosing a base. Mostly pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from builder.errors import SourceError
from builder.git import Refs, Repository
from builder.versions import is_branch_version, is_final, newest, version_key, version_of

Say = Callable[[str], None]
_MAIN_BRANCHES = ("main", "master")
_SHOWN = 10
LISTED = "`patchbench sources` lists them all."


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

        A name is a release (2.7.18), a language version (3.13: its branch, else its newest
        release), a branch, tag or commit. Raises SourceError, listing the names that exist.
        """

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """The commit to compare a candidate commit with.

        That is the first parent of a commit that is on the base's branch already, else the merge
        base of both. The default of `branch` is that of the candidate's version, else main.
        """

    def history(self, commits: Sequence[str]) -> Repository | None:
        """A repository with these commits of this source and all their ancestors.

        It may not have their files. None if the source has no history.
        """

    def offers(self) -> tuple[SourceOffer, ...]:
        """All available revisions; without access, the cached ones and the reason."""


def choose(name: str, refs: Refs) -> tuple[str, str] | None:
    """The full ref and the commit of `name`; None if it is neither a branch nor a tag."""
    for prefix, commits in (("refs/heads/", refs.branches), ("refs/tags/", refs.tags)):
        short = name.removeprefix(prefix)
        if short in commits:
            return prefix + short, commits[short]
    tag = f"v{name}"
    if is_branch_version(name):
        # Preferred to the tag vX.Y, which old branches have for X.Y.0: 2.7 means the newest 2.7.
        tag = next(iter(newest(name, refs.tags)), tag)
    return (f"refs/tags/{tag}", refs.tags[tag]) if tag in refs.tags else None


def _latest(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (version_key(name), name))[-_SHOWN:]


def unknown(
    name: str, where: str, existing: Iterable[str], *, listing: str = LISTED
) -> SourceError:
    """The error for a name that a source does not have, with a hint of similar `existing` names;
    `listing` says what lists them all.
    """
    names = set(existing)
    numbers = version_key(name)[0][:2]
    same_version = [other for other in names if numbers and version_key(other)[0][:2] == numbers]
    close = same_version or ([] if numbers else difflib.get_close_matches(name, names, n=_SHOWN))
    branches = [other for other in names if is_branch_version(other) or other in _MAIN_BRANCHES]
    examples = _latest(close) or [*_latest(branches), *_latest(filter(is_final, names))]
    found = f"It has {', '.join(examples)}." if examples else "It has no revisions."
    return SourceError(
        f"{name} is not a revision of this source.",
        where=where,
        hint=f"{found} {listing}",
    )


def on_wait(say: Say) -> Say:
    """The `on_wait` callback for the lock of a source: it reports that another run holds it."""
    return lambda _path: say("Another run is fetching from this source; waiting for it.")


def git_offers(refs: Refs, where: str, cached: Container[str]) -> tuple[SourceOffer, ...]:
    """A git source's version branches and final releases; names in `cached` are marked so."""
    branches = [name for name in refs.branches if is_branch_version(name) or name == "main"]
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


def revision_of(repository: Repository, source: str, name: str, commit: str) -> Revision:
    """The Revision of a commit; its version is read from Include/patchlevel.h."""
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
    )


def base_name(candidate: Revision, branch: str | None, refs: Refs) -> str:
    """The branch on which a candidate's base is searched; see `Source.candidate_base`."""
    if branch is not None:
        return branch
    # CPython replaces a branch at its end of life by a tag of the same name.
    version = candidate.branch
    for name in (version, *_MAIN_BRANCHES):
        if name in refs.branches or name in refs.tags:
            return name
    raise SourceError(
        f"The base of {candidate.name} is unknown: this source has no branch {version} or main.",
        where=candidate.source,
        hint="Name the base: --base REVISION.",
    )


def no_history(name: str, where: str) -> SourceError:
    """The error if a base is searched in a source without history."""
    return SourceError(
        f"The base of {name} is unknown: release tarballs have no history.",
        where=where,
        hint="Name the base: --base REVISION, or use a git source.",
    )


def base_commit(graph: Repository, candidate: Revision, tip: str, branch: str) -> str:
    """The commit to compare a candidate with; `tip` is the head of the base's branch."""
    if graph.is_ancestor(candidate.commit, tip):
        parents = graph.parents(candidate.commit)
        base, why = (parents or ("",))[0], "it has no parent in this history"
    else:
        base = graph.merge_base(candidate.commit, tip) or ""
        why = f"it has no history in common with {branch}"
    if not base:
        raise SourceError(
            f"The base of {candidate.name} is unknown: {why}.",
            where=candidate.source,
            hint="Name the base: --base REVISION.",
        )
    return base


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A commit of a source. `commit` has 40 hex digits; `epoch` is its time, seconds since 1970."""

    source: str
    name: str
    commit: str
    version: str
    epoch: int

    @property
    def branch(self) -> str:
        """The language version, as in the folder names of patches/: 2.7, 3.13."""
        return ".".join(self.version.split(".")[:2])

    @property
    def label(self) -> str:
        """The version; with the commit if it is not a final release (2.7.10+)."""
        is_between = self.version.endswith("+") or "a" in self.version or "b" in self.version
        return f"{self.version} {self.commit[:10]}" if is_between else self.version
