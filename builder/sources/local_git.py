"""A source that is a git repository on this machine; its objects are shared, not copied."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from builder.errors import SourceError
from builder.files import digest, hold_lock
from builder.git import Repository, condition, fetch, locate, work_tree
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
        with self._explained():
            return revision_of(self._repository, self._label, name, self._commit(name))

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """See `Source`."""
        with self._explained():
            base = self._candidate_base(name, branch)
        if self._original.shared_path("shallow").exists():
            state = condition.examine(self._original.path)
            self._say(f"The base was searched in what there is: {state.path} {state.kind}.")
        return base

    def _candidate_base(self, name: str, branch: str | None) -> Revision:
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

    def _commit(self, name: str) -> str:
        refs = self._original.refs()
        chosen = choose(name, refs)
        commit = chosen[1] if chosen else self._original.find(name)
        if commit is None:
            raise unknown(name, self._label, [*refs.branches, *refs.tags], listing=self._listing)
        return commit


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
