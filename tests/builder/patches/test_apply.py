"""Series applied to trees of a real, tiny repository: builder.patches.apply."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import PatchError
from builder.git.repository import Repository
from builder.patches import paths
from builder.patches.apply import (
    AppliedStack,
    apply_series,
    check_applies,
    check_stack,
    compatible_series,
)
from builder.patches.catalogue import Series, adhoc
from builder.patches.patch import Patch
from builder.sources.revision import Revision
from tests.builder.patches.tiny import CEVAL, change, created, edit


def series(name: str, *patches: bytes, **lists: tuple[str, ...]) -> Series:
    return Series(
        name=name,
        branch="3.13",
        title="t",
        why="w",
        applies_to=">=3.13",
        upstream="none",
        status="not proposed",
        effect="e",
        mechanism="m",
        patches=tuple(
            Patch(name=f"{number:04}-x.patch", data=data) for number, data in enumerate(patches, 1)
        ),
        requires=lists.get("requires", ()),
        conflicts=lists.get("conflicts", ()),
    )


def refusal(repository: Repository, tree: str, *stack: Series) -> PatchError:
    with pytest.raises(PatchError) as caught:
        apply_series(repository, tree, stack)
    assert caught.value.exit_code == 5
    assert caught.value.hint
    return caught.value


class TestApplying:
    def test_a_series_of_two_patches(self, repository: Repository, tree: str) -> None:
        after = "".join([*CEVAL[:4], "changed\n", *CEVAL[5:]])
        second = change("Python/ceval.c", after, after.replace("line 6\n", "line six\n"))
        done = apply_series(repository, tree, [series("3.13/a", edit(5), second)])
        assert done.changed == ("Python/ceval.c",)
        content = repository.read(done.tree, "Python/ceval.c")
        assert content is not None
        assert content.splitlines()[4:6] == [b"changed", b"line six"]

    def test_a_stack_tells_each_step(self, repository: Repository, tree: str) -> None:
        new = created("Python/new.c", "x\n")
        done = apply_series(
            repository, tree, [series("3.13/a", edit(5)), series("3.13/b", new, edit(30))]
        )
        assert [step.series for step in done.steps] == ["3.13/a", "3.13/b"]
        assert [step.changed for step in done.steps] == [
            ("Python/ceval.c",),
            ("Python/ceval.c", "Python/new.c"),
        ]
        assert done.changed == ("Python/ceval.c", "Python/new.c")
        assert done.tree == done.steps[-1].tree

    def test_nothing_is_the_tree_itself(self, repository: Repository, tree: str) -> None:
        assert apply_series(repository, tree, []) == AppliedStack(tree=tree, changed=(), steps=())

    @pytest.mark.parametrize(
        ("data", "changed"),
        [
            (edit(5).replace(b"\n@@ -2,7 +2,7", b"\n@@ -9,7 +9,7"), ("Python/ceval.c",)),
            (
                b"diff --git a/Python/ceval.c b/Python/CEVAL.c\nsimilarity index 100%\n"
                b"rename from Python/ceval.c\nrename to Python/CEVAL.c\n",
                ("Python/CEVAL.c", "Python/ceval.c"),
            ),
            (
                b"diff --git a/Python/ceval.c b/Python/copy.c\nsimilarity index 100%\n"
                b"copy from Python/ceval.c\ncopy to Python/copy.c\n",
                ("Python/copy.c",),
            ),
            (
                b"diff --git a/link b/link\ndeleted file mode 120000\n--- a/link\n+++ /dev/null\n"
                b"@@ -1 +0,0 @@\n-Python\n\\ No newline at end of file\n",
                ("link",),
            ),
            (
                b"diff --git a/Python/ceval.c b/Python/ceval.c\nold mode 100644\nnew mode 100755\n",
                ("Python/ceval.c",),
            ),
            (
                b"--- a/Lib/crlf.txt\n+++ b/Lib/crlf.txt\n@@ -1,3 +1,3 @@\n"
                b" a\r\n-b\r\n+B\r\n c\r\n",
                ("Lib/crlf.txt",),
            ),
            (
                b"--- a/Lib/latin1.py\n+++ b/Lib/latin1.py\n@@ -1,2 +1,2 @@\n"
                b" # -*- coding: latin-1 -*-\n-name = '\xe9'\n+name = '\xe8'\n",
                ("Lib/latin1.py",),
            ),
            (
                b"--- a/Include/end.h\n+++ b/Include/end.h\n@@ -1,3 +1,3 @@\n one\n two\n-last\n"
                b"\\ No newline at end of file\n+last\n",
                ("Include/end.h",),
            ),
            (
                b"diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000000000000000000"
                b"000000000000000000..f76dd238ade08917e6712764a16a22005a50573d\n"
                b"GIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n",
                ("x.bin",),
            ),
            (created("Python/empty.c", "\n"), ("Python/empty.c",)),
        ],
        ids=[
            *("offset", "case rename", "copy", "link deleted", "mode", "crlf file"),
            *("latin-1", "last newline", "binary", "new"),
        ],
    )
    def test_what_applies(
        self, repository: Repository, tree: str, data: bytes, changed: tuple[str, ...]
    ) -> None:
        assert apply_series(repository, tree, [adhoc("my.diff", data)]).changed == changed


CEVAL_HEAD = b"--- a/Python/ceval.c\n+++ b/Python/ceval.c\n"
TABS = (
    b"--- a/Modules/tabs.c\n+++ b/Modules/tabs.c\n@@ -1,4 +1,4 @@\n {\n"
    b"-%sint x;\n+\tint z;\n \tint y;\n }\n"
)
WRONG = edit(5).replace(b" line 7\n", b" line seven\n")
TWO = edit(5) + edit(30).partition(b"+++ b/Python/ceval.c\n")[2].replace(b"-line 30", b"-line 3o")

# The patch, and what the message, its place and its advice must say.
HOSTILE: list[tuple[str, bytes, list[str]]] = [
    (
        "context differs",
        WRONG,
        [
            "Hunk 1 of 1 of Python/ceval.c does not apply: 6 of its 7 lines are at line 2",
            "my.diff: Python/ceval.c, hunk 1 of 1 (line 3: @@ -2,7 +2,7 @@)",
            ">      7 | line seven",
            ">      7 | line 7",
            "another version",
        ],
    ),
    (
        "second hunk",
        TWO,
        ["Hunk 2 of 2 of Python/ceval.c", "(line 12:", ">     30 | line 3o", ">     30 | line 30"],
    ),
    (
        "context elsewhere",
        WRONG.replace(b"@@ -2,7 +2,7", b"@@ -22,7 +22,7"),
        ["6 of its 7 lines are at line 2.", "hunk 1 of 1 (line 3: @@ -22,7 +22,7 @@)"],
    ),
    (
        "context nowhere",
        CEVAL_HEAD + b"@@ -5,3 +5,3 @@\n x\n-y\n+z\n w\n",
        ["its context is nowhere in the file", ">      6 | y", ">      6 | line 6"],
    ),
    (
        "past the end",
        CEVAL_HEAD + b"@@ -900,3 +900,3 @@\n x\n-y\n+z\n w\n",
        ["nowhere in the file", "the file ends here", "> "],
    ),
    ("tabs became blanks", TABS % b"        ", ["only white space differs", "attach"]),
    (
        "patch with CR LF",
        edit(5).replace(b"\n", b"\r\n"),
        ["the patch has CR LF line ends, the file has not", "sed -i", "| line 2\\r"],
    ),
    (
        "file with CR LF",
        b"--- a/Lib/crlf.txt\n+++ b/Lib/crlf.txt\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
        ["only line ends differ", "| b\\r"],
    ),
    ("without context", edit(5, context=0), ["without lines of context", "not with -U0"]),
    (
        "hunk is there already",
        CEVAL_HEAD + b"@@ -1,3 +1,3 @@\n line 1\n-line II\n+line 2\n line 3\n"
        b"@@ -20,3 +20,3 @@\n line 20\n-line 21\n+other\n line 22\n",
        ["Hunk 1 of 2", "its result is there already", "Leave out"],
    ),
    (
        "already applied",
        edit(5).replace(b"-line 5\n+changed", b"-line V\n+line 5"),
        ["is already applied: the tree has all of its changes", "my.diff: Python/ceval.c"],
    ),
    (
        "no such file",
        edit(5).replace(b"ceval", b"evaluate"),
        ["Python/evaluate.c does not exist in this tree", "my.diff: Python/evaluate.c (line 1)"],
    ),
    (
        "moved file",
        edit(5).replace(b"Python/", b"Modules/"),
        ["Modules/ceval.c does not exist", "A file of that name is at Python/ceval.c"],
    ),
    (
        "paths without a/ and b/",
        edit(5).replace(b"a/", b"").replace(b"b/", b""),
        [
            "its paths have no a/ and b/ before them (diff.noprefix",
            "my.diff: Python/ceval.c, read as ceval.c",
            "git diff --src-prefix=a/ --dst-prefix=b/",
        ],
    ),
    (
        "paths with too much",
        edit(5).replace(b"a/", b"x/cpython/").replace(b"b/", b"y/cpython/"),
        ["its paths begin above the tree, with cpython/", "git diff --relative=cpython"],
    ),
    (
        "created twice",
        created("Python/ceval.c", "x\n"),
        ["Python/ceval.c would be created, but it already exists"],
    ),
    (
        "file as a folder",
        created("Python/ceval.c/x", "x\n"),
        ["git refuses the patch", "Python/ceval.c/x"],
    ),
    (
        "deleted in part",
        b"--- a/Include/end.h\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n",
        ["Include/end.h"],
    ),
    ("through a link", created("link/new.c", "x\n"), ["link/new.c", "beyond a symbolic link"]),
    (
        "edit through a link",
        edit(5).replace(b"Python/", b"link/"),
        ["link/ceval.c does not exist", "Python/ceval.c"],
    ),
    (
        "link renamed",
        b"diff --git a/link b/l2\nsimilarity index 100%\nrename from link\nrename to l2\n",
        ["l2 would become a symbolic link", "regular files inside the tree"],
    ),
    (
        "link turned",
        b"--- a/link\n+++ b/link\n@@ -1 +1 @@\n-Python\n\\ No newline at end of file\n+/etc\n"
        b"\\ No newline at end of file\n",
        ["link would become a symbolic link"],
    ),
    ("new link", created("evil", "/etc", "120000"), ["evil would become a symbolic link"]),
    ("submodule", created("evil", "Sub", "160000"), ["evil would become a submodule"]),
    ("parent", created("../evil", "x\n"), ["../evil leaves the tree"]),
    ("deep parent", created("Python/../../evil", "x\n"), ["leaves the tree through `..`"]),
    ("absolute", created("/etc/evil", "x\n"), ["/etc/evil is absolute"]),
    ("git folder", created(".git/hooks/post-checkout", "x\n", "100755"), ["lies in git's own"]),
    ("git folder below", created("Lib/.Git/config", "x\n"), ["Lib/.Git/config lies in git's own"]),
    (
        "no effect",
        CEVAL_HEAD + b"@@ -1,2 +1,2 @@\n-line 1\n+line 1\n line 2\n",
        ["changes nothing"],
    ),
    (
        "mode that it has",
        b"diff --git a/Python/ceval.c b/Python/ceval.c\nold mode 100755\nnew mode 100644\n",
        ["The patch changes nothing in Python/ceval.c"],
    ),
    (
        "takes itself back",
        edit(5)
        + change("Python/ceval.c", "".join(CEVAL).replace("line 5\n", "changed\n"), "".join(CEVAL)),
        ["The patch changes nothing in Python/ceval.c"],
    ),
    (
        "corrupt binary",
        b"diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000..1111111\n"
        b"GIT binary patch\nliteral 9\nIcmZPo000310RR91\n\n",
        ["git refuses the patch", "x.bin"],
    ),
    (
        "overlapping hunks",
        CEVAL_HEAD + b"@@ -1,3 +1,3 @@\n line 1\n-line 2\n+x\n line 3\n"
        b"@@ -2,3 +2,3 @@\n x\n-line 3\n+y\n line 4\n",
        ["Hunk 2 of 2 of Python/ceval.c does not apply"],
    ),
    ("random bytes", random.Random(7).randbytes(5000), ["my.diff"]),
]


@pytest.mark.parametrize(
    ("data", "pieces"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE]
)
def test_what_is_refused(repository: Repository, tree: str, data: bytes, pieces: list[str]) -> None:
    with pytest.raises(PatchError) as caught:
        apply_series(repository, tree, [adhoc("folder/my.diff", data)])
    error = caught.value
    assert error.exit_code == 5
    assert error.where.startswith("my.diff")
    assert error.hint
    for piece in pieces:
        assert piece in str(error)
    assert len(str(error).splitlines()) < 24
    assert all(char.isprintable() or char == "\n" for char in str(error))


class TestStack:
    def test_a_conflict_names_the_other_series(self, repository: Repository, tree: str) -> None:
        stack = (
            series("3.13/a", edit(30)),
            series("3.13/b", edit(5)),
            series("3.13/c", edit(10)),
            series("3.13/d", edit(20), edit(6, "other")),
        )
        error = refusal(repository, tree, *stack)
        assert "3.13/d applies without 3.13/b: the two conflict." in error.what
        assert error.where.startswith("3.13/d/0002-x.patch: Python/ceval.c, hunk 1 of 1")
        assert ">      5 | line 5" in error.where
        assert ">      5 | changed" in error.where
        assert "3.13/d and 3.13/b" in error.hint

    def test_the_other_order_is_told_where_it_works(
        self, repository: Repository, tree: str
    ) -> None:
        # b fits only the untouched tree, a finds its place in both.
        a = series(
            "3.13/a",
            CEVAL_HEAD + b"@@ -1,3 +1,4 @@\n line 1\n line 2\n+new\n line 3\n",
        )
        b = series(
            "3.13/b",
            CEVAL_HEAD + b"@@ -2,4 +2,4 @@\n line 2\n line 3\n-line 4\n+four\n line 5\n",
        )
        assert refusal(repository, tree, a, b).hint == (
            "They apply in the other order: 3.13/b before 3.13/a."
        )
        assert apply_series(repository, tree, [b, a]).changed == ("Python/ceval.c",)

    def test_a_series_that_fits_nowhere(self, repository: Repository, tree: str) -> None:
        error = refusal(repository, tree, series("3.13/a", edit(30)), series("3.13/b", WRONG))
        assert "3.13/b does not apply without the other series either." in error.what

    def test_a_malformed_patch_is_no_conflict(self, repository: Repository, tree: str) -> None:
        bad = series("3.13/b", edit(5)[:-1])
        error = refusal(repository, tree, series("3.13/a", edit(30)), bad)
        assert "ends in the middle of a line" in error.what
        assert "3.13/a" not in str(error)

    def test_series_that_cancel_each_other_out(self, repository: Repository, tree: str) -> None:
        back = change(
            "Python/ceval.c", "".join(CEVAL).replace("line 5\n", "changed\n"), "".join(CEVAL)
        )
        error = refusal(repository, tree, series("3.13/a", edit(5)), series("3.13/b", back))
        assert "cancel each other out" in error.what
        assert error.where == "3.13/a, 3.13/b"
        assert "cancel" in refusal(repository, tree, series("3.13/a", edit(5), back)).what

    @pytest.mark.parametrize(
        ("stack", "piece"),
        [
            (("a", "a"), "3.13/a is named twice"),
            (("b",), "3.13/b requires 3.13/a."),
            (("b", "a"), "3.13/b requires 3.13/a before it"),
            (("a", "c"), "3.13/c and 3.13/a exclude each other"),
            (("c", "a"), "3.13/c and 3.13/a exclude each other"),
        ],
    )
    def test_requires_and_conflicts(self, stack: tuple[str, ...], piece: str) -> None:
        known = {
            "a": series("3.13/a", edit(5)),
            "b": series("3.13/b", edit(6), requires=("3.13/a",)),
            "c": series("3.13/c", edit(7), conflicts=("3.13/a",)),
        }
        with pytest.raises(PatchError, match=piece):
            check_stack([known[name] for name in stack])
        check_stack([known["a"], known["b"]])

    def test_what_does_not_join_a_stack_is_told(self) -> None:
        known = [
            series("3.13/a", edit(5)),
            series("3.13/b", edit(6), requires=("3.13/c",)),
            series("3.13/c", edit(7)),
            series("3.13/d", edit(8), conflicts=("3.13/a",)),
        ]
        stack, left = compatible_series(known)
        assert [one.name for one in stack] == ["3.13/a", "3.13/c"]
        assert left == (
            "3.13/b is left out: 3.13/b requires 3.13/c.",
            "3.13/d is left out: 3.13/d and 3.13/a exclude each other.",
        )


class TestVersions:
    @pytest.mark.parametrize(
        ("range_", "version", "applies"),
        [
            (">=2.7.11,<2.8", "2.7.18", True),
            (">=2.7.11,<2.8", "2.7.18+", True),
            (">=2.7.11,<2.8", "2.7.10", False),
            (">=2.7.11,<2.8", "2.7.10+", False),
            ("<=2.7.10", "2.7.10+", True),
            ("==3.13.*", "3.13.0rc2+", True),
            (">=3.13,<3.14", "3.13.5", True),
            (">=3.13,<3.14", "3.14.0a1", False),
            (">=3.15", "3.15.0a2+", False),
            (">=3.15.0a1", "3.15.0a2+", True),
            (">=2.7", "unknown", False),
            ("", "unknown", True),
        ],
    )
    def test_check_applies(self, range_: str, version: str, applies: bool) -> None:
        import dataclasses

        one = dataclasses.replace(series("3.13/a", edit(5)), applies_to=range_)
        revision = Revision(source="s", name="v1", commit="0" * 40, version=version, epoch=0)
        if applies:
            check_applies(one, revision)
            return
        with pytest.raises(PatchError) as caught:
            check_applies(one, revision)
        assert f"3.13/a is for {range_}; v1 is {version}" in str(caught.value)
        assert caught.value.where == "3.13/a/series.toml, applies_to"
        assert (">=3.15.0a1" in caught.value.hint) == ("a" in version)


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def snapshot(folder: Path, leave_out: Path) -> Mapping[str, tuple[int, int]]:
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if leave_out not in (path, *path.parents)
    }


SEEDS = [
    *(row[1] for row in HOSTILE),
    edit(5),
    created("a", "x\n"),
    edit(5) + edit(30),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A patch of the table, with lines dropped, doubled, swapped, or bytes changed."""
    lines = draw(st.sampled_from(SEEDS)).splitlines(keepends=True) or [b""]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        other = draw(
            st.sampled_from(draw(st.sampled_from(SEEDS)).splitlines(keepends=True) or [b""])
        )
        replaced = draw(
            st.sampled_from([b"", other, lines[at] * 2, lines[at][:-1], other + lines[at]])
        )
        lines[at] = replaced
    data = b"".join(lines)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=3)) + data[at + 1 :]
    return data


class TestAnyBytes:
    @settings(max_examples=60)
    @given(data=st.one_of(mutated(), mutated(), st.binary(max_size=300)))
    def test_a_patch_error_or_a_clean_tree_and_nothing_else(
        self,
        repository: Repository,
        tree: str,
        tmp_path_factory: pytest.TempPathFactory,
        data: bytes,
    ) -> None:
        # Of its own: the folders of all other tests would be looked through for each example.
        home = tmp_path_factory.getbasetemp() / "canary"
        folder = home / "so" / "deep" / "that" / "dots" / "stay" / "inside"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a").write_text("untouched")
        before = snapshot(home, repository.path)
        with inside(folder):
            try:
                done = apply_series(repository, tree, [adhoc("-", data)])
            except PatchError as error:
                assert error.exit_code == 5  # noqa: PT017
            else:
                for entry in repository.changes(tree, done.tree):
                    assert paths.unsafe(entry.path) == ""
                    assert entry.new_mode in ("000000", "100644", "100755")
        assert snapshot(home, repository.path) == before
        assert not (repository.path / "index").exists()
