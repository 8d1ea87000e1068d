"""Patches whose paths begin elsewhere than at the top of the tree."""

from __future__ import annotations

import pytest

from builder.errors import PatchError
from builder.patches.patch import Message, Patch, parse
from builder.patches.prefix import at_top, check_prefix, tree_paths

TREE = tree_paths(["Python/ceval.c", "Lib/os.py", "Lib/test/test_os.py", "Mac/os.py", "README"])
HUNK = b"@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n"
NEW = b"@@ -0,0 +1 @@\n+x\n"


def plain(old: str, new: str, hunk: bytes = HUNK) -> bytes:
    return f"--- {old}\n+++ {new}\n".encode() + hunk


def git(old: str, new: str) -> bytes:
    return f"diff --git {old} {new}\n".encode() + plain(old, new)


def message(data: bytes) -> Message:
    (one,) = parse(Patch(name="my.diff", data=data))
    return one


P0 = ["no a/ and b/", "--src-prefix=a/ --dst-prefix=b/"]
ELSEWHERE: list[tuple[str, bytes, list[str]]] = [
    ("git --no-prefix", git("Python/ceval.c", "Python/ceval.c"), P0),
    ("diff -p0", plain("Python/ceval.c.orig", "Python/ceval.c"), P0),
    ("new file, -p0", plain("/dev/null", "Python/new.c", NEW), P0),
    ("parent", git("a/cpython/Python/ceval.c", "b/cpython/Python/ceval.c"), ["--relative=cpython"]),
    ("new in parent", plain("/dev/null", "b/cpython/Python/n.c", NEW), ["above", "cpython/"]),
    ("far above", git("a/x/y/Python/ceval.c", "b/x/y/Python/ceval.c"), ["--relative=x/y"]),
    (
        "relative",
        git("a/ceval.c", "b/ceval.c"),
        ["they fit in Python/", "git diff --no-relative", "--src-prefix=a/Python/"],
    ),
    ("relative, two places", git("a/os.py", "b/os.py"), ["fit in Lib/ or Mac/"]),
    (
        "relative, all files",
        git("a/os.py", "b/os.py") + git("a/test/test_os.py", "b/test/test_os.py"),
        ["they fit in Lib/."],
    ),
    ("new, relative", plain("/dev/null", "b/test/test_new.py", NEW), ["they fit in Lib/."]),
]


@pytest.mark.parametrize(
    ("data", "pieces"), [row[1:] for row in ELSEWHERE], ids=[row[0] for row in ELSEWHERE]
)
def test_what_it_is_and_what_to_do(data: bytes, pieces: list[str]) -> None:
    with pytest.raises(PatchError) as caught:
        check_prefix(message(data), TREE)
    assert "not for the top of the tree" in caught.value.what
    for piece in pieces:
        assert piece in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        git("a/Python/ceval.c", "b/Python/ceval.c"),
        git("i/Python/ceval.c", "w/Python/ceval.c"),
        git("x/Python/ceval.c", "x/Python/ceval.c"),
        plain("cpython-3.13.5/Lib/os.py", "cpython/Lib/os.py"),
        plain("/dev/null", "b/Lib/new/x.py", NEW) + git("a/README", "b/README"),
        plain("/dev/null", "b/New/x.py", NEW),
        b"diff --git a/README b/READYOU\nsimilarity index 100%\nrename from README\n"
        b"rename to READYOU\n",
        git("a/nowhere.c", "b/nowhere.c"),
    ],
)
def test_what_is_left_to_git(data: bytes) -> None:
    check_prefix(message(data), TREE)


def test_new_files_at_the_top_are_said() -> None:
    assert at_top(message(plain("/dev/null", "b/new.c", NEW)), TREE) == ("new.c",)
    assert at_top(message(plain("/dev/null", "b/Lib/new.c", NEW)), TREE) == ()
