"""A source that is a git repository on this machine; its objects are shared, not copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builder.errors import SourceError
from builder.files import digest, hold_lock
from builder.git import Repository, fetch, locate, work_tree
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


class LocalGit:
    """See `Source`. New commits in the repository are visible immediately."""

    def __init__(self, path: Path, home: Home, say: Say) -> None:
        self._original = _open(path)
        self.path = path
        self.work_tree = work_tree(path, self._original)
        # Reports contain only the name of the folder: its path is private.
        self._label = f"git {path.resolve().name}"
        name = f"local-{digest(str(self._original.shared_path('objects').resolve()))}"
        with hold_lock(home.lock(f"source-{name}"), on_wait=on_wait(say)):
            self._repository = Repository.init(home.sources / f"{name}.git")
            fetch.add_alternate(self._repository, self._original)
            fetch.copy_shallow_file(self._repository, self._original)

    @property
    def repository(self) -> Repository:
        """See `Source`."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See `Source`. Also accepts git's revision syntax (main~3)."""
        return revision_of(self._repository, self._label, name, self._commit(name))

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """See `Source`."""
        candidate = self.resolve(name)
        base = base_name(candidate, branch, self._original.refs())
        commit = base_commit(self._repository, candidate, self._commit(base), base)
        return revision_of(self._repository, self._label, commit[:12], commit)

    def history(self, commits: Sequence[str]) -> Repository | None:  # noqa: ARG002
        """See `Source`."""
        return self._repository

    def offers(self) -> tuple[SourceOffer, ...]:
        """See `Source`."""
        refs = self._original.refs()
        return git_offers(refs, self._label.removeprefix("git "), refs.tags)

    def _commit(self, name: str) -> str:
        refs = self._original.refs()
        chosen = choose(name, refs)
        commit = chosen[1] if chosen else self._original.find(name)
        if commit is None:
            raise unknown(name, self._label, [*refs.branches, *refs.tags])
        return commit


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
