"""The paths in the headers of a diff: which file they name, and which are refused."""

from __future__ import annotations

import pytest

from builder.patches import paths


class TestNames:
    @pytest.mark.parametrize(
        ("header", "old", "new"),
        [
            ("--- a/x.c\t2026-01-01\n+++ b/x.c\t2026-01-02", "x.c", "x.c"),
            ("--- a/x y.c 2026-01-01 10:00:00.0 +0100\n+++ b/x y.c", "x y.c", "x y.c"),
            ("--- a/x.c.orig\n+++ b/x.c", "x.c", "x.c"),
            ("--- a/x.c\n+++ b/x.c~", "x.c", "x.c"),
            ("--- x.c\n+++ x.c", "x.c", "x.c"),
            ("--- /dev/null\n+++ b/x.c", None, "x.c"),
            ("--- a/x.c\n+++ /dev/null", "x.c", None),
            ("--- a/x.c\t1970-01-01 00:00:00.000000000 +0000\n+++ b/x.c", None, "x.c"),
            ("--- a/x.c\t1969-12-31 19:00:00.000000000 -0500\n+++ b/x.c", None, "x.c"),
            ("--- a/x.c\n+++ b/x.c\t1970-01-01 01:00:00.000000000 +0100", "x.c", None),
            ("--- a/x.c\t1970-01-01 01:00:00 +0000\n+++ b/x.c", "x.c", "x.c"),
            ('--- "a/\\303\\244 \\"x\\".c"\n+++ "b/\\303\\244 \\"x\\".c"', 'ä "x".c', 'ä "x".c'),
            ("--- a//P//x.c\n+++ b//P//x.c", "/P/x.c", "/P/x.c"),
        ],
    )
    def test_of_plain(self, header: str, old: str | None, new: str | None) -> None:
        first, second = header.encode().split(b"\n")
        found = paths.of_plain(first[4:], second[4:])
        assert (found.old, found.new) == (old, new)

    @pytest.mark.parametrize(
        ("text", "old", "new"),
        [
            ("a/x y b/x y\nnew file mode 100644\nindex 0..1", None, "x y"),
            ("a/x b/x\ndeleted file mode 100644\nindex 1..0", "x", None),
            ("a/x b/y\nsimilarity index 100%\nrename from d/x\nrename to d/y", "d/x", "d/y"),
            ('"a/\\tx" "b/\\tx"\nold mode 100644\nnew mode 100755', "\tx", "\tx"),
            ('a/x "b/\\303\\251"\nrename from x\nrename to "\\303\\251"', "x", "é"),
        ],
    )
    def test_of_git(self, text: str, old: str | None, new: str | None) -> None:
        header, *lines = text.encode().split(b"\n")
        verbs = (b"new file mode", b"deleted file mode", b"rename from", b"rename to")
        fields = {
            verb: line[len(verb) + 1 :]
            for line in lines
            for verb in (*verbs, b"new mode")
            if line.startswith(verb)
        }
        found = paths.of_git(header, fields)
        assert (found.old, found.new) == (old, new)

    @pytest.mark.parametrize(
        "path", ["a.git/x", "x.gitignore", ".github/x", "a/..b", "a/b..", "git/x", ".gitattributes"]
    )
    def test_harmless(self, path: str) -> None:
        assert paths.unsafe(path) == ""

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("/etc/passwd", "absolute"),
            ("C:\\x", "absolute"),
            ("a/../../x", "leaves the tree"),
            ("..\\x", "leaves the tree"),
            ("a/.git/hooks/x", "git's own"),
            (".GIT/config", "git's own"),
            ("a/.git ./x", "git's own"),
            ("GIT~1/config", "git's own"),
            ("a\x1b[31m", "control characters"),
            ("a\nb", "control characters"),
            ("a\udce9", "not UTF-8"),
            ("é" * 128, "too long"),
            ("a/" * 1100, "too long"),
        ],
    )
    def test_unsafe(self, path: str, reason: str) -> None:
        assert reason in paths.unsafe(path)

    def test_shown_is_one_short_printable_line(self) -> None:
        assert paths.shown(b"\x1b[1m\xff\r\n") == "\\x1b[1m\\xff\\r"
        assert paths.shown(b"\tif (x)\n") == "        if (x)"
        assert len(paths.shown("x" * 10_000_000)) == 101
