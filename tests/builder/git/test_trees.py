"""Trees written to disk, from entries made by hand; test_repository.py has real trees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from builder.errors import SourceError, StoreError
from builder.git import trees
from builder.git.trees import TreeEntry


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"), trees.scratch(tmp_path / "no"):
        pass
    with trees.scratch(tmp_path) as folder:
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("path", "outside"),
    [
        ("a/b", False),
        ("a..b/...", False),
        (".gitignore", False),
        ("../a", True),
        ("a/../b", True),
        ("/a", True),
        ("a//b", True),
        (".git/config", True),
        ("a/.GIT/x", True),
        ("", True),
    ],
)
def test_leads_outside(path: str, outside: bool) -> None:
    assert trees.leads_outside(path) is outside


@pytest.mark.parametrize(
    ("path", "target", "outside"),
    [
        ("a/link", "../b", False),
        ("link", "a/./b", False),
        ("a/link", "../../b", True),
        ("link", "..", True),
        ("link", "/etc", True),
        ("link", "", True),
    ],
)
def test_links_that_lead_outside(path: str, target: str, outside: bool) -> None:
    assert trees.link_leads_outside(path, target) is outside


def entry(path: str, mode: str = "100644") -> TreeEntry:
    return TreeEntry(mode=mode, blob="0" * 40, path=path)


def write(folder: Path, files: dict[TreeEntry, bytes]) -> None:
    trees.write(files, lambda entries: [files[one] for one in entries], folder, 1_000_000_000)


def test_links_are_written_after_all_files(tmp_path: Path) -> None:
    """So that no file is written through one."""
    order: list[str] = []

    def contents(entries: Sequence[TreeEntry]) -> list[bytes]:
        order.extend(one.path for one in entries)
        return [b"target" for _ in entries]

    entries = [entry("a", trees.LINK), entry("b"), entry("c", trees.LINK), entry("d")]
    trees.write(entries, contents, tmp_path, 0)
    assert order == ["b", "d", "a", "c"]
    assert (tmp_path / "a").readlink() == Path("target")


def test_modes_and_times_are_those_of_the_tree(tmp_path: Path) -> None:
    write(tmp_path / "out", {entry("a/x", "100755"): b"x", entry("y"): b""})
    assert (tmp_path / "out/a/x").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/y").stat().st_mode & 0o777 == 0o644
    assert {path.stat().st_mtime for path in tmp_path.rglob("*")} == {1_000_000_000}


@pytest.mark.parametrize(
    "files", [{entry("../x"): b""}, {entry("link", trees.LINK): b"/etc/passwd"}]
)
def test_nothing_is_written_outside(tmp_path: Path, files: dict[TreeEntry, bytes]) -> None:
    with pytest.raises(SourceError, match="leads outside"):
        write(tmp_path / "out", files)
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("precious")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        write(tmp_path, {entry("x"): b"new"})
    assert caught.value.where == str(tmp_path / "x")
    assert (tmp_path / "x").read_text() == "precious"
