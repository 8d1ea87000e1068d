"""Where CPython comes from: a git remote, a local repository, Debian's source packages, a tarball.

`provide` turns what a user names into a `Source`; a `Source` resolves names to a `Revision`.
"""

from builder.sources import provide
from builder.sources.provide import DEFAULT_REMOTE, SourceSpec, parse
from builder.sources.revision import Revision, Source, waiting

__all__ = [
    "DEFAULT_REMOTE",
    "Revision",
    "Source",
    "SourceSpec",
    "parse",
    "provide",
    "waiting",
]
