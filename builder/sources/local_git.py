"""A git repository on this machine as a source: its objects are shared, nothing is copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builder.errors import SourceError
from builder.files import digest, hold_lock
from builder.git import Repository, fetch, locate
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


class LocalGit:
    """See revisions.Source. What is committed there is seen at once, here and in later runs."""

    def __init__(self, path: Path, home: Home, say: Say) -> None:
        theirs = _located(path)
        self._theirs = theirs
        # Reports carry the name of the folder alone: where it lies is nobody's business.
        self._label = f"git {path.resolve().name}"
        name = f"local-{digest(str(theirs.shared_path('objects').resolve()))}"
        with hold_lock(home.lock(f"source-{name}"), on_wait=waiting(say)):
            self._repository = Repository.init(home.sources / f"{name}.git")
            fetch.borrow(self._repository, theirs)
            fetch.follow_depth(self._repository, theirs)

    @property
    def repository(self) -> Repository:
        """See revisions.Source."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See revisions.Source. git's own syntax (main~3) is understood as well."""
        return revision_of(self._repository, self._label, name, self._commit(name))

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """See revisions.Source."""
        candidate = self.resolve(name)
        base = base_name(candidate, branch, self._theirs.refs())
        commit = base_commit(self._repository, candidate, self._commit(base), base)
        return revision_of(self._repository, self._label, commit[:12], commit)

    def history(self, commits: Sequence[str]) -> Repository | None:  # noqa: ARG002
        """See revisions.Source."""
        return self._repository

    def offers(self) -> tuple[SourceOffer, ...]:
        """See revisions.Source."""
        refs = self._theirs.refs()
        return git_offers(refs, self._label.removeprefix("git "), refs.tags)

    def _commit(self, name: str) -> str:
        refs = self._theirs.refs()
        chosen = choose(name, refs)
        commit = chosen[1] if chosen else self._theirs.find(name)
        if commit is None:
            raise unknown(name, self._label, [*refs.branches, *refs.tags])
        return commit


def _located(path: Path) -> Repository:
    try:
        found = locate(path) if path.is_dir() else None
    except OSError as error:
        raise SourceError(
            f"The repository cannot be read: {error.strerror}.", where=str(path)
        ) from error
    if found is None:
        raise SourceError(
            "There is no git repository at this path.",
            where=str(path),
            hint="Name the top folder of a clone, a bare repository, or a URL.",
        )
    if found.object_format() != "sha1":
        raise SourceError(
            "This repository names its objects by SHA-256, which no CPython history does.",
            where=str(path),
            hint="Convert it, or name another clone.",
        )
    return found
