"""Where the locks of the whole host are, and the folder of tickets beside them.

Every user must come to the same place, or two of them measure at the same time. So it depends on
nothing that differs between users, as TMPDIR and one's own rights do.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from builder.errors import StoreError
from builder.files import no_umask, user_name

# Folders in which every user may create files, and nobody removes those of others.
_SHARED = 0o1777
_CANDIDATES = (Path("/run/lock"), Path("/tmp"))


def host_lock(candidates: tuple[Path, ...] = _CANDIDATES) -> Path:
    """The lock file of this host: in the first folder that all users share, as its mode says."""
    shared = (folder for folder in candidates if _is_shared(folder))
    return next(shared, candidates[-1]) / "patchbench.lock"


def _is_shared(folder: Path) -> bool:
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and mode & _SHARED == _SHARED


def open_shared(folder: Path) -> int:
    """A descriptor of a folder that all users share, which is created if it does not exist.

    Raises StoreError for a link or a file in its place and for a folder that is closed to this
    user, OSError for anything else.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with no_umask():
            folder.mkdir(_SHARED, exist_ok=True)
        descriptor = os.open(folder, flags)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise _closed(folder) from error
    state = os.fstat(descriptor)
    if state.st_mode & _SHARED != _SHARED:
        try:
            os.fchmod(descriptor, _SHARED)
        except PermissionError as error:
            os.close(descriptor)
            raise _closed(folder) from error
    return descriptor


def _closed(folder: Path) -> StoreError:
    try:
        state = folder.lstat()
    except OSError:
        hint = f"Make {folder.parent} a folder like /tmp: `chmod 1777 {folder.parent}`."
    else:
        owner = user_name(state.st_uid)
        mend = f"chmod 1777 {folder}" if stat.S_ISDIR(state.st_mode) else f"rm {folder}"
        hint = f"{owner}, whose it is, or root mends it: `{mend}`."
    return StoreError("The folder of the queue is closed to others.", where=str(folder), hint=hint)
