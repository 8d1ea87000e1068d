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
from builder.files import digest
from builder.git import FetchFailure, Refs, Repository, fetch
from builder.home import Home
from builder.sources.base import choose_base, trunks_of
from builder.sources.names import NamedCommit, choose, unknown
from builder.sources.revision import (
    Revision,
    Say,
    SourceOffer,
    git_offers,
    lock_source,
    revision_of,
)
from builder.versions import is_hash, is_release

DEFAULT_REMOTE = "https://github.com/python/cpython"
_ANSWER_SECONDS = 15.0
_HEAD_NAMES = ("HEAD", "@")
_STORED_HEAD = "refs/remote-head"
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
        """See `Source`. Raises UnreachableError if the remote is needed and does not answer.

        Branches and tags are the remote's, and HEAD is its default branch.
        """
        return self.cached(name) or self._revision(name, self._fetched(name))

    def head(self, name: str) -> Revision:
        """See `Source`. The remote's own branches track nothing."""
        return self.resolve(name)

    def cached(self, name: str) -> Revision | None:
        """A release or full hash that was fetched before; needs no network."""
        chosen = None
        if is_release(name):
            chosen = choose(name, self._repository.refs(), self.label)
        elif _is_full(name) and self._repository.has_commit(name.lower()):
            chosen = NamedCommit(commit=name.lower())
        return self._revision(name, chosen) if chosen else None

    def candidate_base(self, name: str) -> Revision:
        """See `Source`. Fetches the history of the candidate and of the branches, without files."""
        candidate = self.resolve(name)
        trunks = trunks_of(candidate, self._refs())
        heads = dict.fromkeys((candidate.commit, *(trunk.commit for trunk in trunks)))
        base = choose_base(self._history(heads), candidate, trunks)
        self._fetch(base.commit, f"refs/commits/{base.commit}", base.commit[:12])
        chosen = NamedCommit(commit=base.commit, origin=base.origin)
        return self._revision(base.commit[:12], chosen)

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

    def _revision(self, name: str, chosen: NamedCommit) -> Revision:
        return revision_of(self._repository, self.label, name, chosen)

    def _fetched(self, name: str) -> NamedCommit:
        """What a name means, after fetching it."""
        try:
            named = self._look_up(name)
        except UnreachableError as error:
            stored = self._stored(name)
            if stored is None:
                raise
            short = stored.ref.split("/", 2)[-1]
            self._say(f"{error.what} Using {short} as it was fetched last.")
            return stored
        if named.ref != "HEAD":
            self._fetch(named.commit, named.ref or f"refs/commits/{named.commit}", name)
        return named

    def _stored(self, name: str) -> NamedCommit | None:
        """What a name meant when it was fetched last."""
        if name not in _HEAD_NAMES:
            return choose(name, self._repository.refs(), self.label)
        commit = self._repository.find(_STORED_HEAD)
        return NamedCommit(commit=commit, ref="HEAD") if commit else None

    def _look_up(self, name: str) -> NamedCommit:
        refs = self._refs()
        named = None if _is_full(name) else choose(name, refs, self.label)
        if named is None and name in _HEAD_NAMES:
            named = NamedCommit(commit=self._remote_head(), ref="HEAD")
        if named is not None:
            return named
        if not is_hash(name):
            raise self._unknown(name, refs)
        commit = name.lower()
        if not _is_full(name):
            # A server accepts only full hashes.
            full = self._history_repository().find(commit) or self._history(_ALL).find(commit)
            if full is None:
                raise self._unknown(name, refs)
            commit = full
        return NamedCommit(commit=commit)

    def _remote_head(self) -> str:
        """The head of the remote's default branch, fetched by itself: to list HEAD, a server would
        list all refs, which on a large host are those of every pull request.
        """
        with self._locked(self._repository) as lock_fd:
            self._say(f"Fetching HEAD from {public(self._url)}: one revision, without history.")
            specs = [f"HEAD:{_STORED_HEAD}"]
            try:
                fetch.fetch(self._repository, self._url, specs, depth=1, keep_fds=(lock_fd,))
            except FetchFailure as failure:
                raise self._unreachable(failure) from failure
        return self._repository.resolve(_STORED_HEAD)

    def _unknown(self, name: str, refs: Refs) -> SourceError:
        names, url = refs.names, public(self._url)
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
        with lock_source(self._home, path, self._say) as lock_fd:
            fetch.recover(repository)
            yield lock_fd

    def _unreachable(self, failure: FetchFailure) -> UnreachableError:
        return UnreachableError(
            f"Fetching from {public(self._url)} failed: {_without_secrets(failure.reason)}.",
            where=public(self._url),
            hint="Check the network and the free space, then run the same command again.",
        )


def _is_full(name: str) -> bool:
    return is_hash(name) and len(name) == 40


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
