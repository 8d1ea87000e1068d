"""The base of a candidate that is named alone: where it left the branch that it belongs to. Pure.

A trunk is a branch on which CPython is developed: that of the candidate's version (2.7), main or
master, here and on every remote. A branch's tracked upstream, where it is a trunk of a remote, goes
before all others. Else the base is the nearest merge base with any trunk: all other merge bases are
ancestors of it. A commit that is on a trunk already is compared with its first parent.

A local trunk is only a copy where a remote has a branch of that name, or where it tracks one: what
is on the copy alone is the candidate's own work. Where the trunks give different answers, neither
of which goes before the other, the base has to be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from builder.errors import SourceError
from builder.git import Refs
from builder.sources.names import MAIN_BRANCHES
from builder.sources.revision import Revision

_LOCAL, _REMOTE = "refs/heads/", "refs/remotes/"


class Graph(Protocol):
    """The history of a repository; see `Repository`."""

    def merge_bases(self, first: str, second: str) -> tuple[str, ...]:
        """The best common ancestors."""

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether one is in the history of the other, or equal to it."""

    def parents(self, commit: str) -> tuple[str, ...]:
        """A commit's parents, the first one first."""

    def count(self, old: str, new: str) -> int:
        """How many commits are in the history of `new` and not in that of `old`."""


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A branch that a candidate may have left. `name` is the branch's own, also on a remote.

    `is_copy`: a remote has it as well. `is_tracked`: the candidate's branch tracks it.
    """

    ref: str
    name: str
    commit: str
    is_copy: bool = False
    is_tracked: bool = False

    @property
    def short(self) -> str:
        """Its name as git shows it: 2.7, origin/2.7."""
        return self.ref.removeprefix("refs/").partition("/")[2]

    @property
    def is_remote(self) -> bool:
        """Whether it is a branch of a remote."""
        return self.ref.startswith(_REMOTE)


@dataclass(frozen=True, kw_only=True)
class Base:
    """A commit to compare a candidate with; `origin` says in words how it was chosen."""

    commit: str
    origin: str


# -- which branches are trunks ---------------------------------------------------------------------


def trunks_of(candidate: Revision, refs: Refs) -> tuple[Trunk, ...]:
    """The trunks that a candidate may have left, the likeliest first.

    Without a branch of its version, the tag of that name is one: CPython replaces a branch by it at
    its end of life.
    """
    names = (candidate.branch, *MAIN_BRANCHES)
    tracked = refs.upstreams.get(candidate.ref.removeprefix(_LOCAL), "")
    remote = [(branch.ref, branch.name, branch.commit) for branch in refs.remote]
    local = [(f"{_LOCAL}{name}", name, commit) for name, commit in refs.branches.items()]
    trunks = [
        Trunk(
            ref=ref,
            name=name,
            commit=commit,
            is_copy=ref.startswith(_LOCAL) and _has_original(name, refs),
            is_tracked=ref == tracked,
        )
        for ref, name, commit in (*remote, *local)
        if name in names or ref == tracked
    ]
    trunks = [trunk for trunk in trunks if not _is_own_copy(trunk, candidate, names)]
    tag = refs.tags.get(candidate.branch)
    if tag and not any(trunk.name == candidate.branch for trunk in trunks):
        trunks.append(Trunk(ref=f"refs/tags/{candidate.branch}", name=candidate.branch, commit=tag))
    return tuple(sorted(trunks, key=lambda trunk: _order(trunk, names)))


def _has_original(name: str, refs: Refs) -> bool:
    tracks = refs.upstreams.get(name, "")
    return any(branch.name == name or branch.ref == tracks for branch in refs.remote)


def _is_own_copy(trunk: Trunk, candidate: Revision, names: Sequence[str]) -> bool:
    """Whether a trunk is the candidate's own branch: itself, or where it was pushed to."""
    if trunk.ref == candidate.ref:
        return trunk.is_copy
    is_pushed = trunk.is_tracked and trunk.is_remote and trunk.name not in names
    return is_pushed and f"{_LOCAL}{trunk.name}" == candidate.ref


def _order(trunk: Trunk, names: Sequence[str]) -> tuple[bool, bool, int, str]:
    place = names.index(trunk.name) if trunk.name in names else len(names)
    return not trunk.is_tracked, not trunk.is_remote, place, trunk.ref


# -- the base -------------------------------------------------------------------------------------


def choose_base(graph: Graph, candidate: Revision, trunks: Sequence[Trunk]) -> Base:
    """The commit to compare a candidate with.

    Raises SourceError: no trunk is known, none has a common history, or it is not clear which.
    """
    if not trunks:
        raise _no_base(candidate, f"this source has no branch {candidate.branch} or main")
    heads = dict.fromkeys(trunk.commit for trunk in trunks)
    bases = {head: graph.merge_bases(candidate.commit, head) for head in heads}
    shared = {trunk: commits for trunk in trunks if (commits := bases[trunk.commit])}
    if not shared:
        raise _no_base(candidate, f"it has no history in common with {trunks[0].short}")
    chooser = _Chooser(graph, candidate, shared)
    return chooser.of_upstream() or chooser.nearest()


class _Chooser:
    """Chooses among the merge bases of one candidate with each trunk."""

    def __init__(
        self, graph: Graph, candidate: Revision, bases: dict[Trunk, tuple[str, ...]]
    ) -> None:
        self._graph = graph
        self._candidate = candidate
        self._bases = bases
        self._names = (candidate.branch, *MAIN_BRANCHES)

    def of_upstream(self) -> Base | None:
        """The base with the tracked trunk of a remote; None without one.

        Refused where another remote's trunk has a merge base that is not in the past of it: commits
        that the candidate shares with that trunk would count as its own.
        """
        for trunk, commits in self._bases.items():
            if trunk.is_tracked and trunk.is_remote and trunk.name in self._names:
                others = [other for other in self._bases if other.is_remote]
                self._refuse_others(trunk, commits, others)
                return self._base(trunk, commits)
        return None

    def nearest(self) -> Base:
        """The base of a candidate that tracks no trunk of a remote."""
        stacked = [trunk for trunk in self._bases if self._is_stacked(trunk)]
        trunks = [trunk for trunk in self._bases if trunk not in stacked] or stacked
        own = [trunk for trunk in trunks if trunk.is_copy and self._is_on(trunk)]
        trunks = [trunk for trunk in trunks if trunk not in own] or own
        on = [trunk for trunk in trunks if self._is_on(trunk)]
        if on:
            rivals = [trunk for trunk in trunks if self._is_rival(trunk, on)]
            return self._agreed([on[0], *rivals, *stacked])
        return self._agreed([self._nearest_trunk(trunks), *stacked])

    def _nearest_trunk(self, trunks: Sequence[Trunk]) -> Trunk:
        """The first trunk whose merge base is the only one that is in the past of no other."""
        commits = dict.fromkeys(commit for trunk in trunks for commit in self._bases[trunk])
        nearest = [commit for commit in commits if not self._is_before_any(commit, commits)]
        if len(nearest) > 1:
            raise self._unclear(trunks, nearest)
        return next(trunk for trunk in trunks if nearest[0] in self._bases[trunk])

    def _is_on(self, trunk: Trunk) -> bool:
        return self._bases[trunk] == (self._candidate.commit,)

    def _is_rival(self, trunk: Trunk, on: Sequence[Trunk]) -> bool:
        """Whether a branch as the candidate may be new work to this trunk: it is only on another
        remote's trunk of that name. A single commit is compared with its parent.
        """
        is_branch = self._candidate.ref.startswith((_LOCAL, _REMOTE))
        is_other = trunk.is_remote and trunk.name in {other.name for other in on}
        return is_branch and is_other and not self._is_on(trunk)

    def _is_stacked(self, trunk: Trunk) -> bool:
        """Whether it is tracked and no trunk: work that this builds on, or where it was pushed."""
        return trunk.is_tracked and trunk.is_remote and trunk.name not in self._names

    def _agreed(self, trunks: Sequence[Trunk]) -> Base:
        """The base with the first trunk, if those with the others are the same commit."""
        bases = [self._base(trunk, self._bases[trunk]) for trunk in trunks]
        if len({base.commit for base in bases}) > 1:
            raise self._unclear(trunks)
        return bases[0]

    def _is_before_any(self, commit: str, others: Iterable[str]) -> bool:
        return any(other != commit and self._graph.is_ancestor(commit, other) for other in others)

    def _refuse_others(self, trunk: Trunk, commits: Sequence[str], others: Iterable[Trunk]) -> None:
        for other in others:
            nearer = [
                commit
                for commit in self._bases[other]
                if not any(commit == own or self._graph.is_ancestor(commit, own) for own in commits)
            ]
            if nearer:
                raise self._unclear([trunk, other])

    def _base(self, trunk: Trunk, commits: Sequence[str]) -> Base:
        """The base with one trunk. Raises SourceError for several merge bases, or no parent."""
        if len(commits) > 1:
            raise self._unclear([trunk])
        candidate = self._candidate
        if not self._is_on(trunk):
            return Base(commit=commits[0], origin=self._merge_base_words(trunk, commits[0]))
        parents = self._graph.parents(candidate.commit)
        if not parents:
            raise _no_base(candidate, "it has no parent in this history")
        where = (
            "the newest commit of this branch"
            if trunk.ref == candidate.ref and not trunk.is_remote
            else f"which is on {trunk.short}"
        )
        return Base(commit=parents[0], origin=f"parent of {candidate.name}, {where}")

    def _merge_base_words(self, trunk: Trunk, commit: str) -> str:
        count = self._graph.count(commit, self._candidate.commit)
        before = f"{count} commit{'s' if count != 1 else ''} before"
        return f"merge base of {self._candidate.name} and {trunk.short}, {before}"

    def _unclear(self, trunks: Sequence[Trunk], only: Sequence[str] = ()) -> SourceError:
        """The error that lists the plausible bases, with what to type for each.

        `only` are merge bases, if not all with these trunks are plausible.
        """
        rows: dict[str, str] = {}
        for trunk in trunks:
            if self._is_on(trunk):
                rows |= {
                    base.commit: base.origin for base in [self._base(trunk, self._bases[trunk])]
                }
                continue
            for commit in only or self._bases[trunk]:
                if commit in self._bases[trunk]:
                    rows.setdefault(commit, self._merge_base_words(trunk, commit))
        listing = [f"{commit[:12]} {origin}" for commit, origin in rows.items()]
        return SourceError(
            f"The base of {self._candidate.name} is not clear: {len(rows)} commits are plausible.",
            where="\n".join([self._candidate.source, *listing]),
            hint=f"Name the one that you mean: {' or '.join(f'--base {c[:12]}' for c in rows)}.",
        )


def _no_base(candidate: Revision, why: str) -> SourceError:
    return SourceError(
        f"The base of {candidate.name} is unknown: {why}.",
        where=candidate.source,
        hint="Name the base: --base REVISION. A shallow clone may lack the history: "
        "git fetch --unshallow",
    )
