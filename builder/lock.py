"""Locks between processes: exclusive and shared, and held for as long as a child lives.

flock(2) belongs to the open file description, so a child that inherits the descriptor keeps the
lock: if this process is killed in the middle of a build, the next one waits until the compiler's
orphans are gone, instead of building into a folder that they still write to. (A lock library hides
its descriptor, which is the one thing needed here.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.errors import StoreError


@contextlib.contextmanager
def hold(
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


def is_held(path: Path) -> bool:
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
