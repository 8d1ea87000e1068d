"""Sources of CPython: a git remote, a local repository, Debian's source packages, a tarball.

`provide` turns a `SourceSpec` into a `Source`, which resolves names to a `Revision`.
"""

from builder.sources import provide
from builder.sources.provide import SourceSpec, parse
from builder.sources.remote_git import DEFAULT_REMOTE
from builder.sources.revision import Revision, Source
from builder.sources.worktree import Snapshot, Uncommitted, snapshot, uncommitted

__all__ = [
    "DEFAULT_REMOTE",
    "Revision",
    "Snapshot",
    "Source",
    "SourceSpec",
    "Uncommitted",
    "parse",
    "provide",
    "snapshot",
    "uncommitted",
]
