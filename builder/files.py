"""Locks between processes: exclusive and shared, and held for as long as a child lives.

flock(2) belongs to the open file description, so a child that inherits the descriptor keeps the
lock: if this process is killed in the middle of a build, the next one waits until the compiler's
orphans are gone, instead of building into a folder that they still write to. Own code, since lock
libraries hide the descriptor, which is what a child inherits.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.errors import StoreError


@contextlib.contextmanager
def hold_lock(
    path: Path, *, shared: bool = False, on_wait: Callable[[str], None] | None = None
) -> Iterator[int]:
    """Hold the lock file `path` and yield its descriptor, to be passed to children.

    `on_wait` is called once, with the path, if another process holds the lock.
    Raises StoreError when the lock file cannot be made.
    """
    descriptor = _open(path)
    try:
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait(str(path))
            fcntl.flock(descriptor, mode)
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether some process holds `path` in any mode just now."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Opened for reading first: in a sticky folder the kernel may refuse O_CREAT on a file of
        # another user, and flock needs no more than a descriptor.
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(
            f"The lock cannot be opened: {error.strerror}.",
            where=str(path),
            hint="Choose a folder that you may write to with --home.",
        ) from error


KEY_LENGTH = 16


def digest(content: object) -> str:
    """The first 16 hex digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


# What programs print when a disk is full.
NO_SPACE = "No space left on device"


def size_of(folder: Path) -> int:
    """Bytes on disk below `folder`."""
    total = 0
    for root, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(root) / name).st_blocks * 512
    return total


def age_in_days(seconds: float) -> float:
    """Days since a time in seconds since 1970."""
    return (time.time() - seconds) / 86400


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or none of it, whatever happens meanwhile.

    The caller keeps other writers of the same file out.
    """
    # Always of one name: what a killed run left is written over, and not left for ever.
    half = path.with_name(f".{path.name}.half")
    try:
        with half.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def guard_writes(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a StoreError that names the folder."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot write: {error.strerror or error}.",
            where=str(error.filename or folder),
            hint="Free some space (`patchbench gc`), mend the permissions, or choose another "
            "folder (--home, or --out for results).",
        ) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_member(member: tarfile.TarInfo, folder: Path) -> None:
    """Let the standard library look at a member that shall be unpacked into `folder`, as a second
    check after one's own. Raises tarfile.FilterError, which is a TarError.

    The filter came with Python 3.11.4; the Python of Debian 12 may be older.
    """
    if hasattr(tarfile, "data_filter"):
        tarfile.data_filter(member, str(folder))
