"""git's result held against the hunks: what `git apply` guesses is refused or said."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from builder.errors import PatchError
from builder.git.repository import Repository
from builder.patches.apply import apply_series
from builder.patches.catalogue import adhoc
from builder.patches.exact import check_result, exact_result
from builder.patches.patch import Patch, parse
from tests.builder.patches.tiny import CEVAL, EMPTY, change, created

BLOCK = ["case:\n", "    x += 1;\n", "    break;\n", "\n"]


def stored(repository: Repository, files: Mapping[str, str | bytes]) -> str:
    """A tree with these files."""
    return repository.apply(EMPTY, b"".join(created(path, data) for path, data in files.items()))


def applied(repository: Repository, files: Mapping[str, str | bytes], data: bytes) -> list[str]:
    """The lines of Python/ceval.c after a patch, and the notes."""
    done = apply_series(repository, stored(repository, files), [adhoc("my.diff", data)])
    content = repository.read(done.tree, "Python/ceval.c") or b""
    return [*content.decode().splitlines(keepends=True), *done.notes]


def index(repository: Repository, before: str, after: str) -> bytes:
    """git's header with the hashes of both contents."""
    names = []
    for content in (before, after):
        tree = stored(repository, {"Python/ceval.c": content})
        names.append(repository.find_entries(tree, ["Python/ceval.c"])["Python/ceval.c"].blob[:8])
    head = "diff --git a/Python/ceval.c b/Python/ceval.c\n"
    return f"{head}index {names[0]}..{names[1]} 100644\n".encode()


def ceval(lines: list[str]) -> dict[str, str | bytes]:
    return {"Python/ceval.c": "".join(lines)}


def test_insertions_without_context_at_the_end_are_applied(repository: Repository) -> None:
    end = change("Python/ceval.c", "".join(CEVAL), "".join([*CEVAL, "new\n"]), context=0)
    assert applied(repository, ceval(CEVAL), end) == [*CEVAL, "new\n"]


@pytest.mark.parametrize("at", [0, 39])
def test_lines_without_context_at_both_ends_are_replaced(repository: Repository, at: int) -> None:
    after = [*CEVAL[:at], "new\n", *CEVAL[at + 1 :]]
    data = change("Python/ceval.c", "".join(CEVAL), "".join(after), context=0)
    *lines, note = applied(repository, ceval(CEVAL), data)
    assert lines == after
    assert f"at line {at + 1} by that number alone" in note


def test_an_insertion_before_line_1_needs_the_very_version(repository: Repository) -> None:
    after = ["new\n", *CEVAL]
    bare = change("Python/ceval.c", "".join(CEVAL), "".join(after), context=0)
    with pytest.raises(PatchError, match="without lines of context"):
        applied(repository, ceval(CEVAL), bare)
    named = index(repository, "".join(CEVAL), "".join(after)) + bare
    assert applied(repository, ceval(CEVAL), named) == after


HEAD = b"--- a/Python/ceval.c\n+++ b/Python/ceval.c\n"
# A tree, a patch, and what the refusal must say. git applies each of these.
GUESSES: list[tuple[str, list[str], bytes, list[str]]] = [
    (
        "insertion without context",
        CEVAL,
        HEAD + b"@@ -5,0 +6 @@ line\n+new\n",
        [
            "Hunk 1 of 1 of Python/ceval.c is without lines of context",
            "line 5 of 40",
            "not with -U0",
        ],
    ),
    (
        "removed line is also the last one",
        [*CEVAL, "line 5\n"],
        HEAD + b"@@ -5 +5 @@\n-line 5\n+new\n",
        ["without lines of context"],
    ),
    (
        "several places",
        ["top\n", *BLOCK * 3, "end\n"],
        HEAD + b"@@ -21,3 +21,3 @@\n case:\n-    x += 1;\n+    x += 2;\n     break;\n",
        ["Hunk 1 of 1 of Python/ceval.c has several places", "lines 2, 6 and 10", "--candidate"],
    ),
    (
        "nearer place with most of its lines",
        [*CEVAL[:3], "other\n", *CEVAL[4:10], *CEVAL[:10]],
        HEAD
        + b"@@ -1,9 +1,9 @@\n line 1\n line 2\n line 3\n line 4\n-line 5\n+new\n line 6\n"
        b" line 7\n line 8\n line 9\n".replace(b"-1,9 +1,9", b"-1,9 +1,9"),
        ["does not apply"],
    ),
    (
        "lookalike",
        ["top\n", *CEVAL[:3], "other\n", *CEVAL[4:10], *CEVAL[:10]],
        HEAD + b"@@ -2,9 +2,9 @@\n line 1\n line 2\n line 3\n line 4\n-line 5\n+new\n line 6\n"
        b" line 7\n line 8\n line 9\n",
        ["may belong to line 2, where most of its lines are, or to line 12"],
    ),
    (
        "repeated lines beside a moved hunk",
        ["more\n", *CEVAL[:10], *BLOCK, *BLOCK],
        HEAD + b"@@ -3,3 +3,3 @@\n line 3\n-line 4\n+new\n line 5\n"
        b"@@ -12,3 +12,3 @@\n case:\n-    x += 1;\n+    x += 2;\n     break;\n",
        ["Hunk 2 of 2", "lines 12 and 16"],
    ),
]


@pytest.mark.parametrize(
    ("lines", "data", "pieces"), [row[1:] for row in GUESSES], ids=[row[0] for row in GUESSES]
)
def test_a_guess_is_refused(
    repository: Repository, lines: list[str], data: bytes, pieces: list[str]
) -> None:
    with pytest.raises(PatchError) as caught:
        applied(repository, ceval(lines), data)
    assert caught.value.where.startswith("my.diff: Python/ceval.c")
    for piece in pieces:
        assert piece in str(caught.value)


SHIFTED = ["more\n"] * 12 + CEVAL
PATCH = change("Python/ceval.c", "".join(CEVAL), "".join([*CEVAL[:19], "new\n", *CEVAL[20:]]))


def test_a_hunk_at_another_line_is_said(repository: Repository) -> None:
    *lines, note = applied(repository, ceval(SHIFTED), PATCH)
    assert lines == [*SHIFTED[:31], "new\n", *SHIFTED[32:]]
    assert note == (
        "my.diff: hunk 1 of Python/ceval.c is applied 12 lines lower than the patch says, at line "
        "29: the only place with its lines"
    )


def test_a_hunk_at_its_line_that_fits_elsewhere_is_said(repository: Repository) -> None:
    lines = ["top\n", *BLOCK * 3, "end\n"]
    data = HEAD + b"@@ -6,3 +6,3 @@\n case:\n-    x += 1;\n+    x += 2;\n     break;\n"
    note = applied(repository, ceval(lines), data)[-1]
    assert note.endswith("is applied at line 6, as it says; its lines are also at lines 2 and 10")
    named = index(repository, "".join(lines), "".join([*lines[:6], "    x += 2;\n", *lines[7:]]))
    assert applied(repository, ceval(lines), named + data)[-1] == "end\n"


def test_another_version_is_said_and_git_merges_what_it_has(repository: Repository) -> None:
    after = "".join([*CEVAL[:19], "new\n", *CEVAL[20:]])
    data = index(repository, "".join(CEVAL), after) + PATCH
    notes = applied(repository, ceval(SHIFTED), data)[-2:]
    assert "12 lines lower" in notes[0]
    assert "made from other versions of Python/ceval.c than the tree has" in notes[1]


def test_a_place_that_is_not_that_of_gits_merge_is_refused(repository: Repository) -> None:
    """The lines that were meant have changed; a copy of them is the only place."""
    after = "".join([*CEVAL[:19], "new\n", *CEVAL[20:]])
    data = index(repository, "".join(CEVAL), after) + PATCH
    lines = [*CEVAL[:17], *["other\n"] * 5, *CEVAL[22:], *CEVAL[15:25]]
    with pytest.raises(PatchError, match="git's merge") as caught:
        applied(repository, ceval(lines), data)
    assert "Rebase the change" in caught.value.hint


def test_a_cut_between_hunks_is_said(repository: Repository) -> None:
    after = "".join([*CEVAL[:4], "new\n", *CEVAL[5:29], "new\n", *CEVAL[30:]])
    data = index(repository, "".join(CEVAL), after)
    data += change("Python/ceval.c", "".join(CEVAL), after).split(b"@@ -27")[0]
    note = applied(repository, ceval(CEVAL), data)[-1]
    assert "not the version of Python/ceval.c that the index line names" in note
    assert "edited or cut" in note


def test_another_mode_is_said(repository: Repository) -> None:
    head = b"diff --git a/Python/ceval.c b/Python/ceval.c\nindex 1234567..7654321 100755\n"
    assert applied(repository, ceval(CEVAL), head + PATCH)[40:] == [
        "my.diff: Python/ceval.c has the mode 100644, not 100755 as in the patch",
        "my.diff: made from other versions of Python/ceval.c than the tree has; the lines of "
        "every hunk are there",
    ]
    head = b"diff --git a/Python/ceval.c b/Python/ceval.c\nold mode 100755\nnew mode 100644\n"
    tree = stored(repository, {"Python/ceval.c": "".join(CEVAL)})
    done = apply_series(repository, tree, [adhoc("my.diff", head + PATCH)])
    assert "has the mode 100644, not 100755 as in the patch" in done.notes[0]


def test_white_space_is_not_ignored_by_the_repositorys_own_settings(
    repository: Repository,
) -> None:
    repository.configure("apply.ignoreWhitespace", "change")
    try:
        with pytest.raises(PatchError, match="only white space differs"):
            applied(
                repository,
                ceval(["{\n", "\tx;\n", "}\n"]),
                HEAD + b"@@ -1,3 +1,3 @@\n {\n-    x;\n+    y;\n }\n",
            )
    finally:
        repository.configure("apply.ignoreWhitespace", "no")


def test_a_patch_with_cr_lf_creates_no_file(repository: Repository) -> None:
    data = created("Python/new.c", "x\n").replace(b"\n", b"\r\n")
    with pytest.raises(PatchError, match="CR LF line ends throughout") as caught:
        applied(repository, ceval(CEVAL), data)
    assert "sed -i" in caught.value.hint


@pytest.mark.parametrize("swapped", [False, True])
def test_files_that_are_in_a_patch_twice(repository: Repository, swapped: bool) -> None:
    if swapped:  # both renames are of the files before the patch
        files = {"Python/a.c": "a\n", "Python/b.c": "b\n"}
        data = b"".join(
            f"diff --git a/Python/{old}.c b/Python/{new}.c\nsimilarity index 100%\n"
            f"rename from Python/{old}.c\nrename to Python/{new}.c\n".encode()
            for old, new in (("a", "b"), ("b", "a"))
        )
        done = apply_series(repository, stored(repository, files), [adhoc("my.diff", data)])
        assert repository.read(done.tree, "Python/a.c") == b"b\n"
        return
    middle = [*CEVAL[:4], "five\n", *CEVAL[5:]]
    data = change("Python/ceval.c", "".join(CEVAL), "".join(middle)) + change(
        "Python/ceval.c", "".join(middle), "".join([*middle[:5], "six\n", *middle[6:]])
    )
    assert applied(repository, ceval(CEVAL), data)[4:6] == ["five\n", "six\n"]


def test_another_result_of_git_is_refused(repository: Repository) -> None:
    (message,) = parse(Patch(name="my.diff", data=PATCH))
    before = stored(repository, ceval(CEVAL))
    other = stored(repository, ceval([*CEVAL, "elsewhere\n"]))
    result = exact_result(repository, before, message)
    with pytest.raises(PatchError, match="otherwise than its hunks say"):
        check_result(repository, before, other, message, result)
    with pytest.raises(PatchError, match="otherwise than its hunks say"):
        check_result(repository, before, other, message, None)
    check_result(repository, before, repository.apply(before, PATCH), message, result)
