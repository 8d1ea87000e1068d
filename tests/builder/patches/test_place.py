"""Where hunks go: their lines, the only other place, or a refusal. test_exact.py has the words."""

from __future__ import annotations

import pytest

from builder.patches.diff import FileDiff
from builder.patches.patch import Patch, parse
from builder.patches.place import (
    GuessError,
    NoPlaceError,
    notes,
    places,
    refuse_lookalikes,
    replaced,
    split_lines,
)

LINES = [b"line %d\n" % number for number in range(1, 21)]


def diff(*hunks: bytes) -> FileDiff:
    data = b"--- a/x/y.c\n+++ b/x/y.c\n" + b"".join(hunks)
    return parse(Patch(name="my.diff", data=data))[0].files[0]


def hunk(start: int, number: int, text: bytes = b"new") -> bytes:
    """A hunk at line `start` that replaces line `number`, with one line of context."""
    return b"@@ -%d,3 +%d,3 @@\n line %d\n-line %d\n+%b\n line %d\n" % (
        *(start, start, number - 1, number, text, number + 1),
    )


@pytest.mark.parametrize(
    ("data", "at", "offset"),
    [(hunk(4, 5), 3, 0), (hunk(2, 5), 3, 2), (hunk(12, 5), 3, -8), (hunk(900, 5), 3, -896)],
)
def test_the_only_place(data: bytes, at: int, offset: int) -> None:
    (place,) = places(diff(data), LINES)
    assert (place.at, place.offset, place.others) == (at, offset, ())


def test_hunks_keep_their_order() -> None:
    with pytest.raises(NoPlaceError):
        places(diff(hunk(4, 12), hunk(11, 5)), LINES)


def test_a_hunk_that_is_nowhere() -> None:
    with pytest.raises(NoPlaceError):
        places(diff(hunk(4, 50)), LINES)


def test_of_several_places_the_named_one() -> None:
    (place,) = places(diff(hunk(24, 5)), LINES * 3)
    assert (place.at, place.others) == (23, (3, 43))
    with pytest.raises(GuessError, match="lines 4, 24 and 44"):
        places(diff(hunk(25, 5)), LINES * 3)
    more = [b"line 30\n", b"line 31\n", b"line 32\n"]
    with pytest.raises(GuessError, match="Hunk 1 of 2"):  # the second one moved
        places(diff(hunk(4, 5), hunk(60, 31)), [*LINES * 2, *more])


def test_the_content_after_the_hunks() -> None:
    file = diff(hunk(4, 5), hunk(11, 12, b"other"))
    after = replaced(LINES, places(file, LINES)).splitlines()
    assert (after[4], after[11], len(after)) == (b"new", b"other", 20)


WHOLE = b"@@ -1,2 +1 @@\n-line 1\n-line 2\n+all\n"


def test_hunks_without_context_are_of_whole_files_or_of_a_patch_without_any() -> None:
    with pytest.raises(NoPlaceError):
        places(diff(WHOLE), LINES)
    assert places(diff(WHOLE), LINES[:2])[0].at == 0
    file = diff(WHOLE)
    (said,) = notes(file, places(file, LINES, contextless=True), 20, proven=False)
    assert "at line 1 by that number alone" in said
    with pytest.raises(GuessError, match="without lines of context"):
        places(diff(b"@@ -5,0 +6 @@\n+new\n"), LINES, contextless=True)
    between = diff(b"@@ -1,3 +1,3 @@\n-line 1\n+a\n line 2\n-line 3\n+b\n")
    with pytest.raises(NoPlaceError):  # its last line is the file's
        places(between, LINES)


def test_no_line_goes_on_after_a_line_without_an_end() -> None:
    lines = [*LINES[:2], b"line 3"]
    end = diff(b"@@ -3,0 +4 @@\n+line 4\n")
    with pytest.raises(NoPlaceError):
        replaced(lines, places(end, lines))


def test_notes_of_moved_hunks_are_put_together() -> None:
    moved = [b"more\n", *LINES]
    file = diff(hunk(4, 5), hunk(11, 12))
    said = notes(file, places(file, moved), len(moved), proven=False)
    assert said == (
        "hunks 1 to 2 of x/y.c are applied 1 line lower than the patch says: the only place with "
        "their lines",
    )


def test_a_nearer_place_with_most_of_its_lines() -> None:
    lines = [*LINES[:3], b"other\n", *LINES[4:], *LINES[:8]]
    file = diff(b"@@ -2,4 +2,4 @@\n line 2\n line 3\n-line 4\n+new\n line 5\n")
    chosen = places(file, lines)
    with pytest.raises(GuessError, match="may belong to line 2"):
        refuse_lookalikes(file, lines, chosen)
    refuse_lookalikes(file, LINES, places(file, LINES))


@pytest.mark.parametrize("data", [b"", b"a", b"a\n", b"a\nb", b"\n\n", b"a\r\nb\r"])
def test_lines_are_the_content(data: bytes) -> None:
    assert b"".join(split_lines(data)) == data
    assert all(line.endswith(b"\n") for line in split_lines(data)[:-1])
