"""What an arm changes: the commits, patches and files in which its source differs from the base's.

It is described when the arm is resolved, and is no part of the plan's identity. Every text in it is
of unknown origin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KINDS = ("loop", "objects", "core", "library", "modules", "tests", "build", "docs", "other")
"""The kinds of files, those first that a reader of a performance patch looks at first."""

_TESTS = (
    r"Lib/test/|Lib/.*/(idle_)?tests?/|Modules/(_test|_ctypes/_ctypes_test|xx)|"
    r"Programs/_test|Parser/.*/test"
)
_LOOP = (
    r"Python/(ceval|bytecodes\.c|opcode|specialize|optimizer|jit)|Tools/(cases_generator|jit)/|"
    r"Python/(generated|executor)_\w*cases|Include/(ceval|opcode)|"
    r"Include/(cpython|internal)/(pycore_)?(ceval|opcode|uop|optimizer|jit)|Lib/_?opcode"
)
_BUILD = (
    r"configure|Makefile|setup\.py|aclocal|pyconfig|install-sh|config\.|m4/|Modules/(Setup|makesetup)|"
    r"Tools/|PC/|PCbuild/|Mac/|Misc/[^/]*\.(in|sh)$|Misc/(Makefile|vgrindefs)|.*\.(mk|m4)$"
)
# The first pattern that matches a path from its beginning decides.
_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("tests", _TESTS),
        ("loop", _LOOP),
        ("build", _BUILD),
        ("objects", r"Objects/|Include/"),
        ("core", r"Python/|Parser/|Grammar/|Programs/"),
        ("library", r"Lib/"),
        ("modules", r"Modules/"),
        ("docs", r"Doc/|Misc/|LICENSE|README|[^/]*\.(rst|txt|md)$"),
    )
)


def kind_of(path: str) -> str:
    """The kind of a file of CPython's tree, by its path; one of `KINDS`."""
    return next((kind for kind, pattern in _PATTERNS if pattern.match(path)), "other")


@dataclass(frozen=True, kw_only=True)
class ChangeStep:
    """A commit (`name` is its hash), or a patch (`name` is its file). Empty: not known.

    `date` is the author's, as YYYY-MM-DD.
    """

    name: str
    subject: str
    author: str = ""
    date: str = ""


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """A file that differs. `added` and `removed` are lines, None for a binary file."""

    path: str
    kind: str
    added: int | None = None
    removed: int | None = None

    @property
    def weight(self) -> tuple[int, int, str]:
        """Files sort by kind, then the largest change first."""
        kind = KINDS.index(self.kind) if self.kind in KINDS else len(KINDS)
        return kind, -((self.added or 0) + (self.removed or 0)), self.path


@dataclass(frozen=True, kw_only=True)
class LineCount:
    """Files that differ, and the lines added to and removed from them."""

    files: int = 0
    added: int = 0
    removed: int = 0

    @classmethod
    def of(cls, files: Sequence[FileChange]) -> LineCount:
        """The count of some files; a binary file has no lines."""
        return cls(
            files=len(files),
            added=sum(one.added or 0 for one in files),
            removed=sum(one.removed or 0 for one in files),
        )


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """What differs between the sources of the base and of an arm.

    `subject` says it in a line, and `name` is what identifies it (a commit's hash, a series, a
    file). `steps` are the newest commits and the patches, `commits` the number of all commits,
    `lacking` the number of the base's commits that the arm does not have. `files` are the most
    important of all that `count` counts, `kinds` has counts for each kind of file. `patch` is the
    difference up to a limit, after which `left_out` lines follow; `patch_file` is the place of the
    whole in the results folder. `note` says what could not be known, and why.
    """

    subject: str
    name: str = ""
    steps: tuple[ChangeStep, ...] = ()
    commits: int = 0
    lacking: int = 0
    files: tuple[FileChange, ...] = ()
    count: LineCount = LineCount()
    kinds: Mapping[str, LineCount] = field(default_factory=dict)
    patch: str = ""
    left_out: int = 0
    patch_file: str = ""
    note: str = ""
