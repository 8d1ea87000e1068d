"""Git repositories: trees in, trees out, never a work tree."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Literal

from builder.errors import PatchbenchError, SourceError, StoreError
from builder.files import hold_lock
from builder.git import trees
from builder.git.command import ISOLATED, NO_SPACE, Output, run, running
from builder.git.trees import TreeEntry

Status = Literal["A", "D", "M", "T"]


class ApplyFailure(Exception):  # noqa: N818 - not an error of the user's yet: series.py makes one
    """git would not apply a patch; `stderr` is what it said."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        self.stderr = stderr


@dataclass(frozen=True, kw_only=True)
class TreeChange:
    """A path that differs between two trees. Modes are octal, as git has them; 000000 for none."""

    path: str
    old_mode: str
    new_mode: str
    status: Status


@dataclass(frozen=True, kw_only=True)
class CommitLine:
    """A commit as a list of them shows it: its author's time, in seconds since 1970."""

    hash: str
    authored: int
    subject: str


@dataclass(frozen=True, kw_only=True)
class Authored(CommitLine):
    """A commit with the name of who wrote it: of unknown origin, as the subject is."""

    author: str

    @property
    def day(self) -> date:
        """The day on which it was written, UTC."""
        return datetime.fromtimestamp(self.authored, UTC).date()


@dataclass(frozen=True, kw_only=True)
class Refs:
    """Branches and tags by short name, each with its commit (annotated tags are peeled)."""

    branches: Mapping[str, str]
    tags: Mapping[str, str]


def sort_refs(pairs: Iterable[tuple[str, str]]) -> Refs:
    """Sort full names into branches and tags; a peeled name (^{}) comes after the one it peels."""
    branches, tags, tracked = {}, {}, {}
    for full, commit in pairs:
        name = full.removesuffix("^{}")
        if name.startswith("refs/heads/"):
            branches[name.removeprefix("refs/heads/")] = commit
        elif name.startswith("refs/tags/"):
            tags[name.removeprefix("refs/tags/")] = commit
        elif name.startswith("refs/remotes/"):
            tracked[name.removeprefix("refs/remotes/").partition("/")[2]] = commit
    # A clone has most branches of its origin only as remote-tracking ones.
    return Refs(branches={**tracked, **branches}, tags=tags)


def locate(path: Path) -> Repository | None:
    """The repository whose top folder, .git or bare folder is `path`; None where there is none."""
    done = run(
        ("rev-parse", "--absolute-git-dir"),
        cwd=path,
        # A folder inside some other repository is not that repository.
        env={**ISOLATED, "GIT_CEILING_DIRECTORIES": str(path.resolve().parent)},
    )
    return Repository(Path(text(done.stdout).strip())) if done.returncode == 0 else None


class Repository:
    """A git repository, by its git folder. Reading leaves no trace but unreferenced objects.

    Raises SourceError where git fails on it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Repository:
        """The bare repository at `path`."""
        if not (path / "HEAD").is_file():
            raise SourceError("There is no git repository here.", where=str(path))
        return cls(path)

    @classmethod
    def init(cls, path: Path) -> Repository:
        """The bare repository at `path`, made if it is not there; never half-made."""
        if (path / "HEAD").is_file():
            return cls(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The folder itself is the lock: other runs may make one of their own in it.
            with hold_lock(path.parent):
                if (path / "HEAD").is_file():
                    return cls(path)
                fresh = cls(path.with_name(f".{path.name}.half"))
                shutil.rmtree(fresh.path, ignore_errors=True)
                fresh._git("init", "--bare", "--quiet", "--template=", str(fresh.path))
                fresh.path.rename(path)
        except OSError as error:
            raise StoreError(
                f"A repository cannot be made: {error.strerror}.",
                where=str(path),
                hint="Name another folder with --home.",
            ) from error
        return cls(path)

    # What is there

    def refs(self) -> Refs:
        """Branches (also remote-tracking ones) and tags."""
        out = self._text(
            "for-each-ref",
            "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)",
            *("refs/heads", "refs/tags", "refs/remotes"),
        )
        rows = (line.split(" ") for line in out.splitlines())
        return sort_refs((row[0], row[4] or row[2]) for row in rows if "commit" in (row[1], row[3]))

    def find(self, revision: str) -> str | None:
        """The commit that a revision (name, hash, or git's own syntax) means; None if nothing."""
        done = self._try(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        return text(done.stdout).strip() if done.returncode == 0 else None

    def resolve(self, revision: str) -> str:
        """The commit that a revision means; SourceError if there is none."""
        commit = self.find(revision)
        if commit is None:
            raise SourceError(f"{revision} is not a revision of this repository.", where=revision)
        return commit

    def has_commit(self, commit: str) -> bool:
        """Whether the commit with this full hash, and its tree, are here."""
        objects = f"{commit}^{{commit}}\n{commit}^{{tree}}\n".encode()
        done = self._try("cat-file", "--batch-check", data=objects)
        return done.returncode == 0 and b" commit " in done.stdout and b" tree " in done.stdout

    def tree(self, commit: str) -> str:
        """The hash of a commit's tree."""
        return self._text("rev-parse", "--verify", f"{commit}^{{tree}}").strip()

    def epoch(self, commit: str) -> int:
        """When it was committed, seconds since 1970."""
        return int(self._text("log", "-1", "--format=%ct", commit))

    def parents(self, commit: str) -> tuple[str, ...]:
        """A commit's parents, the first one first."""
        return tuple(self._text("log", "-1", "--format=%P", commit).split())

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor; None where the two have nothing in common."""
        done = self._try("merge-base", one, other)
        if done.returncode not in (0, 1):
            raise self._failure("merge-base", done)
        return text(done.stdout).strip() or None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` has `old` in its history, or is it."""
        done = self._try("merge-base", "--is-ancestor", old, new)
        if done.returncode not in (0, 1):
            raise self._failure("merge-base", done)
        return done.returncode == 0

    def log(self, old: str, new: str) -> tuple[str, ...]:
        """The commits on the first-parent line from `old` (left out) to `new`, oldest first."""
        out = self._text("rev-list", "--first-parent", "--reverse", f"{old}..{new}")
        return tuple(out.split())

    def commits(self, old: str, new: str) -> tuple[CommitLine, ...]:
        """The commits that `new` has in its history and `old` has not, newest first."""
        out = self._text("log", "-z", "--format=%H %at %s", f"{old}..{new}", "--")
        rows = (row.split(" ", 2) for row in out.split("\0") if row)
        return tuple(CommitLine(hash=r[0], authored=int(r[1]), subject=r[2]) for r in rows)

    def head_before(self, tip: str, epoch: int) -> str | None:
        """What `tip` was at a time (seconds since 1970): the newest commit of its first-parent line
        that was committed by then. None where all are younger.
        """
        out = self._text("rev-list", "-1", "--first-parent", f"--before={epoch}", tip, "--")
        return out.strip() or None

    def graph(
        self, old: str, new: str, *, first_parent: bool = False
    ) -> dict[str, tuple[str, ...]]:
        """The commits that `new` has in its history and `old` has not, each with its parents.

        With `first_parent` only the line of first parents, each commit with that one parent.
        """
        line = ("--first-parent",) if first_parent else ()
        out = self._text("rev-list", "--parents", *line, f"{old}..{new}", "--")
        rows = (row.split() for row in out.splitlines())
        return {row[0]: tuple(row[1:2] if first_parent else row[1:]) for row in rows}

    def authored(self, commit: str) -> Authored:
        """Who wrote a commit, when, and its subject."""
        out = self._text("log", "-1", "--format=%at%x00%aN%x00%s", commit, "--")
        when, author, subject = out.rstrip("\n").split("\0", 2)
        return Authored(hash=commit, authored=int(when), author=author, subject=subject)

    def read(self, tree: str, path: str) -> bytes | None:
        """The content of a file of a tree (or commit); None where there is no such file."""
        out = self._git("cat-file", "--batch", data=f"{tree}:{path}\n".encode())
        head, _, body = out.partition(b"\n")
        return body[:-1] if head.split(b" ")[1:2] == [b"blob"] else None

    def entries(self, tree: str) -> tuple[TreeEntry, ...]:
        """All files of a tree, sorted as git sorts them."""
        out = self._git("ls-tree", "-r", "-z", "--full-tree", tree)
        entries = []
        for row in out.split(b"\0")[:-1]:
            head, _, path = row.partition(b"\t")
            mode, _, blob = head.decode().split(" ")
            entries.append(TreeEntry(mode=mode, blob=blob, path=os.fsdecode(path)))
        return tuple(entries)

    def changes(self, old: str, new: str) -> tuple[TreeChange, ...]:
        """What differs between two trees; a renamed file is a deleted and an added one."""
        out = self._git("diff-tree", "-r", "-z", "--raw", "--no-renames", old, new)
        fields = out.split(b"\0")
        changes = []
        for head, path in zip(fields[0:-1:2], fields[1::2], strict=True):
            old_mode, new_mode, _, _, status = head.decode().removeprefix(":").split(" ")
            changes.append(
                TreeChange(
                    path=os.fsdecode(path),
                    old_mode=old_mode,
                    new_mode=new_mode,
                    status=status,  # type: ignore[arg-type]  # without renames there are no others
                )
            )
        return tuple(changes)

    def diff(self, old: str, new: str) -> str:
        """The difference of two trees as a patch."""
        options = ("-p", "-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
        return self._text("diff-tree", *options, old, new)

    def shared_path(self, name: str) -> Path:
        """Where a file or folder of git's own is; worktrees share most with their repository."""
        return self.path / self._text("rev-parse", "--git-path", name).strip()

    def object_format(self) -> str:
        """Which hash its objects are named by: sha1 or sha256."""
        return self._text("rev-parse", "--show-object-format").strip()

    def set_ref(self, ref: str, commit: str) -> None:
        """Let a full ref name mean a commit."""
        self._git("update-ref", ref, commit)

    def configure(self, name: str, value: str) -> None:
        """Set a value in the repository's own configuration."""
        self._git("config", name, value)

    # Patches

    def apply(self, tree: str, patch: bytes) -> str:
        """The tree that a patch makes of `tree`.

        `patch` is what git format-patch, git diff or diff -u wrote, one path component stripped
        (-p1). Works on a temporary index: nothing outside the repository's objects is written.
        Raises ApplyFailure; nothing is kept then.
        """
        with self._index(tree) as env:
            done = self._apply(patch, env)
            if NO_SPACE in done.stderr:
                raise self._failure("apply", done)
            if done.returncode != 0:
                raise ApplyFailure(done.stderr)
            return text(self._git("write-tree", env=env)).strip()

    def applies_reversed(self, tree: str, patch: bytes) -> bool:
        """Whether a patch can be taken back from a tree: it is already in it."""
        with self._index(tree) as env:
            return self._apply(patch, env, "--reverse", "--check").returncode == 0

    def _apply(self, patch: bytes, env: Mapping[str, str], *options: str) -> Output:
        fixed = ("apply", "--cached", "--whitespace=nowarn", "-p1")
        return self._try(*fixed, *options, "-", env=env, data=patch)

    @contextlib.contextmanager
    def _index(self, tree: str) -> Iterator[Mapping[str, str]]:
        with trees.scratch() as folder:
            env = {"GIT_INDEX_FILE": str(folder / "index")}
            self._git("read-tree", tree, env=env)
            yield env

    # Trees on disk

    def export(self, tree: str, folder: Path, epoch: int) -> None:
        """Write a tree's files into `folder` (new or empty), every one with the time `epoch`.

        Blobs are written as they are: no attribute of the tree (line ends, export-ignore, filters)
        changes a byte. Submodules are left out. Errors are those of tree_files.write.
        """
        entries = [entry for entry in self.entries(tree) if entry.mode != "160000"]
        trees.write(entries, self._blobs, folder, epoch)

    def _blobs(self, entries: Iterable[TreeEntry]) -> Iterator[bytes]:
        with tempfile.TemporaryFile() as names:
            names.write(b"".join(f"{entry.blob}\n".encode() for entry in entries))
            names.seek(0)
            with self._start("cat-file", "--batch", "--buffer", stdin=names) as process:
                assert process.stdout is not None
                for entry in entries:
                    head = process.stdout.readline().split()
                    if head[1:2] != [b"blob"]:
                        raise SourceError(
                            "The repository lacks the content of a file (is it a partial clone?).",
                            where=f"{entry.path} in {self.path}",
                            hint="Fetch all of it there: git fetch --refetch --no-filter",
                        )
                    yield process.stdout.read(int(head[2]))
                    process.stdout.read(1)

    def fast_import(self, stream: Iterable[bytes]) -> None:
        """Feed git fast-import; refs move only when all of `stream` was taken in.

        An exception from `stream` leaves the repository as it was.
        """
        # Unlike files in a row: looking for deltas would only take time.
        options = ("--quiet", "--depth=0", "--done", "--date-format=raw")
        with self._start("fast-import", *options, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                for chunk in stream:
                    process.stdin.write(chunk)
            _, said = process.communicate()
        if process.returncode != 0:
            stderr = said.decode("utf-8", "replace")
            done = Output(returncode=process.returncode, stdout=b"", stderr=stderr)
            raise self._failure("fast-import", done)

    # How git is called

    def _env(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return {**ISOLATED, "GIT_DIR": str(self.path), **(env or {})}

    def _start(
        self, *arguments: str, stdin: int | IO[bytes]
    ) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        return running(arguments, cwd=self.path, env=self._env(None), stdin=stdin)

    def _try(
        self, *arguments: str, env: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Output:
        cwd = self.path if self.path.is_dir() else Path("/")
        return run(arguments, cwd=cwd, env=self._env(env), data=data)

    def _git(
        self, *arguments: str, env: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> bytes:
        done = self._try(*arguments, env=env, data=data)
        if done.returncode != 0:
            raise self._failure(arguments[0], done)
        return done.stdout

    def _text(self, *arguments: str) -> str:
        return text(self._git(*arguments))

    def _failure(self, command: str, done: Output) -> PatchbenchError:
        if NO_SPACE in done.stderr:
            return StoreError(
                "The disk is full.", where=str(self.path), hint="Free some space: patchbench gc."
            )
        return SourceError(
            f"git {command} failed on this repository.",
            where=f"{self.path}\n{done.stderr.strip()}",
            hint="If it is damaged: one in patchbench's home can be deleted and is made again.",
        )


def text(data: bytes) -> str:
    """What git printed, whatever bytes paths are made of."""
    return data.decode("utf-8", "surrogateescape")
