"""What people call a revision, and which branch, tag or release that is. Mostly pure."""

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


@dataclass(frozen=True, kw_only=True)
class SourceOffer:
    """Something that a source has: `revision` is the name to ask for it by.

    `version` may be a branch's (3.13). `cached` tells that it is in the home already. An offer
    without revision tells in `note` why there is nothing.
    """

    kind: str
    where: str
    version: str = ""
    revision: str = ""
    cached: bool = False
    note: str = ""


class Source(Protocol):
    """Where CPython comes from, once it is within reach."""

    @property
    def repository(self) -> Repository:
        """The local repository that has every revision this source has resolved."""

    def resolve(self, name: str) -> Revision:
        """The commit that a name means, ready to be exported.

        A name is a release (2.7.18), a language version (3.13: its branch, else its newest
        release), a branch, tag or commit. Raises SourceError, naming what is there.
        """

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """What a candidate commit is to be compared with.

        The first parent of a commit that is on the base's branch already, else the merge base of
        the two. Without `branch` it is the branch of the candidate's own version, else main.
        """

    def history(self, commits: Sequence[str]) -> Repository | None:
        """A repository that has these commits, of this source, and all before them.

        It may lack their files. None where the source has no history.
        """

    def offers(self) -> tuple[SourceOffer, ...]:
        """What can be had; where that cannot be told, what was had before, and the reason."""


def choose(name: str, refs: Refs) -> tuple[str, str] | None:
    """The full ref and the commit that `name` means; None if it is no branch and no tag."""
    for kind, known in (("refs/heads/", refs.branches), ("refs/tags/", refs.tags)):
        short = name.removeprefix(kind)
        if short in known:
            return kind + short, known[short]
    tag = f"v{name}"
    if is_branch_version(name):
        # Before vX.Y, the tag of X.Y.0 as it once was: 2.7 means the newest 2.7.
        tag = next(iter(newest(name, refs.tags)), tag)
    return (f"refs/tags/{tag}", refs.tags[tag]) if tag in refs.tags else None


def _latest(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda one: (version_key(one), one))[-_SHOWN:]


def unknown(name: str, where: str, known: Iterable[str]) -> SourceError:
    """The error for a name that a source does not have, with those that it has."""
    names = set(known)
    numbers = version_key(name)[0][:2]
    alike = [one for one in names if numbers and version_key(one)[0][:2] == numbers]
    close = alike or ([] if numbers else difflib.get_close_matches(name, names, n=_SHOWN))
    landmarks = [one for one in names if is_branch_version(one) or one in _MAIN_BRANCHES]
    shown = _latest(close) or [*_latest(landmarks), *_latest(filter(is_final, names))]
    listing = f"There: {', '.join(shown)}." if shown else "There is nothing."
    return SourceError(
        f"{name} is not a revision of this source.",
        where=where,
        hint=f"{listing} `patchbench sources` lists them all.",
    )


def waiting(say: Say) -> Say:
    """What to say while another run holds the lock of a source."""
    return lambda _: say("Another run is fetching from this source: waiting for it.")


def git_offers(refs: Refs, where: str, here: Container[str]) -> tuple[SourceOffer, ...]:
    """A git source's version branches and finished releases; tags in `here` are cached."""
    branches = [name for name in refs.branches if is_branch_version(name) or name == "main"]
    tags = [name for name in refs.tags if is_final(name)]
    return tuple(
        SourceOffer(
            kind="git",
            where=where,
            version=name.removeprefix("v"),
            revision=name,
            cached=name in here,
        )
        for name in sorted(branches, key=version_key) + sorted(tags, key=version_key)
    )


def revision_of(repository: Repository, source: str, name: str, commit: str) -> Revision:
    """A commit's Revision; its version is read from its own Include/patchlevel.h."""
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


def base_name(candidate: Revision, asked: str | None, refs: Refs) -> str:
    """The name of the branch that a candidate's base is looked for on; see Source."""
    if asked is not None:
        return asked
    # A branch that has come to its end is kept as a tag of the same name.
    own = candidate.branch
    for name in (own, *_MAIN_BRANCHES):
        if name in refs.branches or name in refs.tags:
            return name
    raise SourceError(
        f"The base of {candidate.name} cannot be told: there is no branch {own} or main here.",
        where=candidate.source,
        hint="Name the base: --base REVISION.",
    )


def no_history(name: str, where: str) -> SourceError:
    """The error for a base that a release tarball cannot tell."""
    return SourceError(
        f"The base of {name} cannot be told: release tarballs have no history.",
        where=where,
        hint="Name the base: --base REVISION, or use a git source.",
    )


def base_commit(graph: Repository, candidate: Revision, tip: str, branch: str) -> str:
    """The commit to compare a candidate with, `tip` being the head of the base's branch."""
    if graph.is_ancestor(candidate.commit, tip):
        parents = graph.parents(candidate.commit)
        found, why = (parents or ("",))[0], "it has no parent in this history"
    else:
        found = graph.merge_base(candidate.commit, tip) or ""
        why = f"it has no history in common with {branch}"
    if not found:
        raise SourceError(
            f"The base of {candidate.name} cannot be told: {why}.",
            where=candidate.source,
            hint="Name the base: --base REVISION. A shallow clone may lack what is needed: "
            "git fetch --unshallow",
        )
    return found


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
        """The language version, as folders of patches/ are named: 2.7, 3.13."""
        return ".".join(self.version.split(".")[:2])

    @property
    def label(self) -> str:
        """The version, with the commit where it is between two releases (2.7.10+)."""
        between = self.version.endswith("+") or "a" in self.version or "b" in self.version
        return f"{self.version} {self.commit[:10]}" if between else self.version
