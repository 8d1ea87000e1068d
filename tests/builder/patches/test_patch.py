"""Reading patches, with no tree: `mail`, `paths`, `diff` and `patch`."""

from __future__ import annotations

import base64
import gzip
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import PatchError
from builder.patches import paths
from builder.patches.patch import MAX_BYTES, Message, Patch, parse

HUNK = b"@@ -1,3 +1,4 @@ main_loop\n a\n-b\n+B\n+BB\n c\n"
PLAIN = b"--- a/Python/ceval.c\n+++ b/Python/ceval.c\n" + HUNK
GIT = b"diff --git a/Python/ceval.c b/Python/ceval.c\nindex 1234567..7654321 100644\n" + PLAIN
MAIL = (
    b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    b"From: A B <a@example.org>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
    b"Subject: [PATCH 1/2] Make the\n loop =?utf-8?q?sch=C3=B6n?=\n\nWhy.\n"
    b"--- it is a list\n---\n Python/ceval.c | 3 ++-\n 1 file changed\n\n"
)
SIGNED = b"-- \n2.39.5\n\n"


def read(data: bytes) -> tuple[Message, ...]:
    return parse(Patch(name="0001-x.patch", data=data), "3.13/s")


def one(data: bytes) -> Message:
    (message,) = read(data)
    return message


def refusal(data: bytes) -> PatchError:
    with pytest.raises(PatchError) as caught:
        read(data)
    return caught.value


class TestWhatIsRead:
    @pytest.mark.parametrize("data", [PLAIN, GIT, MAIL + GIT + SIGNED, b"\xef\xbb\xbf" + GIT])
    def test_every_form_has_the_same_file_and_hunk(self, data: bytes) -> None:
        (file,) = one(data).files
        assert (file.path, file.old, file.new) == ("Python/ceval.c",) * 3
        (hunk,) = file.hunks
        assert (hunk.old_start, hunk.new_start, hunk.trailing) == (1, 1, 1)
        assert hunk.header == "@@ -1,3 +1,4 @@ main_loop"
        assert hunk.before == (b"a\n", b"b\n", b"c\n")
        assert hunk.after == (b"a\n", b"B\n", b"BB\n", b"c\n")
        assert data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[hunk.line - 1].startswith(b"@@")

    def test_a_bare_diff_goes_to_git_byte_for_byte(self) -> None:
        data = PLAIN.replace(b"B\n", b"\xe9\x00\r\x0c\n")
        assert one(data).data == data
        assert one(data).files[0].hunks[0].after[1] == b"\xe9\x00\r\x0c\n"

    def test_the_subject_of_a_mail_is_decoded(self) -> None:
        assert one(MAIL + GIT).subject == "Make the loop schön"
        assert one(GIT).subject == ""

    def test_the_mails_of_a_mailbox_are_told_apart(self) -> None:
        cover = MAIL.replace(b"1/2", b"0/2")
        second = GIT.replace(b"ceval", b"compile")
        messages = read(cover + SIGNED + MAIL + GIT + SIGNED + MAIL + second + SIGNED)
        assert [message.files[0].path for message in messages] == [
            "Python/ceval.c",
            "Python/compile.c",
        ]
        assert messages[1].where == "3.13/s/0001-x.patch (mail 3 of 3)"
        whole = cover + SIGNED + MAIL + GIT + SIGNED + MAIL + second
        assert whole.split(b"\n")[messages[1].files[0].line - 1].startswith(b"diff --git")

    def test_several_files_and_hunks(self) -> None:
        second = b"@@ -10,2 +11 @@\n x\n-y\n@@ -20 +20,2 @@\n z\n+zz\n"
        files = one(GIT + second + b"\ndiff -u whatever\n" + PLAIN.replace(b"ceval", b"dis")).files
        assert [len(file.hunks) for file in files] == [3, 1]
        assert [hunk.old_start for hunk in files[0].hunks] == [1, 10, 20]

    def test_no_newline_at_the_end_of_file(self) -> None:
        tail = b"@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
        (hunk,) = one(PLAIN.removesuffix(HUNK) + tail).files[0].hunks
        assert (hunk.before, hunk.after) == ((b"a\n", b"b"), (b"a\n", b"b\n"))
        both = tail.replace(b"+b\n", b"+c\n\\ No newline at end of file\n")
        assert one(PLAIN.removesuffix(HUNK) + both).files[0].hunks[0].after == (b"a\n", b"c")

    def test_an_empty_context_line_may_have_lost_its_blank(self) -> None:
        stripped = b"@@ -1,3 +1,2 @@\n a\n\n-b\n"
        assert one(PLAIN.removesuffix(HUNK) + stripped).files[0].hunks[0].before[1] == b"\n"

    @pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "multipart"])
    def test_encoded_mail_is_decoded(self, encoding: str) -> None:
        body = GIT.replace(b"+B\n", b"+caf\xc3\xa9 = 1;\n")
        head = b"From: a@example.org\nSubject: x\n"
        if encoding == "multipart":
            data = (
                head + b'Content-Type: multipart/mixed; boundary="=="\n\n--==\n'
                b"Content-Type: text/plain\n\nSee below.\n--==\nContent-Type: text/x-patch\n"
                b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(body) + b"--==--\n"
            )
        else:
            code = quopri.encodestring if encoding[0] == "q" else base64.encodebytes
            data = head + b"Content-Transfer-Encoding: " + encoding.encode() + b"\n\n" + code(body)
        message = one(data)
        assert message.files[0].hunks[0].after[1] == "café = 1;\n".encode()
        assert body in message.data

    def test_a_binary_patch_with_its_content(self) -> None:
        data = (
            b"diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000..1111111\n"
            b"GIT binary patch\nliteral 3\nKcmZQzU|?VX01*HI\n\nliteral 0\nHcmV?d00001\n\n"
        )
        files = one(data + GIT).files
        assert [(file.path, file.binary) for file in files] == [
            ("x.bin", True),
            ("Python/ceval.c", False),
        ]


# What is given, and what the message, its place and its advice must say.
CLUMSY: list[tuple[str, bytes, list[str]]] = [
    ("empty", b"", ["0001-x.patch is empty"]),
    ("blank", b" \n\t\n", ["is empty"]),
    ("prose", b"Dear all,\nplease make it faster.\n", ["has no diff in it", "git format-patch"]),
    ("binary", b"\x7fELF\x02\x01\x01\0\0\0", ["is binary data"]),
    ("gzip", gzip.compress(GIT), ["is compressed (gzip)", "gunzip"]),
    ("utf-16", GIT.decode().encode("utf-16"), ["is UTF-16 text"]),
    ("web page without a diff", b"<html><body>404</body></html>", ["is a web page"]),
    ("coloured", b"\x1b[1mdiff --git a/x b/x\x1b[m\n\x1b[36m@@ -1 +1 @@\n", ["terminal colours"]),
    (
        "context diff",
        b"*** a/x\n--- b/x\n***************\n*** 1 ****\n! a\n",
        ["context diff", "-u"],
    ),
    ("plain diff", b"3c3\n< a\n---\n> b\n", ["is a plain diff", "diff -u"]),
    ("stat only", b" Python/ceval.c | 12 ++++++------\n", ["summary without the diff"]),
    ("cover letter", MAIL + SIGNED, ["summary without the diff"]),
    ("merge", b"diff --cc x\n@@@ -1,1 -1,1 +1,1 @@@\n", ["combined diff of a merge", "line 1"]),
    ("too large", b"x" * (MAX_BYTES + 1), ["is too large: 33,554,433 bytes"]),
    ("no file header", HUNK, ["without the header of its file", "line 1"]),
    ("blank between hunks", PLAIN + b"\n" + HUNK, ["without the header of its file", "line 10"]),
    ("git header alone", GIT.removesuffix(PLAIN), ["diff of Python/ceval.c has no hunks"]),
    ("header alone", PLAIN.removesuffix(HUNK), ["diff of Python/ceval.c has no hunks", "cut"]),
    ("hunk cut", PLAIN[: -len(b"+BB\n c\n")], ["Hunk 1 of Python/ceval.c is cut short", "line 3"]),
    ("cut in a line", PLAIN[:-1], ["Hunk 1 of Python/ceval.c ends in the middle of a line"]),
    ("counts too low", PLAIN + b"+more\n", ["more lines than its header counts", "'+more'"]),
    (
        "counts too high",
        PLAIN.replace(b"+1,4", b"+1,5") + SIGNED,
        ["is corrupt at '-- '", "0 more old and 1 more new", "line 9"],
    ),
    ("wrapped", PLAIN.replace(b" c\n", b"c\n"), ["corrupt", "at 'c'", "mail program"]),
    ("bad header", PLAIN.replace(b"-1,3", b"-1;3"), ["has a header that cannot be read: @@ -1;3"]),
    ("huge", PLAIN.replace(b"-1,3", b"-1," + b"9" * 9999), ["header that cannot be read"]),
    (
        "large",
        PLAIN.replace(b"-1,3", b"-1,999999999"),
        ["cut short: its header counts 999999996 more old"],
    ),
    ("no change", PLAIN.removesuffix(HUNK) + b"@@ -1 +1 @@\n a\n", ["changes nothing"]),
    ("zero counts", PLAIN.removesuffix(HUNK) + b"@@ -1,0 +1,0 @@\n", ["changes nothing"]),
    ("stray marker", PLAIN.replace(b" a\n", b"\\ No newline\n a\n"), ["is corrupt"]),
    (
        "binary named in a git diff",
        b"diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n",
        ["binary change", "without its content", "--binary"],
    ),
    ("binary named", b"Binary files a/x and b/x differ\n" + PLAIN, ["binary change", "line 1"]),
    ("only in", PLAIN + b"Only in b/Python: new.c\n", ["named without its content", "diff -ruN"]),
    (
        "absolute",
        PLAIN.replace(b" a/", b" /usr/").replace(b" b/", b" /usr/"),
        ["/usr/Python/ceval.c is absolute"],
    ),
    ("absolute within", PLAIN.replace(b"b/", b"b//"), ["The path /Python/ceval.c is absolute"]),
    ("parent", PLAIN.replace(b"b/Python", b"b/../.."), ["b/../../ceval.c leaves the tree"]),
    ("parent in quotes", PLAIN.replace(b"b/Python/ceval.c", b'"b/\\056./x"'), ["leaves the tree"]),
    (
        "git folder",
        PLAIN.replace(b"/Python", b"/.git/hooks"),
        ["a/.git/hooks/ceval.c lies in git's"],
    ),
    ("dot", PLAIN.replace(b"/Python", b"/./Python"), ["has `.` as a component"]),
    ("escape in path", PLAIN.replace(b"ceval", b"ce\x1b[2Jval"), ["ce\\x1b[2Jval.c has control"]),
    ("NUL in path", PLAIN.replace(b"ceval", b"ce\0val"), ["control characters"]),
    ("latin-1 path", PLAIN.replace(b"ceval", b"\xe9val"), ["not UTF-8"]),
    (
        "rename outside",
        b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to ../y\n",
        ["The path ../y leaves the tree"],
    ),
    (
        "symbolic link",
        b"diff --git a/s b/s\nnew file mode 120000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+/etc\n",
        ["s would become a symbolic link", "regular files"],
    ),
    ("link target", GIT.replace(b" 100644", b" 120000"), ["would become a symbolic link"]),
    ("mode to link", b"diff --git a/s b/s\nold mode 100644\nnew mode 120000\n", ["symbolic link"]),
    (
        "submodule",
        b"diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Sub\n",
        ["s would become a submodule"],
    ),
    ("mode of a folder", GIT.replace(b" 100644", b" 040000"), ["mode 040000", "no regular file"]),
]


@pytest.mark.parametrize(
    ("data", "pieces"), [row[1:] for row in CLUMSY], ids=[row[0] for row in CLUMSY]
)
def test_what_is_refused(data: bytes, pieces: list[str]) -> None:
    error = refusal(data)
    assert error.exit_code == 5
    assert error.where.startswith("3.13/s/0001-x.patch")
    assert error.hint
    for piece in pieces:
        assert piece in str(error)
    assert all(char.isprintable() or char == "\n" for char in str(error))


def test_a_web_page_around_a_diff_is_read_for_its_diff() -> None:
    assert one(b"<html>\n" + PLAIN).files[0].path == "Python/ceval.c"


def test_free_text_of_a_mail_is_not_taken_for_a_diff() -> None:
    text = b"Only in mails: this.\nBinary files a and b differ\n- a list\n+ of points\n"
    assert one(MAIL.replace(b"Why.\n--- it is a list\n", text) + GIT).files


SNIPPETS = [*PLAIN.splitlines(keepends=True), *GIT.splitlines(keepends=True)]
SNIPPETS += [MAIL, SIGNED, b"--- /dev/null\n", b"GIT binary patch\n", b"\\ No newline\n", b"\r\n"]
SNIPPETS += [b'diff --git "a/\\', b"rename from ", b"@@ -", b"\0", b"\xff\xfe", b"=?utf-8?q?=FF?="]
SNIPPETS += [b"Content-Type: multipart/mixed\n", b"Content-Transfer-Encoding: base64\n", b"\n\n"]
SNIPPETS += [b"Subject: ", b"From: ", b"=?x?b?!!?=\n"]


@given(
    st.one_of(
        st.binary(), st.lists(st.sampled_from(SNIPPETS) | st.binary(max_size=4)).map(b"".join)
    )
)
def test_no_bytes_do_worse_than_a_patch_error(data: bytes) -> None:
    try:
        messages = read(data)
    except PatchError as error:
        assert error.where  # noqa: PT017
        return
    for message in messages:
        for file in message.files:
            assert all(paths.unsafe(path) == "" for path in file.touched)
            for hunk in file.hunks:
                assert hunk.before != hunk.after
