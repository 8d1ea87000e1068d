"""Why a patch does not apply; that this is what git finds too."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.git.repository import ApplyFailure, Repository
from builder.patches.diff import Hunk
from builder.patches.mismatch import Mismatch, explain, find, nearest, side_by_side
from builder.patches.patch import Patch, parse
from tests.builder.patches.tiny import CEVAL, EMPTY, FILES, change, created


class TestAgainstGit:
    """Our reading of a patch must be git's: else a message would name the wrong hunk."""

    def test_the_failing_hunk_is_the_one_that_git_names(
        self, repository: Repository, tree: str
    ) -> None:
        randomly = random.Random(20)
        compared = 0
        for _ in range(30):
            data, damaged = _damaged(randomly)
            try:
                repository.apply(tree, data)
            except ApplyFailure as failure:
                (message,) = parse(Patch(name="x", data=data))
                found = explain(
                    message,
                    read=lambda path: repository.read(tree, path),
                    paths=lambda: list(FILES),
                    stderr=failure.stderr,
                )
                hunks = message.files[0].hunks
                named = [
                    i for i, hunk in enumerate(hunks, 1) if f":{hunk.old_start}\n" in failure.stderr
                ]
                assert f"Hunk {named[0]} of {len(hunks)}" in found.what
                compared += 1
            else:
                assert not damaged
        assert compared > 10

    @settings(max_examples=40)
    @given(
        old=st.lists(st.sampled_from("abc"), max_size=8),
        new=st.lists(st.sampled_from("abcd"), max_size=8),
        there=st.lists(st.sampled_from("abc"), min_size=1, max_size=10),
        context=st.integers(0, 3),
    )
    def test_a_hunk_fits_where_git_finds_it(
        self, repository: Repository, old: list[str], new: list[str], there: list[str], context: int
    ) -> None:
        data = change("f", _text(old), _text(new), context)
        if not old or not data or old == new:
            return
        (message,) = parse(Patch(name="x", data=data))
        if len(message.files[0].hunks) != 1:
            return
        tree = repository.apply(EMPTY, created("f", _text(there)))
        (hunk,) = message.files[0].hunks
        lines = _text(there).encode().splitlines(keepends=True)
        at = find(lines, hunk, max(0, hunk.new_start - 1))
        try:
            after = repository.apply(tree, data)
        except ApplyFailure:
            assert at is None
            return
        assert at is not None
        lines[at : at + len(hunk.before)] = hunk.after
        if message.files[0].new:
            assert repository.read(after, "f") == b"".join(lines)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _damaged(randomly: random.Random) -> tuple[bytes, bool]:
    """A patch of several hunks to Python/ceval.c, of which one may not fit."""
    lines = list(CEVAL)
    for number in (4, 14, 24, 34):
        lines[number] = f"new {number}\n"
    data = change("Python/ceval.c", "".join(CEVAL), "".join(lines), 2)
    number = randomly.choice([0, 3, 5, 13, 15, 24, 33, 34, 35])
    line = f"line {number}\n".encode()
    for mark in (b"\n ", b"\n-"):
        if mark + line in data:
            return data.replace(mark + line, mark + b"x" + line), True
    return data, False


# -- without git ---------------------------------------------------------------------------------

LINES = [line.encode() for line in CEVAL]


def explained(data: bytes, tree: dict[str, bytes], stderr: str = "") -> Mismatch:
    (message,) = parse(Patch(name="x", data=data))
    return explain(message, read=tree.get, paths=lambda: tree, stderr=stderr)


def hunk(old_start: int, before: Sequence[bytes], after: Sequence[bytes], trailing: int) -> Hunk:
    return Hunk(
        line=1,
        header="@@",
        old_start=old_start,
        new_start=old_start,
        before=tuple(before),
        after=tuple(after),
        trailing=trailing,
    )


@pytest.mark.parametrize(
    ("old_start", "before", "trailing", "start", "at"),
    [
        (10, [b"a\n"], 1, 5, 4),  # the nearest of two, not the first
        (10, [b"a\n"], 1, 1, 0),
        (1, [b"a\n"], 1, 4, 0),  # a hunk at line 1 must begin the file
        (1, [b"b\n"], 1, 1, None),
        (10, [b"b\n"], 0, 1, 5),  # without context after it, it must end the file
        (10, [b"a\n"], 0, 4, None),
        (10, [b"a\n"] * 9, 1, 0, None),
        (10, [b"z\n"], 1, 0, None),
    ],
)
def test_where_a_hunk_is_found(
    old_start: int, before: list[bytes], trailing: int, start: int, at: int | None
) -> None:
    lines = [b"a\n", b"b\n", b"c\n", b"d\n", b"a\n", b"b\n"]
    assert find(lines, hunk(old_start, before, [], trailing), start) == at


def test_the_nearest_place_is_where_most_lines_agree() -> None:
    before = [LINES[20], b"other\n", LINES[22], LINES[23]]
    assert nearest(LINES, before, 0) == (20, 3)
    assert nearest(LINES, [b"nowhere\n"], 7) == (7, 0)
    # A line that is everywhere says nothing.
    assert nearest([b"}\n"] * 50, [b"}\n"], 3) == (3, 0)


def test_both_texts_are_shown_around_the_first_difference() -> None:
    before = [*LINES[10:14], b"line fifteen\n", LINES[15]]
    expected, there = side_by_side(before, LINES, 10).split("the tree has:")
    assert ">     15 | line fifteen" in expected
    assert ">     15 | line 15" in there
    assert "(the file ends here)" in side_by_side([b"x\n"], [], 0)


EDIT = change("f", "a\nb\nc\n", "a\nB\nc\n")


@pytest.mark.parametrize(
    ("data", "tree", "what"),
    [
        (EDIT, {"f": b"a\nB\nc\n"}, "its result stands there already"),
        (EDIT, {"f": b"a\n\tb\nc\n"}, "only white space differs"),
        (EDIT, {"f": b"a\r\nb\r\nc\r\n"}, "only line ends differ"),
        (EDIT, {"f": b"a\nx\nc\n"}, "2 of its 3 lines stand at line 1"),
        (EDIT, {"f": b"x\ny\nz\n"}, "its context is nowhere in the file"),
        (EDIT, {}, "f does not exist in this tree"),
        (created("f", "x\n"), {"f": b"x\n"}, "would be created, but it already exists"),
        (
            b"--- a/f\n+++ /dev/null\n@@ -1,2 +1 @@\n-a\n more\n",
            {"f": b"a\nmore\n"},
            "has lines that the patch does not remove",
        ),
    ],
)
def test_what_is_wrong_is_said(data: bytes, tree: dict[str, bytes], what: str) -> None:
    found = explained(data, tree)
    assert what in found.what
    assert found.hint


@pytest.mark.parametrize(
    ("paths", "hint"),
    [
        (["Python/dis.c"], "one component before that, as a/Python/dis.c"),
        (["Lib/dis.c"], "A file of that name is at Lib/dis.c"),
        ([], "another branch"),
    ],
)
def test_a_missing_file_is_looked_for_elsewhere(paths: list[str], hint: str) -> None:
    data = change("x", "a\n", "b\n").replace(b"a/x", b"Python/dis.c")
    tree = dict.fromkeys(paths, b"a\n")
    assert hint in explained(data.replace(b"b/x", b"Python/dis.c"), tree).hint


def test_a_patch_sees_what_its_earlier_files_did() -> None:
    rename = b"diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n"
    again = b"diff --git a/f b/h\nsimilarity index 100%\nrename from f\nrename to h\n"
    assert "f does not exist" in explained(rename + again, {"f": b"a\n"}).what


def test_where_nothing_is_wrong_gits_own_words_are_given() -> None:
    found = explained(EDIT, {"f": b"a\nb\nc\n"}, "error: f: odd thing\nfatal: stop\n")
    assert found.what == "git refuses the patch: f: odd thing."
    assert explained(EDIT, {"f": b"a\nb\nc\n"}).what == "git refuses the patch: without a reason."
    named = explained(EDIT, {"f": b"a\nb\nc\n"}, "error: patch failed: f:1\n")
    assert named.what == "Hunk 1 of 1 of f does not apply."
