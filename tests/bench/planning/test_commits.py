"""How the plan says which commit each arm is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.planning.commits import commit_line
from builder.sources import Revision

FIX = Revision(source="git x", name="fix", commit="1a2b3c4d5e6f" + "0" * 28, version="2.7", epoch=0)


@pytest.mark.parametrize(
    ("kind", "arm", "changes", "line"),
    [
        ("candidate", "fix", {"ref": "refs/heads/fix"}, "candidate fix: refs/heads/fix, "),
        (
            "candidate",
            "HEAD",
            {"name": "HEAD", "ref": "refs/heads/x"},
            "candidate HEAD: refs/heads/x, ",
        ),
        (
            "candidate",
            "a-b",
            {"name": "a/b", "ref": "refs/heads/a/b"},
            "candidate a-b, a/b: refs/heads/a/b, ",
        ),
        (
            "candidate",
            "refs-heads-fix",
            {"name": "refs/heads/fix", "ref": "refs/heads/fix"},
            "candidate refs-heads-fix: refs/heads/fix, ",
        ),
        ("candidate", "1a2b", {"name": "1a2b"}, "candidate 1a2b: commit "),
        (
            "base",
            "base",
            {"name": "3.13", "ref": "refs/tags/v3.13.5", "origin": "the newest release of 3.13"},
            "base 3.13: refs/tags/v3.13.5 (the newest release of 3.13), ",
        ),
        (
            "base",
            "base",
            {"name": "1a2b", "origin": "merge base of fix and origin/2.7, 3 commits before"},
            "base = merge base of fix and origin/2.7, 3 commits before: ",
        ),
    ],
)
def test_lines(kind: str, arm: str, changes: dict[str, str], line: str) -> None:
    revision = replace(FIX, **changes)  # type: ignore[arg-type]
    assert commit_line(kind, arm, revision, "why") == f'{line}1a2b3c4d5e6f "why"'
