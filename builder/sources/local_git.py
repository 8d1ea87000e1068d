"""A source that is a git repository on this machine; its objects are shared, not copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builder.errors import SourceError
from builder.files import digest
from builder.git import Repository, fetch, locate
from builder.home import Home
from builder.sources.base import choose_base, trunks_of
from builder.sources.names import NamedCommit, addition, ambiguous, tracked_head, unknown
from builder.sources.revision import (
    Revision,
    Say,
    SourceOffer,
    git_offers,
    lock_source,
    revision_of,
)


class LocalGit:
    """See `Source`. New commits in the repository are visible immediately."""

    def __init__(self, path: Path, home: Home, say: Say) -> None:
        self._original = _open(path)
        # Reports contain only the name of the folder: its path is private.
        self._label = f"git {path.resolve().name}"
        name = f"local-{digest(str(self._original.shared_path('objects').resolve()))}"
        with lock_source(home, home.lock(f"source-{name}"), say):
            self._repository = Repository.init(home.sources / f"{name}.git")
            fetch.add_alternate(self._repository, self._original)
            fetch.copy_shallow_file(self._repository, self._original)

    @property
    def repository(self) -> Repository:
        """See `Source`."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See `Source`. HEAD is that of the work tree that the source is named by."""
        return self._revision(name, self._named(name))

    def head(self, name: str) -> Revision:
        """See `Source`."""
        named = self._named(name)
        refs = self._original.refs()
        count = self._repository.count
        return self._revision(name, tracked_head(name, named, refs, self._label, count))

    def candidate_base(self, name: str) -> Revision:
        """See `Source`."""
        candidate = self.resolve(name)
        trunks = trunks_of(candidate, self._original.refs())
        base = choose_base(self._repository, candidate, trunks)
        chosen = NamedCommit(commit=base.commit, origin=base.origin)
        return self._revision(base.commit[:12], chosen)

    def history(self, commits: Sequence[str]) -> Repository | None:  # noqa: ARG002
        """See `Source`."""
        return self._repository

    def offers(self) -> tuple[SourceOffer, ...]:
        """See `Source`."""
        refs = self._original.refs()
        return git_offers(refs, self._label.removeprefix("git "), refs.tags)

    def _named(self, name: str) -> NamedCommit:
        answer = self._original.answer(name)
        if answer.meanings:
            raise ambiguous(name, self._label, answer.meanings)
        if answer.commit:
            return NamedCommit(commit=answer.commit, ref=answer.ref)
        refs = self._original.refs()
        named = addition(name, refs, self._label)
        if named is None:
            raise unknown(name, self._label, refs.names)
        return named

    def _revision(self, name: str, chosen: NamedCommit) -> Revision:
        return revision_of(self._repository, self._label, name, chosen)


def _open(path: Path) -> Repository:
    try:
        repository = locate(path) if path.is_dir() else None
    except OSError as error:
        raise SourceError(
            f"The repository cannot be read: {error.strerror}.", where=str(path)
        ) from error
    if repository is None:
        raise SourceError(
            "There is no git repository at this path.",
            where=str(path),
            hint="Name the top folder of a clone, a bare repository, or a URL.",
        )
    if repository.object_format() != "sha1":
        raise SourceError(
            "This repository uses SHA-256 object names, which no history of CPython does.",
            where=str(path),
            hint="Convert it, or name another clone.",
        )
    return repository
