"""Writing the files of a git tree to disk, and checking their paths and links."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import SourceError, StoreError

LINK = "120000"


@dataclass(frozen=True, kw_only=True)
class TreeEntry:
    """A file of a tree: its octal mode, the hash of its blob, its path from the top folder."""

    mode: str
    blob: str
    path: str


@contextlib.contextmanager
def scratch(parent: Path | None = None, prefix: str = "patchbench-") -> Iterator[Path]:
    """A temporary folder below `parent`, or below TMPDIR; it is removed afterwards.

    Raises StoreError if it cannot be created.
    """
    try:
        folder = tempfile.TemporaryDirectory(dir=parent, prefix=prefix)
    except OSError as error:
        raise StoreError(
            f"A temporary folder cannot be made: {error.strerror}.",
            where=str(error.filename or parent or tempfile.gettempdir()),
            hint="Free some space; --home and TMPDIR name other places.",
        ) from error
    with folder:
        yield Path(folder.name)


def leads_outside(path: str) -> bool:
    """Whether a relative path leads out of its folder or into a .git folder."""
    parts = path.split("/")
    return path.startswith("/") or any(
        part in ("", ".", "..") or part.lower() == ".git" for part in parts
    )


def link_leads_outside(path: str, target: str) -> bool:
    """Whether a link at `path` with this target points out of the tree."""
    if target.startswith("/") or not target:
        return True
    path_of_target = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120
    return path_of_target == ".." or path_of_target.startswith("../")


def write(
    entries: Iterable[TreeEntry],
    contents: Callable[[Sequence[TreeEntry]], Iterable[bytes]],
    folder: Path,
    epoch: int,
) -> None:
    """Write entries into `folder` (new or empty), all with the modification time `epoch`.

    `contents` maps a sequence of entries to their contents, in the same order. Modes are 644 and
    755, independent of the umask. Raises SourceError for paths and links that lead outside,
    StoreError if the folder cannot be written.
    """
    # Links are written last, so that no file can be written through one.
    ordered = sorted(entries, key=lambda entry: entry.mode == LINK)
    try:
        _make_folders(ordered, folder)
        for entry, content in zip(ordered, contents(ordered), strict=True):
            _write(folder, entry, content, epoch)
        for parent, _, _ in os.walk(folder, topdown=False):
            os.utime(parent, (epoch, epoch))
    except OSError as error:
        raise StoreError(
            f"The source tree cannot be written: {error.strerror}.",
            where=str(error.filename or folder),
            hint="Free some space, or name another folder with --home.",
        ) from error


def _make_folders(entries: Iterable[TreeEntry], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        if leads_outside(entry.path):
            raise SourceError("A path in the tree leads outside of it.", where=entry.path)
    parents = {str(Path(entry.path).parent) for entry in entries}
    for parent in sorted(parents):
        (folder / parent).mkdir(parents=True, exist_ok=True)


def _write(folder: Path, entry: TreeEntry, content: bytes, epoch: int) -> None:
    path = folder / entry.path
    if entry.mode == LINK:
        target = os.fsdecode(content)
        if link_leads_outside(entry.path, target):
            raise SourceError("A link in the tree leads outside of it.", where=entry.path)
        path.symlink_to(target)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o644), "wb") as file:
        file.write(content)
        file.flush()  # before the time is set
        os.fchmod(file.fileno(), 0o755 if entry.mode == "100755" else 0o644)
        os.utime(file.fileno(), (epoch, epoch))
