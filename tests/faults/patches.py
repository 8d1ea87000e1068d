"""Patches and series that are malformed, unsafe, or do not apply."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence

from bench.cli import main
from tests import fake
from tests.faults import Place, table

ROWS, fault = table()


def new_file(path: str, mode: str = "100644", line: str = "pwned") -> bytes:
    """A patch that creates a file of one line at any path."""
    head = f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1 @@\n+{line}\n".encode()


def plain(path: str) -> bytes:
    """The same patch in the form of `diff -u`."""
    return f"--- {path}\n+++ {path}\n@@ -0,0 +1 @@\n+pwned\n".encode()


@fault(5, "standard input is empty", "git format-patch")
def an_empty_standard_input(at: Place) -> Sequence[str]:
    return at.adhoc("--patch", "-")


@fault(5, "change.diff is empty", "git format-patch")
def an_empty_patch(at: Place) -> Sequence[str]:
    return at.patched(b"")


@fault(5, "cannot be read", "directory", "--patch takes files")
def a_patch_that_is_a_directory(at: Place) -> Sequence[str]:
    return at.adhoc("--patch", str(at.here))


@fault(5, "cannot be read", "No such file", "nowhere.diff", "--patch takes files")
def a_patch_that_is_nowhere(at: Place) -> Sequence[str]:
    return at.adhoc("--patch", "nowhere.diff")


@fault(5, "too large", "33,554,4")
def a_patch_without_end(at: Place) -> Sequence[str]:
    return at.adhoc("--patch", "/dev/zero")


@fault(5, "is binary data", "change.diff")
def a_binary_patch(at: Place) -> Sequence[str]:
    return at.patched(bytes(range(256)) * 8)


@fault(5, "compressed (gzip)", "gunzip")
def a_compressed_patch(at: Place) -> Sequence[str]:
    return at.patched(gzip.compress(fake.speed_patch(2)))


@fault(5, "web page", "Download the patch itself")
def a_web_page(at: Place) -> Sequence[str]:
    return at.patched(b"<!DOCTYPE html><html>diff</html>")


@fault(5, "no diff in it", "git diff")
def a_letter(at: Place) -> Sequence[str]:
    return at.patched(b"Dear python-dev,\n\nfaster is better.\n")


@fault(5, "change.diff", "line", "cut short")
def a_truncated_patch(at: Place) -> Sequence[str]:
    lines = fake.speed_patch(2).splitlines(keepends=True)
    return at.patched(b"".join(lines[:-2]))


@fault(5, "binary", "change.diff")
def a_patch_of_a_binary_file_without_its_data(at: Place) -> Sequence[str]:
    return at.patched(b"diff --git a/x b/x\nindex 1..2\nBinary files a/x and b/x differ\n")


@fault(5, "leaves the tree", "../../escaped")
def a_patch_that_escapes(at: Place) -> Sequence[str]:
    return at.patched(new_file("../../escaped"))


@fault(5, "leaves the tree", "..")
def a_patch_that_escapes_from_a_folder(at: Place) -> Sequence[str]:
    return at.patched(new_file("Lib/../../../escaped"))


@fault(5, "is absolute", "escaped")
def a_patch_with_an_absolute_path(at: Place) -> Sequence[str]:
    return at.patched(plain(f"{at.root}/escaped"))


@fault(5, "symbolic link", "change.diff")
def a_patch_that_makes_a_link(at: Place) -> Sequence[str]:
    return at.patched(new_file("Lib/link", mode="120000", line=str(at.root)))


@fault(5, "git's own folder", ".git/hooks")
def a_patch_of_gits_own_folder(at: Place) -> Sequence[str]:
    return at.patched(new_file(".git/hooks/post-checkout"))


@fault(5, "submodule", "change.diff")
def a_patch_that_makes_a_submodule(at: Place) -> Sequence[str]:
    return at.patched(new_file("Lib/module", mode="160000"))


@fault(5, "already applied", "Python/ceval.c", "Leave it out")
def a_patch_that_is_applied_already(at: Place) -> Sequence[str]:
    there = fake.loop_patch('const char *speed = "1.0";', 'const char *speed = "2.0";')
    lines = there.decode().replace("-const char", "#").replace("+const char", "-const char")
    turned = lines.replace("#", "+const char").replace('"2.0"', '"0.5"')
    return at.patched(turned.encode())


@fault(5, "Python/ceval.c", "@@", "change.diff")
def a_patch_that_conflicts(at: Place) -> Sequence[str]:
    other = fake.speed_patch(2).replace(
        b'-const char *speed = "1.0"', b'-const char *speed = "3.0"'
    )
    return at.patched(other)


@fault(5, "Objects/nothing.c", "change.diff")
def a_patch_of_a_file_that_is_not_there(at: Place) -> Sequence[str]:
    return at.patched(fake.speed_patch(2).replace(b"Python/ceval.c", b"Objects/nothing.c"))


@fault(5, "change.diff", "nothing")
def a_patch_that_changes_nothing(at: Place) -> Sequence[str]:
    same = fake.speed_patch(2).replace(b'"2"', b'"1.0"')
    return at.patched(same)


@fault(5, "would be lost", "generated_cases.c.h", "generators")
def a_patch_that_the_generators_undo(at: Place) -> Sequence[str]:
    where = "Python/generated_cases.c.h"
    old = (fake.TEMPLATE / where).read_text().splitlines()[0]
    source = (fake.TEMPLATE / "Python/bytecodes.c").read_text().splitlines()[0]
    both = fake.replacing(where, old, "/* by hand */")
    return at.patched(both + fake.replacing("Python/bytecodes.c", source, f"{source} /* new */"))


@fault(5, "no series '3.13/slwo'", "3.13/slow", "--patch FILE")
def an_unknown_series(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slwo")


@fault(5, "no series", "../../etc")
def a_series_that_leads_elsewhere(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "../../etc")


@fault(5, "titel is unknown", "title", "series.toml")
def a_series_with_an_unknown_key(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/misspelt")


@fault(5, ">=3.13,<3.14", "3.14.0", "Choose a revision")
def a_series_for_another_branch(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", base="next")


@fault(5, "slower", "applies without 3.13/slow", "two conflict")
def two_series_that_conflict(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", "--series", "3.13/slower")


@fault(5, "named twice", "3.13/slow")
def one_series_twice(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", "--series", "3.13/slow")


@fault(5, "Standard input is given twice", "to a file")
def standard_input_twice(at: Place) -> Sequence[str]:
    at.stdin(fake.speed_patch(2))
    return at.adhoc("--patch", "-", "--patch", "-")


@fault(5, "u0.diff: Python/ceval.c", "without lines of context", "not with -U0")
def an_insertion_without_context(at: Place) -> Sequence[str]:
    data = b"--- a/Python/ceval.c\n+++ b/Python/ceval.c\n@@ -5,0 +6 @@\n+int faster = 1;\n"
    return at.adhoc("--patch", str(at.file("u0.diff", data)))


@fault(5, "they fit in Python/", "git diff --no-relative")
def a_patch_with_paths_of_a_subfolder(at: Place) -> Sequence[str]:
    return at.patched(fake.speed_patch(2).replace(b"Python/", b""))


@fault(5, "given twice", "Name each patch once")
def one_patch_twice(at: Place) -> Sequence[str]:
    path = str(at.file("fix.diff", fake.speed_patch(2)))
    return at.adhoc("--patch", path, path)


@fault(0)
def two_patches_of_one_name(at: Place) -> Sequence[str]:
    first = at.file("a/fix.diff", fake.speed_patch(2))
    second = at.file("b/fix.diff", fake.behaviour_patch("test_int", "fail"))
    return at.adhoc("--patch", str(first), "--patch", str(second), "--dry-run")


@fault(0)
def a_series_with_its_cover_letter(at: Place) -> Sequence[str]:
    head = "From: A <a@example.org>\nSubject: [PATCH {}/1] Faster\n\nText.\n---\n\n"
    letter = at.file("fp/0000-cover-letter.patch", head.format(0))
    one = at.file("fp/0001-one.patch", head.format(1).encode() + fake.speed_patch(2))
    return at.adhoc("--patch", str(letter), str(one), "--dry-run")


@fault(5, "cannot be read", "?[31mred.diff")
def a_name_with_terminal_colours(at: Place) -> Sequence[str]:
    return at.adhoc("--patch", "\x1b[31mred.diff")


@fault(0)
def a_patch_from_a_pipe(at: Place) -> Sequence[str]:
    """A pipe, as from <(git diff) in a shell."""
    reading, writing = os.pipe()
    os.write(writing, fake.speed_patch(2))
    os.close(writing)
    return at.adhoc("--patch", f"/dev/fd/{reading}", "--dry-run")


@fault(0)
def patches_with_names_that_are_taken_or_odd(at: Place) -> Sequence[str]:
    at.file("block.diff", fake.speed_patch(2))
    at.file("--.diff", fake.speed_patch(3))
    at.file("caf\u00e9 (1).diff", fake.speed_patch(4))
    tables = [f'[[candidate]]\npatch = "{path.name}"\n' for path in at.here.glob("*.diff")]
    return at.experiment("".join(tables), "--dry-run")


@fault(5, "no series '3.13/slow'", "There are none")
def no_patches_at_all(at: Place) -> Sequence[str]:
    at.patch.setattr(main, "PROJECT", at.here)
    return at.adhoc("--series", "3.13/slow")
