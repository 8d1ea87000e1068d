"""Reading the work tree of somebody's clone: what is not committed, and all of it as a tree.

Nothing of the clone is written, and none of its programs runs (filters, hooks, a file system
monitor, the transport of a promisor remote): git works with a temporary folder as its repository,
which has the clone's objects as alternates, a copy of its index, and of its configuration only the
settings of `_TAKEN`, which decide what `git add` makes of a file.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import SourceError
from builder.git import trees
from builder.git.command import ISOLATED, Output, run
from builder.git.repository import Repository, text

# What decides which files count as changed, and how the content of one becomes a blob.
_TAKEN = frozenset(
    f"core.{name}"
    for name in (
        *("autocrlf", "eol", "safecrlf", "filemode", "symlinks", "ignorecase", "trustctime"),
        *("precomposeunicode", "checkstat", "checkroundtripencoding", "attributesfile"),
        *("excludesfile", "sparsecheckout", "sparsecheckoutcone"),
    )
)
_DRIVER = re.compile(r"filter\.(.+)\.(?:clean|process)", re.DOTALL)
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "safe.directory=*")
_COPIED = ("info/exclude", "info/attributes", "info/sparse-checkout")
# Files and folders of a git folder that exist while an operation is in progress.
_OPERATIONS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or git am",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}


@dataclass(frozen=True, kw_only=True)
class TreeState:
    """How a work tree differs from HEAD. `changed`: tracked files, staged or not; `untracked`:
    files and folders (with a slash) that are not ignored; `conflicted`: files with a conflict;
    `filtered`: changed files that go through a program of the user before git compares them;
    `operation`: what is in progress, "a rebase"; `hidden`: number of files with the
    mark assume-unchanged, whose changes git does not look for.
    """

    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    conflicted: tuple[str, ...]
    filtered: tuple[str, ...]
    operation: str
    hidden: int


class WorkTree:
    """The work tree at `path` of the repository whose git folder is `git_folder`."""

    def __init__(self, path: Path, repository: Repository) -> None:
        self.path = path
        self._repository = repository

    def head(self) -> str | None:
        """The commit that is checked out; None before the first commit."""
        return self._repository.find("HEAD")

    def state(self) -> TreeState:
        """How the work tree differs from HEAD. Raises SourceError where git cannot tell."""
        with self._reading(self._repository.shared_path("objects")) as git:
            return git.state(self._operation())

    def tree(self, objects: Repository) -> str:
        """The tree that `git add --update` and `git write-tree` would make, written into the
        repository `objects`, which has the clone's objects as alternates.

        Raises SourceError for what cannot be added: a file that is a pipe, or cannot be read.
        """
        with self._reading(objects.path / "objects") as git:
            return git.tree()

    @contextlib.contextmanager
    def _reading(self, objects: Path) -> Iterator[_Reading]:
        settings = self._settings()
        taken = tuple(f"{name}={value}" for name, value in settings.items() if name in _TAKEN)
        drivers = frozenset(match[1] for name in settings if (match := _DRIVER.fullmatch(name)))
        with trees.scratch() as folder:
            self._lay_out(folder)
            yield _Reading(
                top=self.path,
                git_folder=folder,
                objects=objects.resolve(),
                settings=(*_SAFE, *taken),
                drivers=drivers,
            )

    def _settings(self) -> Mapping[str, str]:
        """The values that git has for this clone, those of the user and the system included."""
        output = run(
            ("config", "-z", "--get-regexp", r"^(core|filter)\."),
            cwd=self.path,
            env={"GIT_DIR": str(self._repository.path)},
            settings=_SAFE,
        )
        if output.returncode not in (0, 1):  # 1: there are none
            raise _failure(self.path, "config", output)
        rows = (row.partition("\n") for row in text(output.stdout).split("\0") if row)
        # A name without a value, and without =, is true.
        return {name: value if mark else "true" for name, mark, value in rows}

    def _lay_out(self, folder: Path) -> None:
        """Make a git folder with the clone's index and HEAD, and nothing else of it."""
        (folder / "objects").mkdir()
        (folder / "refs").mkdir()
        (folder / "info").mkdir()
        (folder / "HEAD").write_text((self.head() or "ref: refs/heads/unborn") + "\n")
        index = self._repository.shared_path("index")
        # The time of an index decides which files git compares by content: copy2 keeps it.
        for source in (index, *index.parent.glob("sharedindex.*")):
            if source.is_file():
                shutil.copy2(source, folder / source.name)
        for name in _COPIED:
            source = self._repository.shared_path(name)
            if source.is_file():
                shutil.copy2(source, folder / name)

    def _operation(self) -> str:
        for name, operation in _OPERATIONS.items():
            if self._repository.shared_path(name).exists():
                return operation
        return ""


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """git on a work tree, with a temporary git folder."""

    top: Path
    git_folder: Path
    objects: Path
    settings: tuple[str, ...]
    drivers: frozenset[str]

    def state(self, operation: str) -> TreeState:
        """See `WorkTree.state`."""
        options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
        rows = self._rows("status", *options, "--ignore-submodules=dirty")
        # A file that was taken out of the index and is still there has a row of each kind.
        codes = {row[3:]: row[:2] for row in rows if row[:2] != "??"}
        untracked = {row[3:] for row in rows if row[:2] == "??"}
        conflicted = {path for path, code in codes.items() if "U" in code or code in ("AA", "DD")}
        return TreeState(
            changed=tuple(codes),
            untracked=tuple(sorted(untracked)),
            conflicted=tuple(sorted(conflicted)),
            filtered=self._filtered(path for path in codes if codes[path][1] in "MTA"),
            operation=operation,
            hidden=sum(row[0].islower() for row in self._rows("ls-files", "-v", "-z")),
        )

    def tree(self) -> str:
        """See `WorkTree.tree`."""
        # Plumbing instead of `git add`, which asks submodules, with their own configuration.
        fields = self._rows(
            "diff-files", "-z", "--raw", "--no-renames", "--ignore-submodules=dirty"
        )
        rows = [
            (head.split(" "), path) for head, path in zip(fields[0::2], fields[1::2], strict=True)
        ]
        gone = [path for head, path in rows if head[4] == "D"]
        self._update(gone, "--force-remove")
        self._update(path for head, path in rows if head[4] != "D")
        return self._git("write-tree").decode().strip()

    def _update(self, paths: Iterable[str], *options: str) -> None:
        data = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        if data:
            self._git("update-index", "--add", *options, "-z", "--stdin", data=data)

    def _filtered(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Those of the paths for which a filter is configured."""
        data = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        if not data or not self.drivers:
            return ()
        fields = self._rows("check-attr", "-z", "--stdin", "filter", data=data)
        return tuple(
            path
            for path, driver in zip(fields[0::3], fields[2::3], strict=True)
            if driver in self.drivers
        )

    def _rows(self, *arguments: str, data: bytes | None = None) -> list[str]:
        return text(self._git(*arguments, data=data)).split("\0")[:-1]

    def _git(self, *arguments: str, data: bytes | None = None) -> bytes:
        env = {
            **ISOLATED,
            "GIT_DIR": str(self.git_folder),
            "GIT_WORK_TREE": str(self.top),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
        }
        output = run(arguments, cwd=self.top, env=env, settings=self.settings, data=data)
        if output.returncode != 0:
            raise _failure(self.top, arguments[0], output)
        return output.stdout


def work_tree(path: Path, repository: Repository) -> WorkTree | None:
    """The work tree of a clone that was named by its top folder or its .git; None for a bare one.

    A work tree somewhere else (core.worktree) does not count: the user has not named that.
    """
    for top in (path, path.parent) if path.name == ".git" else (path,):
        output = run(
            ("rev-parse", "--show-toplevel", "--absolute-git-dir"),
            cwd=top,
            env={**ISOLATED, "GIT_CEILING_DIRECTORIES": str(top.resolve().parent)},
        )
        lines = text(output.stdout).splitlines()
        if output.returncode == 0 and len(lines) == 2:
            is_here = os.path.realpath(lines[0]) == os.path.realpath(top)
            is_same = os.path.realpath(lines[1]) == os.path.realpath(repository.path)
            if is_here and is_same:
                return WorkTree(top.resolve(), repository)
    return None


def binary_diff(repository: Repository, old: str, new: str) -> bytes:
    """The difference between two trees as a patch that makes one from the other, to the byte."""
    options = ("-p", "-r", "--binary", "--full-index", "--no-renames", "--unified=3")
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--diff-algorithm=myers")
    output = run(
        ("diff-tree", *options, *plain, "--src-prefix=a/", "--dst-prefix=b/", old, new),
        cwd=repository.path,
        env={**ISOLATED, "GIT_DIR": str(repository.path)},
    )
    if output.returncode != 0:
        raise _failure(repository.path, "diff-tree", output)
    return output.stdout


def _failure(path: Path, command: str, output: Output) -> SourceError:
    return SourceError(
        f"git {command} failed on this work tree.",
        where=f"{path}\n{output.stderr.strip()}",
        hint=f"`git -C {path} status` shows its state: mend what git's message names, or commit, "
        "and name the commit.",
    )
