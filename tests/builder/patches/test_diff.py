"""Unified diffs read into files and hunks; test_patch.py has what is refused, form by form."""

from __future__ import annotations

import pytest

from builder.errors import PatchError
from builder.patches import diff, mail
from builder.patches.diff import Diff

HEAD = b"--- a/x.c\n+++ b/x.c\n"


def read(data: bytes) -> Diff:
    (whole,) = mail.split(data)
    return diff.read(whole, "the patch")


def refusal(data: bytes) -> PatchError:
    with pytest.raises(PatchError) as caught:
        read(data)
    return caught.value


def test_text_without_a_diff_has_no_files() -> None:
    assert read(b"Dear all,\n").files == ()
    assert read(b"").files == ()


@pytest.mark.parametrize(
    ("header", "old", "new"), [("-3 +4", 3, 4), ("-3,1 +4,1", 3, 4), ("-0,0 +1", 0, 1)]
)
def test_a_count_that_is_left_out_is_one(header: str, old: int, new: int) -> None:
    removed = b"" if "0,0" in header else b"-a\n"
    (file,) = read(HEAD + f"@@ {header} @@\n".encode() + removed + b"+b\n").files
    (hunk,) = file.hunks
    assert (hunk.old_start, hunk.new_start) == (old, new)
    assert (len(hunk.before), len(hunk.after)) == (len(removed) // 3, 1)


def test_trailing_context_is_counted_from_the_last_change() -> None:
    hunk = b"@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n-e\n+E\n"
    assert read(HEAD + hunk).files[0].hunks[0].trailing == 0
    hunk = b"@@ -1,4 +1,4 @@\n a\n-b\n+B\n c\n d\n"
    assert read(HEAD + hunk).files[0].hunks[0].trailing == 2


def test_line_ends_of_the_headers_are_seen_and_kept_in_the_content() -> None:
    plain = b"--- a/x.c\r\n+++ b/x.c\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n"
    found = read(plain)
    assert found.crlf
    assert found.files[0].path == "x.c"
    assert found.files[0].hunks[0].after == (b"b\r\n",)
    assert not read(HEAD + b"@@ -1 +1 @@\n-a\n+b\n").crlf


def test_a_rename_touches_both_paths_and_a_copy_one() -> None:
    head = "diff --git a/x b/y\nsimilarity index 100%\n{0} from x\n{0} to y\n"
    assert read(head.format("rename").encode()).files[0].touched == ("x", "y")
    assert read(head.format("copy").encode()).files[0].touched == ("y",)


@pytest.mark.parametrize(
    ("data", "path", "old", "new"),
    [
        (b"diff --git a/x b/x\nnew file mode 100644\n", "x", None, "x"),
        (b"diff --git a/x b/x\ndeleted file mode 120000\n", "x", "x", None),
        (b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", "x", "x", "x"),
    ],
)
def test_changes_without_any_hunk(data: bytes, path: str, old: str | None, new: str | None) -> None:
    (file,) = read(data).files
    assert (file.path, file.old, file.new, file.hunks) == (path, old, new, ())


def test_a_refusal_names_the_line_of_the_file_that_holds_the_mail() -> None:
    mails = b"From a@b Mon Sep 17 00:00:00 2001\nSubject: x\n\n---\n"
    second = mail.split(mails + mails + HEAD + b"@@ -1 +1 @@\n a\n")[1]
    with pytest.raises(PatchError, match="changes nothing") as caught:
        diff.read(second, "the patch (mail 2 of 2)")
    assert caught.value.where == "the patch (mail 2 of 2), line 11"


@pytest.mark.parametrize(
    ("hunks", "what"),
    [
        (b"@@ -1 +1 @@\n-a\n+b\n\n@@ -9 +9 @@\n-c\n+d\n", "without the header of its file"),
        (b"@@ -1 +1 @@\n-a\n+b\n+c\n", "more lines than its header counts"),
        (b"@@ -1,2 +1 @@\n-a\n+b\n", "cut short"),
        (b"@@ -1 +1 @@\n-a\n+b", "ends in the middle of a line"),
        (b"@@ -1 +1 @@\n a\n", "changes nothing"),
        (b"@@ -1 +1\n-a\n+b\n", "cannot be read"),
    ],
)
def test_whatever_git_would_skip_in_silence_is_refused(hunks: bytes, what: str) -> None:
    error = refusal(HEAD + hunks)
    assert what in error.what
    assert error.where.startswith("the patch, line ")
    assert error.hint


def test_a_signature_and_a_following_file_are_not_lines_of_a_hunk() -> None:
    hunk = b"@@ -1 +1 @@\n-a\n+b\n"
    assert len(read(HEAD + hunk + b"-- \n2.39.5\n").files) == 1
    assert len(read(HEAD + hunk + HEAD.replace(b"x.c", b"y.c") + hunk).files) == 2


def test_versions_and_modes_are_those_of_gits_header() -> None:
    data = (
        b"diff --git a/x.c b/x.c\nindex 1234567..7654321 100755\n" + HEAD + b"@@ -1 +1 @@\n-a\n+b\n"
    )
    (file,) = read(data).files
    assert (file.index, file.old_mode, file.new_mode) == (("1234567", "7654321"), "100755", "")
    (file,) = read(b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n").files
    assert (file.index, file.old_mode, file.new_mode) == (None, "100644", "100755")


def test_lines_of_context_are_counted() -> None:
    (hunk,) = read(HEAD + b"@@ -1,3 +1,4 @@\n a\n b\n+B\n c\n").files[0].hunks
    assert (hunk.context, hunk.trailing, hunk.named) == (3, 1, 0)
    (hunk,) = read(HEAD + b"@@ -5,0 +6 @@\n+B\n").files[0].hunks
    assert (hunk.context, hunk.trailing, hunk.named) == (0, 0, 5)


WHOLE = HEAD + b"@@ -1 +1 @@\n-a\n+b\n"
MAIL = b"From: a@example.org\nSubject: x\n\nText.\n"
LOST: list[tuple[str, bytes, str]] = [
    (
        "no newline within a hunk",
        HEAD + b"@@ -1,2 +1,2 @@\n-a\n\\ No newline at end of file\n-b\n+c\n+d\n",
        "is corrupt",
    ),
    (
        "renamed in part",
        b"diff --git a/x b/y\nsimilarity index 80%\nrename from x\nrename to y\n",
        "has no hunks",
    ),
    (
        "new file without its lines",
        b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..1234567\n",
        "has no hunks",
    ),
    (
        "context diff",
        WHOLE + b"*** a/y\n--- b/y\n***************\n*** 1 ****\n! a\n",
        "context diff",
    ),
    ("plain diff", WHOLE + b"3c3\n< a\n---\n> b\n", "plain diff or an ed script"),
    ("ed script", WHOLE + b"12d\n3a\nx\n.\n", "plain diff or an ed script"),
    ("names alone", WHOLE + b"Files a/y and b/y differ\n", "without its content"),
    ("submodule", WHOLE + b"Submodule sub 1234567..7654321:\n", "A submodule is listed"),
    ("conflict", b"* Unmerged path y\n" + WHOLE, "with a conflict"),
    (
        "diff in the message",
        MAIL + WHOLE + b"---\n x.c | 2 +-\n 1 file changed\n\n" + WHOLE + b"-- \n2.39\n",
        "a diff in the message of this mail",
    ),
    (
        "mail that was cut",
        MAIL + b"---\n x.c | 2 +-\n y.c | 2 +-\n 2 files changed, 2 insertions(+)\n\n" + WHOLE,
        "by its summary 2 files are changed, its diff has 1",
    ),
]


@pytest.mark.parametrize(("data", "what"), [row[1:] for row in LOST], ids=[row[0] for row in LOST])
def test_what_would_be_lost_or_applied_by_mistake_is_refused(data: bytes, what: str) -> None:
    error = refusal(data)
    assert what in error.what
    assert error.hint


def test_an_empty_file_needs_no_lines() -> None:
    data = b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n"
    assert read(data).files[0].new == "x"


def test_a_summary_that_fits_is_kept() -> None:
    data = MAIL + b"---\n x.c | 2 +-\n 1 file changed, 1 insertion(+)\n\n" + WHOLE
    assert read(data).stated == 1
    assert read(WHOLE).stated is None
