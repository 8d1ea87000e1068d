"""Git repositories: reading history, applying patches to trees, without a work tree."""

from __future__ import annotations

import contextlib
import os
import re
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
from builder.git import condition, refs, trees
from builder.git.command import ISOLATED, NO_SPACE, Output, run, running
from builder.git.refs import Answer, Meaning, Refs
from builder.git.trees import TreeEntry

Status = Literal["A", "D", "M", "T"]
# The arguments of a command have an upper limit in all.
_PATHS_AT_ONCE = 200


class ApplyFailure(Exception):  # noqa: N818 - apply.py turns it into an error of the user
    """git refused to apply a patch; `stderr` is its output."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        self.stderr = stderr


@dataclass(frozen=True, kw_only=True)
class TreeChange:
    """A path that differs between two trees. Modes are octal as in git; 000000 means no file."""

    path: str
    old_mode: str
    new_mode: str
    status: Status


@dataclass(frozen=True, kw_only=True)
class LineChange:
    """A file that differs between two trees, with the number of lines added and removed.

    Both are None for a binary file. `old` is the path of a file that was renamed, else "".
    """

    path: str
    added: int | None
    removed: int | None
    old: str = ""


@dataclass(frozen=True, kw_only=True)
class CommitSummary:
    """A commit as shown in a list. `authored` is the author's time, in seconds since 1970."""

    hash: str
    authored: int
    subject: str


@dataclass(frozen=True, kw_only=True)
class AuthoredCommit(CommitSummary):
    """A commit with the name of its author. Name and subject are untrusted text."""

    author: str

    @property
    def day(self) -> date:
        """The author's date, UTC."""
        return datetime.fromtimestamp(self.authored, UTC).date()


def locate(path: Path) -> Repository | None:
    """The repository whose top folder, .git or bare folder is `path`; None without one."""
    output = run(
        ("rev-parse", "--absolute-git-dir"),
        cwd=path,
        # The ceiling prevents a folder inside another repository from being taken for it.
        env={**ISOLATED, "GIT_CEILING_DIRECTORIES": str(path.resolve().parent)},
    )
    return Repository(Path(text(output.stdout).strip())) if output.returncode == 0 else None


class Repository:
    """A git repository, given by its git folder. Reading adds at most unreferenced objects.

    Methods raise SourceError if git fails.
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
        """The bare repository at `path`; it is created atomically if it does not exist."""
        if (path / "HEAD").is_file():
            return cls(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The parent folder is locked: other runs may create the same repository in it.
            with hold_lock(path.parent.resolve()):
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

    # Refs, commits and files

    def refs(self) -> Refs:
        """Branches (also remote-tracking ones), tags, and what the branches track."""
        out = self._text(
            "for-each-ref",
            "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname) "
            "%(upstream)",
            *("refs/heads", "refs/tags", "refs/remotes"),
        )
        rows = [line.split(" ") for line in out.splitlines()]
        return refs.sort_refs(
            ((row[0], row[4] or row[2]) for row in rows if "commit" in (row[1], row[3])),
            self._text("remote").splitlines(),
            {row[0].removeprefix("refs/heads/"): row[5] for row in rows if row[5]},
        )

    def answer(self, name: str) -> Answer:
        """What git takes a name for, by its own rules (gitrevisions), and what else it may mean."""
        commit, stderr = self._verified(name)
        is_full = re.fullmatch(r"[0-9a-fA-F]{40}", name) is not None
        ref = refs.ambiguous_ref(stderr)
        if ref and not is_full:
            return Answer(commit=commit, meanings=self._meanings(ref))
        prefix = refs.ambiguous_hash(stderr)
        if not commit:
            return Answer(meanings=self._starting_with(prefix) if prefix else ())
        options = ("--verify", "--symbolic-full-name", "--end-of-options")
        full = "" if is_full else self._text("rev-parse", *options, name).strip()
        return Answer(commit=commit, ref=full)

    def _verified(self, name: str) -> tuple[str, str]:
        """The commit of a name ("" without one), and what git prints on stderr."""
        options = ("-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options")
        env = {"LC_ALL": "C", "LANGUAGE": "C"}
        output = self._try(*options, f"{name}^{{commit}}", env=env)
        commit = text(output.stdout).strip()
        # A name such as ^main is verified as well, and answered with a ^ in front.
        is_commit = output.returncode == 0 and re.fullmatch("[0-9a-f]{40}", commit)
        return (commit if is_commit else ""), output.stderr

    def _meanings(self, name: str) -> tuple[Meaning, ...]:
        """The refs, and the commits with this abbreviated hash, that a name may stand for."""
        matches = [
            Meaning(name=full, commit=self._verified(full)[0])
            for full in refs.refs_of(name)
            if self._try("show-ref", "--verify", "--quiet", "--", full).returncode == 0
        ]
        if re.fullmatch(r"[0-9a-fA-F]{4,40}", name):
            matches += self._starting_with(name)
        return tuple(matches)

    def _starting_with(self, prefix: str) -> tuple[Meaning, ...]:
        names = self._text("rev-parse", f"--disambiguate={prefix}").split()
        return tuple(
            Meaning(name=name, commit=commit)
            for name in names
            if (commit := self._verified(name)[0])
        )

    def find(self, revision: str) -> str | None:
        """The commit of a revision (name, hash, or git's revision syntax); None without one."""
        return self._verified(revision)[0] or None

    def resolve(self, revision: str) -> str:
        """The commit of a revision. Raises SourceError if there is none."""
        commit = self.find(revision)
        if commit is None:
            raise SourceError(f"{revision} is not a revision of this repository.", where=revision)
        return commit

    def has_commit(self, commit: str) -> bool:
        """Whether the repository has the commit with this full hash, and its tree."""
        objects = f"{commit}^{{commit}}\n{commit}^{{tree}}\n".encode()
        output = self._try("cat-file", "--batch-check", data=objects)
        return (
            output.returncode == 0 and b" commit " in output.stdout and b" tree " in output.stdout
        )

    def tree(self, commit: str) -> str:
        """The hash of a commit's tree."""
        return self._text("rev-parse", "--verify", f"{commit}^{{tree}}").strip()

    def epoch(self, commit: str) -> int:
        """The commit time, seconds since 1970."""
        return int(self._text("log", "-1", "--format=%ct", commit))

    def parents(self, commit: str) -> tuple[str, ...]:
        """A commit's parents, the first one first."""
        return tuple(self._text("log", "-1", "--format=%P", commit).split())

    def merge_bases(self, first: str, second: str) -> tuple[str, ...]:
        """The best common ancestors, several after criss-cross merges; () without a common one."""
        output = self._try("merge-base", "--all", first, second)
        if output.returncode not in (0, 1):
            raise self._failure("merge-base", output)
        return tuple(text(output.stdout).split())

    def count(self, old: str, new: str) -> int:
        """How many commits are in the history of `new` and not in that of `old`."""
        return int(self._text("rev-list", "--count", f"{old}..{new}", "--"))

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is in the history of `new`, or equal to it."""
        output = self._try("merge-base", "--is-ancestor", old, new)
        if output.returncode not in (0, 1):
            raise self._failure("merge-base", output)
        return output.returncode == 0

    def log(self, old: str, new: str) -> tuple[str, ...]:
        """The commits on the first-parent line from `old` (left out) to `new`, oldest first."""
        out = self._text("rev-list", "--first-parent", "--reverse", f"{old}..{new}")
        return tuple(out.split())

    def commits(self, old: str, new: str) -> tuple[CommitSummary, ...]:
        """The commits in the history of `new` that are not in that of `old`, newest first."""
        out = self._text("log", "-z", "--format=%H %at %s", f"{old}..{new}", "--")
        rows = (row.split(" ", 2) for row in out.split("\0") if row)
        return tuple(
            CommitSummary(hash=row[0], authored=int(row[1]), subject=row[2]) for row in rows
        )

    def head_before(self, tip: str, epoch: int) -> str | None:
        """The head of a branch at an earlier time `epoch`, in seconds since 1970.

        That is the newest commit on the first-parent line of `tip` committed by then; None if all
        are newer.
        """
        out = self._text("rev-list", "-1", "--first-parent", f"--before={epoch}", tip, "--")
        return out.strip() or None

    def graph(
        self, old: str, new: str, *, first_parent: bool = False
    ) -> dict[str, tuple[str, ...]]:
        """The commits in the history of `new` that are not in that of `old`, with their parents.

        With `first_parent`, only commits on the first-parent line, each with its first parent.
        """
        line = ("--first-parent",) if first_parent else ()
        out = self._text("rev-list", "--parents", *line, f"{old}..{new}", "--")
        rows = (row.split() for row in out.splitlines())
        return {row[0]: tuple(row[1:2] if first_parent else row[1:]) for row in rows}

    def authored(self, commit: str) -> AuthoredCommit:
        """A commit with its author, date and subject."""
        out = self._text("log", "-1", "--format=%at%x00%aN%x00%s", commit, "--")
        seconds, author, subject = out.rstrip("\n").split("\0", 2)
        return AuthoredCommit(hash=commit, authored=int(seconds), author=author, subject=subject)

    def read(self, tree: str, path: str) -> bytes | None:
        """The content of a file in a tree (or commit); None without such a file.

        Raises SourceError for a file whose content the repository lacks.
        """
        out = self._git("cat-file", "--batch", data=f"{tree}:{path}\n".encode())
        head, _, body = out.partition(b"\n")
        if head.split(b" ")[1:2] == [b"blob"]:
            return body[:-1]
        if head.endswith(b" missing") and self._lacks(tree, path):
            raise condition.missing(self.path, tree, path)
        return None

    def _lacks(self, tree: str, path: str) -> bool:
        """Whether a tree names a file, or would if its folders were there."""
        listing = self._try("ls-tree", "-z", "--full-tree", tree, path)
        return listing.returncode != 0 or bool(listing.stdout)

    def entries(self, tree: str) -> tuple[TreeEntry, ...]:
        """All files of a tree, in git's order."""
        return tuple(_entries(self._git("ls-tree", "-r", "-z", "--full-tree", tree)))

    def changes(self, old: str, new: str) -> tuple[TreeChange, ...]:
        """The paths that differ between two trees; a renamed file counts as deleted and added."""
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
                    status=status,  # type: ignore[arg-type]  # without renames, git uses no other status
                )
            )
        return tuple(changes)

    def diff(self, old: str, new: str, *, renames: bool = False, binary: bool = False) -> str:
        """The difference between two trees as a patch.

        With `renames`, a renamed file is no deleted and new one; with `binary`, the content of
        binary files is part of it, so that the patch can be applied.
        """
        options = ["-p", "-r", "--no-ext-diff", "--no-textconv", "--no-color"]
        options += ["--find-renames" if renames else "--no-renames"]
        options += ["--binary"] if binary else []
        return self._text("diff-tree", *options, old, new)

    def line_changes(self, old: str, new: str) -> tuple[LineChange, ...]:
        """The files that differ between two trees, in the order of `diff` with `renames`."""
        out = self._git("diff-tree", "-r", "-z", "--numstat", "--find-renames", old, new)
        fields = iter(os.fsdecode(field) for field in out.split(b"\0")[:-1])
        changes = []
        for field in fields:
            added, removed, path = field.split("\t", 2)
            before = "" if path else next(fields)  # of a renamed file both paths follow
            changes.append(
                LineChange(
                    path=path or next(fields),
                    added=None if added == "-" else int(added),
                    removed=None if removed == "-" else int(removed),
                    old=before,
                )
            )
        return tuple(changes)

    def shared_path(self, name: str) -> Path:
        """The path of one of git's own files; worktrees share most with their repository."""
        return self.path / self._text("rev-parse", "--git-path", name).strip()

    def object_format(self) -> str:
        """The hash function of its object names: sha1 or sha256."""
        return self._text("rev-parse", "--show-object-format").strip()

    def set_ref(self, ref: str, commit: str) -> None:
        """Set a ref, given by its full name, to a commit."""
        self._git("update-ref", ref, commit)

    def configure(self, name: str, value: str) -> None:
        """Set a value in the repository's own configuration."""
        self._git("config", name, value)

    # Patches

    def apply(self, tree: str, patch: bytes, *, contextless: bool = False) -> str:
        """Apply a patch to `tree` and return the new tree.

        `patch` is the output of git format-patch, git diff or diff -u; one path component is
        stripped (-p1). A temporary index is used: only objects of the repository are written.
        git may put a hunk elsewhere than its header says: the caller checks the result.
        `contextless`: hunks without context are taken by their line numbers.
        Raises ApplyFailure if the patch does not apply.
        """
        with self._index(tree) as env:
            output = self._apply(patch, env, *(("--unidiff-zero",) if contextless else ()))
            if NO_SPACE in output.stderr:
                raise self._failure("apply", output)
            if output.returncode != 0:
                raise ApplyFailure(output.stderr)
            return text(self._git("write-tree", env=env)).strip()

    def applies_reversed(self, tree: str, patch: bytes) -> bool:
        """Whether a patch applies in reverse, which means that the tree contains it already."""
        with self._index(tree) as env:
            return self._apply(patch, env, "--reverse", "--check").returncode == 0

    def _apply(self, patch: bytes, env: Mapping[str, str], *options: str) -> Output:
        # The repository's own configuration may have apply.ignoreWhitespace.
        fixed = ("apply", "--cached", "--whitespace=nowarn", "--no-ignore-whitespace", "-p1")
        return self._try(*fixed, *options, "-", env=env, data=patch)

    def find_entries(self, tree: str, paths: Iterable[str]) -> dict[str, TreeEntry]:
        """The entries of a tree that have one of these paths and are no folders, by path."""
        wanted = sorted(set(paths))
        entries: list[TreeEntry] = []
        for start in range(0, len(wanted), _PATHS_AT_ONCE):
            some = wanted[start : start + _PATHS_AT_ONCE]
            out = self._git(
                *("ls-tree", "-z", "--full-tree", tree, "--", *some),
                env={"GIT_LITERAL_PATHSPECS": "1"},
            )
            entries += _entries(out)
        return {entry.path: entry for entry in entries if entry.mode != "040000"}

    def contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The content of blobs by their (abbreviated) hash; without those that are not known."""
        names = sorted(set(blobs))
        out = self._git("cat-file", "--batch", data="".join(f"{n}\n" for n in names).encode())
        contents, at = {}, 0
        for name in names:
            end = out.index(b"\n", at)
            head, at = out[at:end].split(b" "), end + 1
            if head[-1].isdigit():
                size = int(head[-1])
                if head[1] == b"blob":
                    contents[name] = out[at : at + size]
                at += size + 1
        return contents

    def merge_file(self, ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
        """git's three-way merge of a file's content; None if there is a conflict."""
        with trees.scratch() as folder:
            names = {"ours": ours, "base": base, "theirs": theirs}
            for name, content in names.items():
                (folder / name).write_bytes(content)
            output = self._try(
                "merge-file", "--stdout", "--quiet", *(str(folder / name) for name in names)
            )
        return output.stdout if output.returncode == 0 else None

    @contextlib.contextmanager
    def _index(self, tree: str) -> Iterator[Mapping[str, str]]:
        with trees.scratch() as folder:
            env = {"GIT_INDEX_FILE": str(folder / "index")}
            self._git("read-tree", tree, env=env)
            yield env

    # Export and import

    def export(self, tree: str, folder: Path, epoch: int) -> None:
        """Write a tree's files into `folder` (new or empty), all with the time `epoch`.

        Blobs are written unchanged: attributes of the tree (line ends, export-ignore, filters)
        have no effect. Submodules are left out. Raises the errors of `trees.write`.
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
                        raise condition.missing(self.path, entry.blob, entry.path)
                    yield process.stdout.read(int(head[2]))
                    process.stdout.read(1)

    def fast_import(self, stream: Iterable[bytes]) -> None:
        """Pass commands to git fast-import; refs change only after all of `stream` was imported.

        If `stream` raises, the repository stays unchanged.
        """
        # No deltas: successive files are unlike, and searching would only take time.
        options = ("--quiet", "--depth=0", "--done", "--date-format=raw")
        with self._start("fast-import", *options, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                for chunk in stream:
                    process.stdin.write(chunk)
            _, stderr = process.communicate()
        if process.returncode != 0:
            message = stderr.decode("utf-8", "replace")
            output = Output(returncode=process.returncode, stdout=b"", stderr=message)
            raise self._failure("fast-import", output)

    # Calling git

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
        output = self._try(*arguments, env=env, data=data)
        if output.returncode != 0:
            raise self._failure(arguments[0], output)
        return output.stdout

    def _text(self, *arguments: str) -> str:
        return text(self._git(*arguments))

    def _failure(self, command: str, output: Output) -> PatchbenchError:
        if NO_SPACE in output.stderr:
            return StoreError(
                "The disk is full.", where=str(self.path), hint="Free some space: patchbench gc."
            )
        return SourceError(
            f"git {command} failed on this repository.",
            where=f"{self.path}\n{output.stderr.strip()}",
            hint=condition.hint_for(self.path, output.stderr),
        )


def _entries(out: bytes) -> Iterator[TreeEntry]:
    """The rows of ls-tree -z."""
    for row in out.split(b"\0")[:-1]:
        head, _, path = row.partition(b"\t")
        mode, _, blob = head.decode().split(" ")
        yield TreeEntry(mode=mode, blob=blob, path=os.fsdecode(path))


def text(data: bytes) -> str:
    """Decode git's output; bytes of paths that are not UTF-8 are kept as surrogates."""
    return data.decode("utf-8", "surrogateescape")
