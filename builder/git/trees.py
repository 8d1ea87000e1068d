"""A tree's files written to disk, and what no tree may hold."""

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
    """A file of a tree: its octal mode, the hash of its blob, its path from the top."""

    mode: str
    blob: str
    path: str


@contextlib.contextmanager
def scratch(parent: Path | None = None, prefix: str = "patchbench-") -> Iterator[Path]:
    """A folder that is gone afterwards; in the system's own place without `parent`.

    Raises StoreError where it cannot be made.
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
    """Whether a relative path would leave its folder, or touch git's own."""
    parts = path.split("/")
    return path.startswith("/") or any(
        part in ("", ".", "..") or part.lower() == ".git" for part in parts
    )


def link_leads_outside(path: str, target: str) -> bool:
    """Whether a link at `path` with this target points out of the tree."""
    if target.startswith("/") or not target:
        return True
    reached = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120
    return reached == ".." or reached.startswith("../")


def write(
    entries: Iterable[TreeEntry],
    contents: Callable[[Sequence[TreeEntry]], Iterable[bytes]],
    folder: Path,
    epoch: int,
) -> None:
    """Write entries into `folder` (new or empty), every one with the time `epoch`.

    `contents` gives the entries' contents in the order in which it is given them. Modes are 644 and
    755 whatever the umask. Raises SourceError for paths and links that lead outside, StoreError
    where the folder cannot be written.
    """
    # Links last: no file can then be written through one.
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
