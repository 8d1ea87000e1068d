"""A source that is a git repository on this machine; its objects are shared, not copied."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from builder.errors import SourceError
from builder.files import digest
from builder.git import Repository, condition, fetch, locate, work_tree
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

_NOWHERE = (
    "There is no git repository at this path.",
    "Name the top folder of a clone, a bare repository, or a URL.",
)


class LocalGit:
    """See `Source`. New commits in the repository are visible immediately."""

    def __init__(self, path: Path, home: Home, say: Say) -> None:
        self._original = _open(path)
        self.path = path
        self._say = say
        self._listing = f"`git -C {shlex.quote(str(path))} for-each-ref` lists them all."
        self.work_tree = work_tree(path, self._original)
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
        with self._explained():
            return self._revision(name, self._named(name))

    def head(self, name: str) -> Revision:
        """See `Source`."""
        with self._explained():
            named = self._named(name)
            refs = self._original.refs()
            count = self._repository.count
            return self._revision(name, tracked_head(name, named, refs, self._label, count))

    def candidate_base(self, name: str) -> Revision:
        """See `Source`."""
        with self._explained():
            base = self._candidate_base(name)
        if self._original.shared_path("shallow").exists():
            state = condition.examine(self._original.path)
            self._say(f"The base was searched in what there is: {state.path} {state.kind}.")
        return base

    def _candidate_base(self, name: str) -> Revision:
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
            raise unknown(name, self._label, refs.names, listing=self._listing)
        return named

    def _revision(self, name: str, chosen: NamedCommit) -> Revision:
        return revision_of(self._repository, self._label, name, chosen)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Add to an error what the clone lacks, if that may be the reason."""
        try:
            yield
        except SourceError as error:
            # Partial clones have every commit; what they lack of it says so itself.
            state = replace(condition.examine(self._original.path), remote="")
            if not state.kind or state.remedy in error.hint:
                raise
            hint = state.remedy if state.is_empty else f"{error.hint}\n{state.remedy}"
            what = f"{error.what}\n{state.path} {state.kind}."
            raise SourceError(what, where=error.where, hint=hint) from error


def _open(path: Path) -> Repository:
    try:
        repository = locate(path) if path.is_dir() else None
    except OSError as error:
        raise SourceError(
            f"The repository cannot be read: {error.strerror}.", where=str(path)
        ) from error
    if repository is None:
        what, hint = condition.why_no_repository(path.absolute()) if path.is_dir() else _NOWHERE
        raise SourceError(what, where=str(path), hint=hint)
    if repository.object_format() != "sha1":
        raise SourceError(
            "This repository uses SHA-256 object names, which no history of CPython does.",
            where=str(path),
            hint="Name a clone of CPython's own history; git converts none.",
        )
    return repository
