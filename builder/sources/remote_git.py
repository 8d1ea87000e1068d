"""A git repository elsewhere as a source, fetched as little as possible.

A revision comes as one commit without its past. What only the past can tell (an abbreviated hash, a
merge base) is asked of a second repository that has all commits and, where the server can leave
them out, no files.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence

from builder.errors import SourceError, UnreachableError
from builder.files import digest, hold_lock
from builder.git import FetchFailure, Refs, Repository, fetch
from builder.home import Home
from builder.sources.revision import (
    Revision,
    Say,
    SourceOffer,
    base_commit,
    base_name,
    choose,
    git_offers,
    revision_of,
    unknown,
    waiting,
)
from builder.versions import is_hash, is_release

_ANSWER_SECONDS = 15.0
_ALL = ("refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")


class RemoteGit:
    """See revisions.Source. Nothing is asked of the remote before the first resolve."""

    def __init__(self, url: str, home: Home, say: Say) -> None:
        self._url = _checked(url)
        self._home = home
        self._say = say
        self._name = f"remote-{digest(self._url)}"
        self.label = f"git {public(self._url)}"
        self._known: Refs | UnreachableError | None = None
        self._repository = Repository.init(home.sources / f"{self._name}.git")

    @property
    def repository(self) -> Repository:
        """See revisions.Source."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See revisions.Source. Raises UnreachableError when the answer is not here already."""
        return self.cached(name) or self._revision(name, self._commit(name))

    def cached(self, name: str) -> Revision | None:
        """What a name that never moves means, if it was fetched before; asks nobody."""
        commit = None
        if is_release(name):
            chosen = choose(name, self._repository.refs())
            commit = chosen[1] if chosen else None
        elif is_hash(name) and len(name) == 40 and self._repository.has_commit(name.lower()):
            commit = name.lower()
        return self._revision(name, commit) if commit else None

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """See revisions.Source. Fetches all commits (not their files) up to the two."""
        candidate = self.resolve(name)
        refs = self._refs()
        base = base_name(candidate, branch, refs)
        tip = self._look_up(base)[1]
        graph = self._history((candidate.commit, tip))
        commit = base_commit(graph, candidate, tip, base)
        self._fetch(commit, f"refs/commits/{commit}", commit[:12])
        return self._revision(commit[:12], commit)

    def history(self, commits: Sequence[str]) -> Repository:
        """See revisions.Source."""
        return self._history(commits)

    def offers(self) -> tuple[SourceOffer, ...]:
        """See revisions.Source."""
        where = public(self._url)
        here = self._repository.refs()
        try:
            return git_offers(self._refs(), where, here.tags)
        except UnreachableError as error:
            trouble = SourceOffer(kind="git", where=where, note=error.what)
            return (trouble, *git_offers(here, where, here.tags))

    def _revision(self, name: str, commit: str) -> Revision:
        return revision_of(self._repository, self.label, name, commit)

    def _commit(self, name: str) -> str:
        """The commit that a name means, fetched."""
        try:
            ref, commit = self._look_up(name)
        except UnreachableError as error:
            chosen = choose(name, self._repository.refs())
            if chosen is None:
                raise
            self._say(f"{error.what} Using {chosen[0].split('/', 2)[2]} as it was fetched last.")
            return chosen[1]
        self._fetch(commit, ref, name)
        return commit

    def _look_up(self, name: str) -> tuple[str, str]:
        """The ref to keep it by, and the commit."""
        refs = self._refs()
        chosen = choose(name, refs)
        if chosen is not None:
            return chosen
        if not is_hash(name):
            raise unknown(name, self.label, [*refs.branches, *refs.tags])
        commit = name.lower()
        if len(commit) < 40:
            # A server finds full hashes only.
            found = self._old_history().find(commit) or self._history(_ALL).find(commit)
            if found is None:
                raise unknown(name, self.label, [*refs.branches, *refs.tags])
            commit = found
        return f"refs/commits/{commit}", commit

    def _refs(self) -> Refs:
        """What the remote has; asked once. That it did not answer is remembered as well."""
        if self._known is None:
            try:
                self._known = fetch.list_remote(self._url, timeout=_ANSWER_SECONDS)
            except FetchFailure as failure:
                self._known = UnreachableError(
                    f"{public(self._url)} cannot be reached ({_hidden(failure.reason)}).",
                    where=public(self._url),
                    hint="Check the address and the network, or name another source with --source.",
                )
        if isinstance(self._known, UnreachableError):
            raise self._known
        return self._known

    def _fetch(self, commit: str, ref: str, name: str) -> None:
        with self._locked(self._repository) as held:
            if not self._repository.has_commit(commit):
                self._say(
                    f"Fetching {name} from {public(self._url)}: one revision, without history."
                )
                self._fetch_one(commit, ref, held)
            elif self._repository.find(ref) != commit:
                self._repository.set_ref(ref, commit)

    def _fetch_one(self, commit: str, ref: str, held: int) -> None:
        try:
            fetch.fetch(self._repository, self._url, [f"{commit}:{ref}"], depth=1, keep=(held,))
            return
        except FetchFailure as failure:
            if not failure.refused:
                raise self._lost(failure) from failure
            first = failure
        self._say("The server does not give single commits: fetching all branches and tags.")
        self._fetch_all(self._repository, held)
        if not self._repository.has_commit(commit):
            raise SourceError(
                f"{public(self._url)} does not give commit {commit} ({_hidden(first.reason)}).",
                where=public(self._url),
                hint="It must be on a branch or tag of the remote.",
            )
        self._repository.set_ref(ref, commit)

    def _fetch_all(self, repository: Repository, held: int) -> None:
        try:
            fetch.fetch(repository, self._url, _ALL, keep=(held,))
        except FetchFailure as failure:
            raise self._lost(failure) from failure

    def _history(self, wanted: Iterable[str]) -> Repository:
        """A repository with the commits of `wanted` (hashes or refspecs) and all before them."""
        history = self._old_history()
        specs = [one if ":" in one else f"{one}:refs/commits/{one}" for one in wanted]
        with self._locked(history) as held:
            if all(history.find(spec.partition(":")[2]) for spec in specs):
                return history
            self._say(f"Fetching the history of {public(self._url)}: commits, without their files.")
            try:
                fetch.fetch(history, self._url, specs, commits_only=True, keep=(held,))
            except FetchFailure as failure:
                if not failure.refused:
                    raise self._lost(failure) from failure
                self._fetch_all(history, held)
        return history

    def _old_history(self) -> Repository:
        return Repository.init(self._home.sources / f"{self._name}-history.git")

    @contextlib.contextmanager
    def _locked(self, repository: Repository) -> Iterator[int]:
        path = self._home.lock(f"source-{self._name}")
        with hold_lock(path, on_wait=waiting(self._say)) as held:
            fetch.recover(repository)
            yield held

    def _lost(self, failure: FetchFailure) -> UnreachableError:
        return UnreachableError(
            f"Fetching from {public(self._url)} failed: {_hidden(failure.reason)}.",
            where=public(self._url),
            hint="Run the same again to go on; check the network and the free space.",
        )


def public(url: str) -> str:
    """A URL without the name and password in it."""
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


def _hidden(reason: str) -> str:
    """git's account of a failure, with no password in it and no address a second time."""
    return re.sub(r"unable to access '[^']*':\s*", "", re.sub(r"//[^/@\s]*@", "//", reason))


def _checked(url: str) -> str:
    if url.startswith("-") or "::" in url.partition("/")[0] or any(c.isspace() for c in url):
        raise SourceError(
            "This is not an address of a git repository.",
            where=url,
            hint="Give a URL (https://..., ssh://..., file://..., user@host:path) or a path.",
        )
    return url
