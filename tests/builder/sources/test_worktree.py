"""Uncommitted changes as a notice and as a snapshot: builder.sources.worktree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import PatchbenchError, SourceError, UsageError
from builder.sources.local_git import LocalGit
from builder.sources.worktree import snapshot, uncommitted
from tests.builder.git.clones import Clone
from tests.builder.upstream import home_at

BEFORE: dict[str, str | bytes] = {
    "Include/patchlevel.h": '#define PY_VERSION "3.13.5"\n',
    "Python/ceval.c": "int speed;\n" * 20,
    "Lib/a.py": "a\n",
    "Lib/b.bin": b"\0\1",
}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "cpython")
    made.commit(BEFORE)
    return made


def source_of(clone: Clone) -> LocalGit:
    return LocalGit(clone.path, home_at(clone.path.parent / "home"), lambda _text: None)


def test_a_clean_clone_has_no_notice(clone: Clone) -> None:
    clone.write({"notes.txt": "not tracked"})
    assert uncommitted(source_of(clone)) is None


def test_the_notice_names_count_and_files(clone: Clone) -> None:
    clone.write({"Python/ceval.c": "int x;\n", "Lib/a.py": "b\n"})
    (clone.path / "Lib/b.bin").unlink()
    clone.write({"new.c": "\n"})
    clone.git("add", "new.c")
    changes = uncommitted(source_of(clone))
    assert changes is not None
    assert changes.notice == (
        "cpython has uncommitted changes in 4 files (Lib/a.py, Lib/b.bin, Python/ceval.c, ...); "
        "they are not measured."
    )
    assert changes.head == clone.git("rev-parse", "HEAD")


def test_a_bare_repository_has_no_notice_and_no_snapshot(clone: Clone, tmp_path: Path) -> None:
    clone.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    source = LocalGit(tmp_path / "bare.git", home_at(tmp_path / "home"), lambda _text: None)
    assert uncommitted(source) is None
    with pytest.raises(UsageError, match="needs a source with a work tree"):
        snapshot(source)


def test_the_same_files_give_the_same_snapshot(clone: Clone, tmp_path: Path) -> None:
    clone.write({"Python/ceval.c": "int x;\n", "Lib/b.bin": b"\0\3", "notes.txt": "x"})
    taken = snapshot(source_of(clone))
    assert taken.changed == ("Lib/b.bin", "Python/ceval.c")
    assert taken.head.commit == clone.git("rev-parse", "HEAD")
    assert taken.title == f"work tree of cpython: HEAD {taken.head.commit[:10]} + 2 changed files"
    assert any("Not tracked, and left out: notes.txt" in note for note in taken.notes)
    clone.git("add", "Python/ceval.c")  # staged or not
    again = snapshot(LocalGit(clone.path, home_at(tmp_path / "another-home"), lambda _text: None))
    assert (again.tree, again.patch, again.head) == (taken.tree, taken.patch, taken.head)


def test_the_patch_makes_the_tree(clone: Clone) -> None:
    clone.write({"Python/ceval.c": b"int x;\r\n", "Lib/b.bin": b"\0\3", "Lib/a.py": "no end"})
    clone.write({"Lib/empty.py": ""})
    clone.git("add", "Lib/empty.py")
    source = source_of(clone)
    taken = snapshot(source)
    before = source.repository.tree(taken.head.commit)
    assert source.repository.apply(before, taken.patch) == taken.tree == clone.added()


# -- what is refused -----------------------------------------------------------------------------


def _unchanged(clone: Clone) -> None:
    clone.write({"notes.txt": "not tracked"})


def _in_conflict(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--create", "fix")
    clone.commit({"Lib/a.py": "ours\n"})
    clone.git("switch", "--quiet", "main")
    clone.commit({"Lib/a.py": "theirs\n"})
    clone.git("merge", "fix", ok=False)


def _filtered(clone: Clone) -> None:
    clone.git("config", "filter.lfs.clean", "false")
    clone.write({".gitattributes": "*.py filter=lfs\n", "Lib/a.py": "b\n"})


def _linked(clone: Clone) -> None:
    (clone.path / "Lib/a.py").unlink()
    (clone.path / "Lib/a.py").symlink_to("../configure")


REFUSED: list[tuple[Callable[[Clone], None], str, str]] = [
    (_unchanged, "There is nothing to measure.*notes.txt", "--candidate HEAD"),
    (_in_conflict, r"conflicts in 1 file \(during a merge\)", "`git add` the files"),
    (_filtered, "go through a filter", "Commit them"),
    (_linked, "changes a symbolic link, .*: Lib/a.py", "git stash push -- Lib/a.py"),
]


@pytest.mark.parametrize(("change", "what", "hint"), REFUSED)
def test_refused(clone: Clone, change: Callable[[Clone], None], what: str, hint: str) -> None:
    change(clone)
    with pytest.raises(PatchbenchError, match=what) as caught:
        snapshot(source_of(clone))
    assert hint in caught.value.hint


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "cpython")
    clone.write(BEFORE)
    clone.git("add", ".")
    assert uncommitted(source_of(clone)) is None
    with pytest.raises(SourceError, match="has no commit yet"):
        snapshot(source_of(clone))
