"""Refs as values, and git's answer to a name: parsing what git prints. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# git only warns where a name has several meanings, and takes one of them.
_AMBIGUOUS_REF = re.compile(r"^warning: refname '(.*)' is ambiguous\.?$", re.MULTILINE)
_AMBIGUOUS_HASH = re.compile(
    r"^error: short (?:object ID|SHA1) ([0-9a-f]+) is ambiguous", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One of several commits that a name may stand for. `name`: what stands for this one alone."""

    name: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What git takes a name for. `commit` "": nothing. `ref` "": a hash or an expression.

    `meanings`: where git chose in silence or with a warning, all that it chose from.
    """

    commit: str = ""
    ref: str = ""
    meanings: tuple[Meaning, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RemoteBranch:
    """A remote-tracking branch: the branch `name` of `remote`, as it was fetched last."""

    remote: str
    name: str
    commit: str

    @property
    def ref(self) -> str:
        """Its full name in the repository that tracks it."""
        return f"refs/remotes/{self.short}"

    @property
    def short(self) -> str:
        """Its name as git shows it: origin/3.13."""
        return f"{self.remote}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Refs:
    """Branches and tags: short names mapped to commits (annotated tags are peeled).

    `remote` are the remote-tracking branches, without the HEAD of a remote, which is no branch.
    `upstreams` maps local branches to the full names of the branches that they track.
    """

    branches: Mapping[str, str]
    tags: Mapping[str, str]
    remote: tuple[RemoteBranch, ...] = ()
    upstreams: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All short names, also of branches that only a remote has."""
        return [*self.branches, *self.tags, *(branch.name for branch in self.remote)]

    def commit(self, ref: str) -> str:
        """The commit of a full name; "" without such a ref."""
        folder, _, rest = ref.partition("/")
        kind, _, short = rest.partition("/")
        if folder != "refs":
            return ""
        if kind == "remotes":
            return next((branch.commit for branch in self.remote if branch.ref == ref), "")
        return {"heads": self.branches, "tags": self.tags}.get(kind, {}).get(short, "")


def sort_refs(
    pairs: Iterable[tuple[str, str]],
    remotes: Iterable[str] = (),
    upstreams: Mapping[str, str] | None = None,
) -> Refs:
    """Sort full ref names into branches and tags. `remotes` are the names of configured remotes.

    A peeled name (^{}) comes after the annotated tag that it peels, and replaces it.
    """
    branches, tags, tracking = {}, {}, []
    known = sorted(remotes, key=len, reverse=True)
    for full, commit in pairs:
        name = full.removesuffix("^{}")
        if name.startswith("refs/heads/"):
            branches[name.removeprefix("refs/heads/")] = commit
        elif name.startswith("refs/tags/"):
            tags[name.removeprefix("refs/tags/")] = commit
        elif name.startswith("refs/remotes/"):
            tracking.append(_remote_branch(name.removeprefix("refs/remotes/"), commit, known))
    return Refs(
        branches=branches,
        tags=tags,
        remote=tuple(branch for branch in tracking if branch.name not in ("", "HEAD")),
        upstreams=upstreams or {},
    )


def _remote_branch(short: str, commit: str, remotes: Iterable[str]) -> RemoteBranch:
    """The name of a remote may have slashes; one that is not configured ends at the first."""
    for remote in remotes:
        if short.startswith(f"{remote}/"):
            return RemoteBranch(remote=remote, name=short[len(remote) + 1 :], commit=commit)
    remote, _, name = short.partition("/")
    return RemoteBranch(remote=remote, name=name, commit=commit)


def ambiguous_ref(stderr: str) -> str:
    """The name of which git warns that it has several meanings, "" for none."""
    match = _AMBIGUOUS_REF.search(stderr)
    return match[1] if match else ""


def ambiguous_hash(stderr: str) -> str:
    """The abbreviated hash that several commits begin with, "" for none."""
    match = _AMBIGUOUS_HASH.search(stderr)
    return match[1] if match else ""


def refs_of(name: str) -> tuple[str, ...]:
    """The refs that a name may stand for, in the order of gitrevisions."""
    name = "HEAD" if name == "@" else name
    folders = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
    return (*(f"{folder}{name}" for folder in folders), f"refs/remotes/{name}/HEAD")
