"""What a name means: git's own rule, and the additions where git has no answer. Pure.

1. What git takes it for (gitrevisions): HEAD, a tag or branch of this repository, origin/3.13, a
   hash, an expression. A name that is a branch and a tag, or has several meanings in another way of
   which git only warns, is refused; all meanings are listed. A full hash is always that commit.
2. Only where git has no answer: a branch that only remotes have, by its name there (3.13 for
   origin/3.13), and a release without its v (3.13.5, 3.14.0rc1). Where that gives different commits
   (of several remotes; or of a branch and a release), it is refused, and all are listed.
3. Only where that gives nothing: a language version (2.7) is its newest release.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from builder.errors import SourceError
from builder.git import Meaning, Refs, refs_of
from builder.versions import is_branch_version, is_final, newest, version_key

MAIN_BRANCHES = ("main", "master")
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class NamedCommit:
    """The commit of a name; `ref` and `origin` as in `Revision`."""

    commit: str
    ref: str = ""
    origin: str = ""


def choose(name: str, refs: Refs, where: str) -> NamedCommit | None:
    """What a name means in a repository of which only the refs are known; None for nothing.

    Raises SourceError, whose place is `where`, for a name with several meanings.
    """
    matches = [
        Meaning(name=ref, commit=commit) for ref in refs_of(name) if (commit := refs.commit(ref))
    ]
    if len(matches) > 1:
        raise ambiguous(name, where, matches)
    if matches:
        return NamedCommit(commit=matches[0].commit, ref=matches[0].name)
    return addition(name, refs, where)


def addition(name: str, refs: Refs, where: str) -> NamedCommit | None:
    """What a name means for which git has no answer; raises SourceError as `choose`."""
    matches = [
        (
            Meaning(name=branch.ref, commit=branch.commit),
            f"branch {name} of {branch.remote}; nothing here has that name",
        )
        for branch in refs.remote
        if branch.name == name
    ]
    tag = f"v{name}"
    if version_key(name)[0] and not is_branch_version(name) and tag in refs.tags:
        release = Meaning(name=f"refs/tags/{tag}", commit=refs.tags[tag])
        matches.append((release, f"release {name}"))
    if len({meaning.commit for meaning, _ in matches}) > 1:
        raise ambiguous(name, where, [meaning for meaning, _ in matches])
    if matches:
        meaning, origin = matches[0]
        return NamedCommit(commit=meaning.commit, ref=meaning.name, origin=origin)
    return _newest_release(name, refs)


def _newest_release(name: str, refs: Refs) -> NamedCommit | None:
    tags = newest(name, refs.tags) if is_branch_version(name) else []
    if not tags:
        return None
    origin = f"the newest release of {name}, which is no branch here"
    return NamedCommit(commit=refs.tags[tags[0]], ref=f"refs/tags/{tags[0]}", origin=origin)


def tracked_head(
    name: str, named: NamedCommit, refs: Refs, where: str, count: Callable[[str, str], int]
) -> NamedCommit:
    """The head of the branch that a local branch tracks, if the local one is behind it.

    `count` is how many commits a second commit has in its history that a first one lacks.
    A clone that is fetched, and not pulled, has new commits only there. Raises SourceError if both
    have commits of their own.
    """
    upstream = refs.upstreams.get(named.ref.removeprefix("refs/heads/"), "")
    head = refs.commit(upstream)
    behind = count(named.commit, head) if head else 0
    if not behind:
        return named
    own = count(head, named.commit)
    if own:
        raise SourceError(
            f"The head of {name} is not clear: {own} of its commits {_are(own)} not on the branch "
            f"that it tracks, and {behind} of that branch {_are(behind)} not on it.",
            where=f"{where}\n{named.ref}: {named.commit[:12]}\n{upstream}: {head[:12]}",
            hint=f"Merge or rebase {name}, or name the branch that is to be followed: "
            f"{upstream.removeprefix('refs/remotes/')}.",
        )
    origin = f"tracked by {name}, which is {behind} behind"
    return NamedCommit(commit=head, ref=upstream, origin=origin)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def ambiguous(name: str, where: str, meanings: Sequence[Meaning]) -> SourceError:
    """The error for a name with several meanings; the hint has what to type for each."""
    rows = [
        f"{meaning.name}: {meaning.commit[:12] or 'not a commit'}"
        for meaning in meanings
        if meaning.name != meaning.commit
    ]
    hashes = [f"commit {meaning.commit}" for meaning in meanings if meaning.name == meaning.commit]
    # HEAD itself is as ambiguous as before.
    typed = [m.name if m.name != "HEAD" else m.commit for m in meanings if m.commit]
    return SourceError(
        f"{name} has {len(meanings)} meanings here, and it is not known which one is meant.",
        where="\n".join([where, *rows, *hashes]),
        hint=f"Name one of them: {', '.join(dict.fromkeys(typed))}.",
    )


LISTED = "`patchbench sources` lists them all."


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
    branches = [other for other in names if is_branch_version(other) or other in MAIN_BRANCHES]
    examples = _latest(close) or [*_latest(branches), *_latest(filter(is_final, names))]
    names_text = f"It has {', '.join(examples)}." if examples else "It has no revisions."
    return SourceError(
        f"{name} is not a revision of this source.",
        where=where,
        hint=f"{names_text} {listing}",
    )


def _latest(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (version_key(name), name))[-_SHOWN:]
