"""Lock files between processes, atomic writes, sizes and digests of files.

A flock(2) lock belongs to the open file description, so a child that inherits the descriptor keeps
the lock: if this process is killed during a build, the next process waits until the orphaned
compilers have ended, instead of building into a folder that they still write to. (Lock libraries
hide the descriptor, which has to be passed to children here.) Where a process namespace ends all
children with their parent, no descriptor has to be passed.

`hold_lock` is for short work, inside which nothing else is locked; where a run may wait for
minutes, `builder.locks` adds a queue.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import stat
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
    Raises StoreError if the lock file cannot be created.
    """
    descriptor = open_lock(path)
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
    """Whether a process holds the lock `path` at the moment, exclusive or shared."""
    if not path.exists():
        return False
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def open_lock(path: Path) -> int:
    """A descriptor of the lock file `path`, which is created if it does not exist.

    Every user may open it, whatever the umask of the one who creates it: flock(2) needs no more
    than a descriptor. Raises StoreError, also for a link or a pipe in place of the file, which
    another user may have put into a folder like /tmp. A folder can be locked too.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _existing_or_new(path)
    except OSError as error:
        raise StoreError(
            f"The lock cannot be opened: {error.strerror}.",
            where=str(path),
            hint=_how_to_open(path),
        ) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        os.close(descriptor)
        raise StoreError("The lock is not a file.", where=str(path), hint=_how_to_open(path))
    return descriptor


def _existing_or_new(path: Path) -> int:
    # O_NONBLOCK: opening a pipe would wait for a writer.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        # Opened without O_CREAT first: in a sticky folder the kernel may refuse O_CREAT on a file
        # of another user.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags)
        with contextlib.suppress(FileExistsError), no_umask():
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)


def _how_to_open(path: Path) -> str:
    try:
        state = path.lstat()
    except OSError:
        return (
            f"Make {path.parent} writable for {user_name(os.geteuid())}, or choose a folder that "
            "you may write to with --home (--out for results)."
        )
    owner = user_name(state.st_uid)
    if stat.S_ISREG(state.st_mode):
        return (
            f"The file belongs to {owner} and is closed to others: {owner} (or root) opens it "
            f"with `chmod 644 {path}`."
        )
    return f"It has to be a plain file. {owner}, whose it is, or root removes it: `rm {path}`."


@contextlib.contextmanager
def no_umask() -> Iterator[None]:
    """Create files and folders with exactly the mode that is named: what all users share must never
    be closed to the others, not even until a chmod that a killed process does not come to.
    """
    umask = os.umask(0)
    try:
        yield
    finally:
        os.umask(umask)


def user_name(number: int) -> str:
    """The name of the user with that number, "user 1234" without one."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


KEY_LENGTH = 16


def digest(content: object) -> str:
    """The first 16 hex digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


# The message that programs print when a disk is full.
NO_SPACE = "No space left on device"


def size_of(folder: Path) -> int:
    """Disk usage of all files below `folder`, in bytes."""
    total = 0
    for root, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(root) / name).st_blocks * 512
    return total


def age_in_days(seconds: float) -> float:
    """Days between now and a time given in seconds since 1970."""
    return (time.time() - seconds) / 86400


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees either all of it or none of it.

    The caller must exclude other writers of the same file.
    """
    # The name is fixed, so that the next write replaces what a killed run left.
    partial = path.with_name(f".{path.name}.half")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def guard_writes(folder: Path) -> Iterator[None]:
    """Turn an OSError into a StoreError that names the file or `folder`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot write: {error.strerror or error}.",
            where=str(error.filename or folder),
            hint="Free some space (`patchbench gc`), correct the permissions, or choose another "
            "folder (--home, or --out for results).",
        ) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_member(member: tarfile.TarInfo, folder: Path) -> None:
    """Check a member to be unpacked into `folder` with the standard library's data filter.

    It is a second check after the caller's. Raises tarfile.FilterError, a subclass of TarError. The
    filter is new in Python 3.11.4; the Python of Debian 12 may be older, and then nothing is
    checked.
    """
    if hasattr(tarfile, "data_filter"):
        tarfile.data_filter(member, str(folder))
