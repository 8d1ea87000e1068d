"""Reading work trees: builder.git.worktree, held against the user's own git."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import SourceError
from builder.git import fetch
from builder.git.repository import Repository, locate
from builder.git.worktree import WorkTree, work_tree
from tests.builder.git.clones import Clone

BEFORE: dict[str, str | bytes] = {
    "Include/patchlevel.h": '#define PY_VERSION "3.13.5"\n',
    "Python/ceval.c": "int speed;\n" * 20,
    "Lib/a.py": "a\n",
    "Lib/b.py": "b\n",
    "Lib/c.bin": b"\0\1\2",
    "name with\ttab": "x\n",
    "dir/file": "x\n",
    ".gitignore": "*.o\n",
}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "clone")
    made.commit(BEFORE)
    return made


def reader(clone: Clone) -> WorkTree:
    repository = locate(clone.path)
    assert repository is not None
    tree = work_tree(clone.path, repository)
    assert tree is not None
    return tree


def store(clone: Clone) -> Repository:
    """A repository that borrows the clone's objects, as the home has one."""
    made = Repository.init(clone.path.parent / "store.git")
    original = locate(clone.path)
    assert original is not None
    fetch.add_alternate(made, original)
    return made


def same_as_git(clone: Clone) -> str:
    """The tree that we read; it is that of the user's `git add -u`, and nothing is written."""
    before = clone.files()
    tree = reader(clone).tree(store(clone))
    assert clone.files() == before
    assert tree == clone.added()
    return tree


# -- what the tree of a work tree is -------------------------------------------------------------


def _nothing(clone: Clone) -> None:
    pass


def _tracked(clone: Clone) -> None:
    clone.write({"Python/ceval.c": "int faster;\n"})


def _staged(clone: Clone) -> None:
    clone.write({"Python/ceval.c": "int faster;\n", "new.c": "int new;\n"})
    clone.git("add", ".")


def _staged_and_changed_again(clone: Clone) -> None:
    _staged(clone)
    clone.write({"Python/ceval.c": "int even_faster;\n"})


def _deleted(clone: Clone) -> None:
    (clone.path / "Lib/a.py").unlink()
    clone.git("rm", "--quiet", "Lib/b.py")


def _kept_but_not_tracked(clone: Clone) -> None:
    clone.git("rm", "--quiet", "--cached", "Lib/b.py")


def _renamed(clone: Clone) -> None:
    clone.git("mv", "Lib/a.py", "Lib/z.py")


def _executable(clone: Clone) -> None:
    (clone.path / "Lib/a.py").chmod(0o755)


def _executable_script(clone: Clone) -> None:
    (clone.path / "dir/file").chmod(0o755)


def _executable_without_file_modes(clone: Clone) -> None:
    clone.git("config", "core.fileMode", "false")
    _executable(clone)


def _intent_to_add(clone: Clone) -> None:
    clone.write({"newer.c": "int newer;\n"})
    clone.git("add", "--intent-to-add", "newer.c")


def _a_file_where_a_folder_was(clone: Clone) -> None:
    shutil.rmtree(clone.path / "dir")
    clone.write({"dir": "a file\n"})


def _a_folder_where_a_file_was(clone: Clone) -> None:
    (clone.path / "Lib/a.py").unlink()
    clone.write({"Lib/a.py/inside": "x\n"})


def _a_link_where_a_file_was(clone: Clone) -> None:
    (clone.path / "Lib/a.py").unlink()
    (clone.path / "Lib/a.py").symlink_to("b.py")


def _line_ends_by_configuration(clone: Clone) -> None:
    clone.git("config", "core.autocrlf", "input")
    clone.write({"Lib/a.py": b"a\r\nb\r\n"})


def _line_ends_by_attributes(clone: Clone) -> None:
    clone.write({".gitattributes": "*.py text eol=crlf\n", "Lib/a.py": b"a\r\nb\r\n"})


def _another_encoding(clone: Clone) -> None:
    clone.write({".gitattributes": "Lib/a.py working-tree-encoding=UTF-16\n"})
    clone.write({"Lib/a.py": "a\n".encode("utf-16")})


def _sparse(clone: Clone) -> None:
    clone.git("sparse-checkout", "set", "Lib")
    clone.write({"Lib/a.py": "changed\n"})


def _sparse_index(clone: Clone) -> None:
    clone.git("sparse-checkout", "set", "--cone", "--sparse-index", "Lib")
    clone.write({"Lib/a.py": "changed\n"})


def _split_index(clone: Clone) -> None:
    clone.git("update-index", "--split-index")
    clone.write({"Lib/a.py": "changed\n"})


def _assumed_unchanged(clone: Clone) -> None:
    clone.git("update-index", "--assume-unchanged", "Lib/a.py")
    clone.write({"Lib/a.py": "changed\n", "Lib/b.py": "changed\n"})


def _same_size_and_time(clone: Clone) -> None:
    """Racy for git: the file is as old as the index."""
    path = clone.path / "Lib/a.py"
    stat = path.stat()
    path.write_text("z\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _touched(clone: Clone) -> None:
    os.utime(clone.path / "Lib/a.py", (1, 1))


CHANGES = [
    *(_nothing, _tracked, _staged, _staged_and_changed_again, _deleted, _kept_but_not_tracked),
    *(_renamed, _executable, _executable_without_file_modes, _intent_to_add, _touched),
    *(_a_file_where_a_folder_was, _a_folder_where_a_file_was, _a_link_where_a_file_was),
    *(_line_ends_by_configuration, _line_ends_by_attributes, _another_encoding),
    *(_sparse, _sparse_index, _assumed_unchanged, _same_size_and_time),
]


def test_several_changes_at_once(clone: Clone) -> None:
    for change in (_staged_and_changed_again, _deleted, _intent_to_add, _executable_script):
        change(clone)
    _line_ends_by_configuration(clone)
    same_as_git(clone)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_the_tree_is_what_git_add_makes(clone: Clone, change: Callable[[Clone], None]) -> None:
    change(clone)
    same_as_git(clone)


def test_a_split_index(clone: Clone) -> None:
    _split_index(clone)
    before = clone.files()
    tree = reader(clone).tree(store(clone))
    assert clone.files() == before
    clone.git("add", "--update", ".")
    assert tree == clone.git("write-tree")


def test_a_linked_work_tree(clone: Clone) -> None:
    clone.git("worktree", "add", "--quiet", "-b", "other", "../linked")
    linked = Clone(clone.path.parent / "linked")
    linked.write({"Lib/a.py": "changed\n"})
    tree = reader(linked).tree(store(clone))
    linked.git("add", "--update", ".")
    assert tree == linked.git("write-tree")
    assert reader(clone).state().changed == ()


def test_a_file_taken_out_of_the_index_is_a_change_although_it_is_there(clone: Clone) -> None:
    clone.git("rm", "--quiet", "--cached", "Lib/b.py")
    state = reader(clone).state()
    assert (state.changed, state.untracked) == (("Lib/b.py",), ("Lib/b.py",))


@pytest.mark.slow
@pytest.mark.random
def test_random_edits(tmp_path: Path, cases: int) -> None:
    clone = Clone(tmp_path / "clone")
    clone.commit(BEFORE)
    for seed in range(max(cases // 8, 1)):
        draw = random.Random(seed)
        clone.git("reset", "--quiet", "--hard")
        clone.git("clean", "--quiet", "-d", "--force", "-x")
        steps = [_random_edit(clone, draw) for _ in range(draw.randint(1, 6))]
        tree = reader(clone).tree(store(clone))
        assert tree == clone.added(), (seed, steps)
        porcelain = clone.git("status", "--porcelain", "-z", "--no-renames").split("\0")
        listed = {row[3:] for row in porcelain if row and not row.startswith("??")}
        # The output begins with a space, which the helper strips.
        shown = {path.lstrip() for path in listed}
        ours = set(reader(clone).state().changed)
        assert len(ours) == len(shown), (seed, steps)


def _random_edit(clone: Clone, draw: random.Random) -> str:
    name = draw.choice([*BEFORE, "new.c", "Lib/new.py", "dir/deep/new"])
    path = clone.path / name
    kind = draw.choice(("write", "remove", "mode", "add", "rm", "intent", "crlf"))
    if kind == "write" and not path.is_dir() and not path.parent.is_file():
        clone.write({name: draw.choice(("x\n", "", "y\nz\n", b"\0"))})
    elif kind == "crlf" and path.is_file():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    elif kind == "remove" and path.is_file():
        path.unlink()
    elif kind == "mode" and path.is_file():
        path.chmod(draw.choice((0o644, 0o755)))
    elif kind == "rm":
        clone.git("rm", "--quiet", "--cached", "--force", "--ignore-unmatch", name)
    elif kind in ("add", "intent") and path.is_file():
        clone.git("add", *(["--intent-to-add"] if kind == "intent" else []), "--force", name)
    return f"{kind} {name}"


# -- the state -----------------------------------------------------------------------------------


def test_what_changed_is_listed_by_kind(clone: Clone) -> None:
    _staged_and_changed_again(clone)
    clone.write({"notes.txt": "x", "more/notes.txt": "x", "ignored.o": "x"})
    clone.git("update-index", "--assume-unchanged", "Lib/b.py")
    state = reader(clone).state()
    assert state.changed == ("Python/ceval.c", "new.c")
    assert state.untracked == ("more/", "notes.txt")
    assert (state.conflicted, state.filtered, state.operation) == ((), (), "")
    assert state.hidden == 1


def test_conflicts_and_what_is_in_progress(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--create", "fix")
    clone.commit({"Lib/a.py": "ours\n"})
    clone.git("switch", "--quiet", "main")
    clone.commit({"Lib/a.py": "theirs\n"})
    clone.git("rebase", "fix", ok=False)
    state = reader(clone).state()
    assert state.conflicted == ("Lib/a.py",)
    assert state.operation == "a rebase"


def test_a_bare_repository_has_none_and_dot_git_names_its_own(clone: Clone) -> None:
    clone.git("clone", "--quiet", "--bare", ".", "../bare.git")
    bare = clone.path.parent / "bare.git"
    assert work_tree(bare, Repository(bare)) is None
    inside = clone.path / ".git"
    named = work_tree(inside, Repository(inside))
    assert named is not None
    assert named.path == clone.path


def test_a_work_tree_elsewhere_is_not_read(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    clone.git("config", "core.worktree", str(tmp_path / "elsewhere"))
    assert work_tree(clone.path, Repository(clone.path / ".git")) is None


def test_what_git_cannot_add_is_an_error(clone: Clone) -> None:
    (clone.path / "Lib/a.py").unlink()
    os.mkfifo(clone.path / "Lib/a.py")
    with pytest.raises(SourceError, match="git update-index failed on this work tree"):
        reader(clone).tree(store(clone))


# -- hostile configuration -----------------------------------------------------------------------


def test_no_program_of_the_clone_runs(clone: Clone, tmp_path: Path) -> None:
    marker = tmp_path / "escaped"
    script = tmp_path / "evil"
    script.write_text(f'#!/bin/sh\necho "$0" "$@" >> {marker}\ncat\n')
    script.chmod(0o755)
    sub = Clone(tmp_path / "sub")
    sub.commit({"file": "x\n"})
    clone.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(sub.path), "s")
    clone.git("commit", "--quiet", "--message=submodule")
    clone.commit({".gitattributes": "*.py filter=evil diff=evil\n", "Lib/a.py": "a\n"})
    for folder in (clone.path, clone.path / "s"):
        inside = Clone(folder)
        for name in (
            *("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process"),
            *("diff.evil.textconv", "diff.evil.command", "diff.external", "core.sshCommand"),
            *("core.editor", "core.pager", "core.askpass", "credential.helper"),
        ):
            inside.git("config", name, str(script))
        inside.git("config", "core.hooksPath", str(tmp_path / "hooks"))
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        shutil.copy(script, tmp_path / "hooks" / hook)
    clone.write({"Lib/a.py": "changed\n", "Python/ceval.c": "changed\n", "s/file": "changed\n"})
    marker.unlink(missing_ok=True)

    state = reader(clone).state()
    reader(clone).tree(store(clone))

    assert not marker.exists()
    assert set(state.changed) == {"Lib/a.py", "Python/ceval.c"}
    assert state.filtered == ("Lib/a.py",)


def test_reading_a_partial_clone_starts_no_transport(clone: Clone, tmp_path: Path) -> None:
    marker = tmp_path / "escaped"
    clone.git("config", "uploadpack.allowFilter", "true")
    clone.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{clone.path}",
              "../partial")  # fmt: skip
    partial = Clone(tmp_path / "partial")
    partial.git("config", "remote.origin.uploadpack", f"touch {marker};")
    repository = Repository(partial.path / ".git")
    commit = partial.git("rev-parse", "HEAD")
    with pytest.raises(SourceError, match="partial clone"):
        repository.read(commit, "Lib/a.py")
    assert repository.find("0123456789" * 4) is None
    assert not marker.exists()
