"""Uncommitted changes of a local source: saying that there are some, and measuring them.

A work tree is measured as a patch on HEAD: results then hold the change, which is in no commit that
anybody else could fetch, and generated files are made again as for any patch. The same files give
the same tree, and so the same build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from builder.errors import SourceError, UsageError
from builder.git import TreeState, WorkTree, binary_diff
from builder.sources.local_git import LocalGit
from builder.sources.revision import Revision, Source

NAME = "worktree"
_SHOWN = 3
_MODES = {"120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True, kw_only=True)
class Uncommitted:
    """The uncommitted changes of the clone `name`, of which HEAD is the commit `head`."""

    name: str
    head: str
    state: TreeState

    @property
    def notice(self) -> str:
        """One line: which files have changes that are not measured."""
        state = self.state
        files = _files(len(state.changed))
        line = f"{self.name} has uncommitted changes in {files} ({_listed(state.changed)})"
        if state.filtered:
            line += f"; whether {_listed(state.filtered)} differs is for a filter to say, not run"
        return f"{line}; they are not measured."


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A work tree as it stood: the patch that makes it (the tree `tree`) from the revision `head`.

    `changed` are its paths, `state` how git saw the work tree.
    """

    name: str
    head: Revision
    tree: str
    patch: bytes
    changed: tuple[str, ...]
    state: TreeState

    @property
    def title(self) -> str:
        """What it is: work tree of CLONE: HEAD 1a2b3c4d5e + 3 changed files."""
        files = f"{len(self.changed)} changed {_files(len(self.changed)).split()[1]}"
        return f"work tree of {self.name}: HEAD {self.head.commit[:10]} + {files}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user has to know of it: each a line."""
        state = self.state
        notes = [f"Changed: {_listed(self.changed, len(self.changed))}"]
        if state.untracked:
            count = f"Not tracked, and left out: {_listed(state.untracked, 10)}"
            notes.append(f"{count}; `git add --intent-to-add FILE` takes one in")
        if state.operation:
            notes.append(f"In progress in this clone: {state.operation}")
        if state.hidden:
            marked = f"{_files(state.hidden)} marked assume-unchanged"
            notes.append(f"{marked}: taken as git has them, whatever they hold")
        return tuple(notes)

    def to_json(self) -> dict[str, object]:
        """For plan.json: without the names of untracked files, which are nobody's business."""
        return {
            "head": self.head.commit,
            "tree": self.tree,
            "changed": list(self.changed),
            "untracked": len(self.state.untracked),
            "operation": self.state.operation,
        }


def uncommitted(source: Source) -> Uncommitted | None:
    """The uncommitted changes of a source; None without any, and for sources without a work tree.

    Raises SourceError where git cannot read the work tree.
    """
    tree = source.work_tree if isinstance(source, LocalGit) else None
    head = tree.head() if tree is not None else None
    if tree is None or head is None:
        return None
    state = tree.state()
    return Uncommitted(name=tree.path.name, head=head, state=state) if state.changed else None


def snapshot(source: Source) -> Snapshot:
    """The work tree of a source as it stands. Raises UsageError for a source that has none, and
    SourceError for a work tree that cannot be measured: unchanged, or in conflict.
    """
    tree = source.work_tree if isinstance(source, LocalGit) else None
    if not isinstance(source, LocalGit) or tree is None:
        raise UsageError(
            "--worktree needs a source with a work tree: a clone on this machine.",
            where=str(source.path) if isinstance(source, LocalGit) else "--source",
            hint="Name the top folder of the clone: --source PATH.",
        )
    commit = tree.head()
    if commit is None:
        raise SourceError(
            "The work tree has no commit yet that it could be compared with.",
            where=str(tree.path),
            hint="Commit CPython as it is before the change, then change it.",
        )
    state = tree.state()
    _refuse_unfit(tree, state)
    head = replace(source.resolve(commit), name="HEAD")
    return _taken(source, tree, state, head)


def _taken(source: LocalGit, tree: WorkTree, state: TreeState, head: Revision) -> Snapshot:
    objects = source.repository
    before, after = objects.tree(head.commit), tree.tree(objects)
    changes = objects.changes(before, after)
    if not changes:
        left = f" Not tracked: {_listed(state.untracked, 10)}." if state.untracked else ""
        raise SourceError(
            f"There is nothing to measure: the work tree is its HEAD, {head.commit[:10]}.{left}",
            where=str(tree.path),
            hint="Save your changes first (`git add FILE` for a new file); --candidate HEAD "
            "measures the commit.",
        )
    for change in changes:
        kind = _MODES.get(change.new_mode) or (
            _MODES.get(change.old_mode) if change.new_mode != "000000" else None
        )
        if kind:
            raise SourceError(
                f"The work tree changes {kind}, which a build cannot follow: {change.path}.",
                where=str(tree.path),
                hint=f"`git stash push -- {change.path}` puts it aside; or commit everything, and "
                "name the commit with --candidate.",
            )
    return Snapshot(
        name=tree.path.name,
        head=head,
        tree=after,
        patch=binary_diff(objects, before, after),
        changed=tuple(change.path for change in changes),
        state=state,
    )


def _refuse_unfit(tree: WorkTree, state: TreeState) -> None:
    if state.conflicted:
        during = f" (during {state.operation})" if state.operation else ""
        raise SourceError(
            f"The work tree has conflicts in {_files(len(state.conflicted))}{during}.",
            where=f"{tree.path}: {_listed(state.conflicted, 10)}",
            hint="Resolve them, then `git add` the files.",
        )
    if state.filtered:
        raise SourceError(
            "Changed files go through a filter of your configuration, a program that is not run.",
            where=f"{tree.path}: {_listed(state.filtered, 10)}",
            hint="Commit them, which runs the filter, and name the commit with --candidate.",
        )


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"


def _listed(paths: Sequence[str], most: int = _SHOWN) -> str:
    more = ", ..." if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
