"""A source that is a remote git repository, of which as little as possible is fetched.

A revision is fetched as one commit without history. An abbreviated hash or a merge base needs the
history: it is looked up in a second repository that has all commits and, if the server supports
that, no files.
"""

from __future__ import annotations

import contextlib
import re
import shlex
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
    on_wait,
    revision_of,
    unknown,
)
from builder.versions import is_hash, is_release

DEFAULT_REMOTE = "https://github.com/python/cpython"
_ANSWER_SECONDS = 15.0
_ALL = ("refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")


class RemoteGit:
    """See `Source`. The remote is not contacted before the first `resolve`."""

    def __init__(self, url: str, home: Home, say: Say) -> None:
        self._url = _checked_url(url)
        self._home = home
        self._say = say
        self._name = f"remote-{digest(self._url)}"
        self.label = f"git {public(self._url)}"
        self._answer: Refs | UnreachableError | None = None
        self._repository = Repository.init(home.sources / f"{self._name}.git")

    @property
    def repository(self) -> Repository:
        """See `Source`."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See `Source`. Raises UnreachableError if the remote is needed and does not answer."""
        return self.cached(name) or self._revision(name, self._commit(name))

    def cached(self, name: str) -> Revision | None:
        """A release or full hash that was fetched before; needs no network."""
        commit = None
        if is_release(name):
            chosen = choose(name, self._repository.refs())
            commit = chosen[1] if chosen else None
        elif is_hash(name) and len(name) == 40 and self._repository.has_commit(name.lower()):
            commit = name.lower()
        return self._revision(name, commit) if commit else None

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """See `Source`. Fetches the history of both commits, without files."""
        candidate = self.resolve(name)
        refs = self._refs()
        base = base_name(candidate, branch, refs)
        tip = self._look_up(base)[1]
        graph = self._history((candidate.commit, tip))
        commit = base_commit(graph, candidate, tip, base)
        self._fetch(commit, f"refs/commits/{commit}", commit[:12])
        return self._revision(commit[:12], commit)

    def history(self, commits: Sequence[str]) -> Repository:
        """See `Source`."""
        return self._history(commits)

    def offers(self) -> tuple[SourceOffer, ...]:
        """See `Source`."""
        where = public(self._url)
        fetched = self._repository.refs()
        try:
            return git_offers(self._refs(), where, fetched.tags)
        except UnreachableError as error:
            problem = SourceOffer(kind="git", where=where, note=error.what)
            return (problem, *git_offers(fetched, where, fetched.tags))

    def _revision(self, name: str, commit: str) -> Revision:
        return revision_of(self._repository, self.label, name, commit)

    def _commit(self, name: str) -> str:
        """The commit of a name, after fetching it."""
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
        """The local ref under which a revision is stored, and its commit."""
        refs = self._refs()
        chosen = choose(name, refs)
        if chosen is not None:
            return chosen
        if not is_hash(name):
            raise self._unknown(name, refs)
        commit = name.lower()
        if len(commit) < 40:
            # A server accepts only full hashes.
            full = self._history_repository().find(commit) or self._history(_ALL).find(commit)
            if full is None:
                raise self._unknown(name, refs)
            commit = full
        return f"refs/commits/{commit}", commit

    def _unknown(self, name: str, refs: Refs) -> SourceError:
        names, url = [*refs.branches, *refs.tags], public(self._url)
        if url == DEFAULT_REMOTE:
            return unknown(name, self.label, names)
        listing = f"`git ls-remote {shlex.quote(url)}` lists them all."
        return unknown(name, self.label, names, listing=listing)

    def _refs(self) -> Refs:
        """The refs of the remote, requested once; a failure is remembered as well."""
        if self._answer is None:
            try:
                self._answer = fetch.list_remote(self._url, timeout=_ANSWER_SECONDS)
            except FetchFailure as failure:
                self._answer = UnreachableError(
                    f"{public(self._url)} cannot be reached ({_without_secrets(failure.reason)}).",
                    where=public(self._url),
                    hint="Check the address and the network, or name another source with --source.",
                )
        if isinstance(self._answer, UnreachableError):
            raise self._answer
        return self._answer

    def _fetch(self, commit: str, ref: str, name: str) -> None:
        with self._locked(self._repository) as lock_fd:
            if not self._repository.has_commit(commit):
                self._say(
                    f"Fetching {name} from {public(self._url)}: one revision, without history."
                )
                self._fetch_one(commit, ref, lock_fd)
            elif self._repository.find(ref) != commit:
                self._repository.set_ref(ref, commit)

    def _fetch_one(self, commit: str, ref: str, lock_fd: int) -> None:
        try:
            fetch.fetch(
                self._repository, self._url, [f"{commit}:{ref}"], depth=1, keep_fds=(lock_fd,)
            )
            return
        except FetchFailure as failure:
            if not failure.refused:
                raise self._unreachable(failure) from failure
            first = failure
        self._say("The server does not send single commits: fetching all branches and tags.")
        self._fetch_all(self._repository, lock_fd)
        if not self._repository.has_commit(commit):
            raise SourceError(
                f"{public(self._url)} does not send commit {commit} "
                f"({_without_secrets(first.reason)}).",
                where=public(self._url),
                hint="The commit must be on a branch or tag of the remote.",
            )
        self._repository.set_ref(ref, commit)

    def _fetch_all(self, repository: Repository, lock_fd: int) -> None:
        try:
            fetch.fetch(repository, self._url, _ALL, keep_fds=(lock_fd,))
        except FetchFailure as failure:
            raise self._unreachable(failure) from failure

    def _history(self, commits: Iterable[str]) -> Repository:
        """A repository with the given commits (hashes or refspecs) and all their ancestors."""
        history = self._history_repository()
        specs = [name if ":" in name else f"{name}:refs/commits/{name}" for name in commits]
        with self._locked(history) as lock_fd:
            if all(history.find(spec.partition(":")[2]) for spec in specs):
                return history
            self._say(f"Fetching the history of {public(self._url)}: commits, without their files.")
            try:
                fetch.fetch(history, self._url, specs, commits_only=True, keep_fds=(lock_fd,))
            except FetchFailure as failure:
                if not failure.refused:
                    raise self._unreachable(failure) from failure
                self._fetch_all(history, lock_fd)
        return history

    def _history_repository(self) -> Repository:
        return Repository.init(self._home.sources / f"{self._name}-history.git")

    @contextlib.contextmanager
    def _locked(self, repository: Repository) -> Iterator[int]:
        path = self._home.lock(f"source-{self._name}")
        with hold_lock(path, on_wait=on_wait(self._say)) as lock_fd:
            fetch.recover(repository)
            yield lock_fd

    def _unreachable(self, failure: FetchFailure) -> UnreachableError:
        return UnreachableError(
            f"Fetching from {public(self._url)} failed: {_without_secrets(failure.reason)}.",
            where=public(self._url),
            hint="Check the network and the free space, then run the same command again.",
        )


def public(url: str) -> str:
    """A URL without user name and password."""
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


def _without_secrets(reason: str) -> str:
    """git's error message without passwords, and without repeating the address."""
    return re.sub(r"unable to access '[^']*':\s*", "", re.sub(r"//[^/@\s]*@", "//", reason))


def _checked_url(url: str) -> str:
    if url.startswith("-") or "::" in url.partition("/")[0] or any(c.isspace() for c in url):
        raise SourceError(
            "This is not an address of a git repository.",
            where=url,
            hint="Give a URL (https://..., ssh://..., file://..., user@host:path) or a path.",
        )
    return url
