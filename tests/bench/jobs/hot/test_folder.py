"""The results folder of `patchbench hot`: what is replaced, and what nobody may lose."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bench.jobs.hot import folder as hot_folder
from bench.jobs.hot.folder import FILE, KIND, HotFolder
from builder.errors import StoreError


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def filled(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def results(text: str, *pages: str) -> dict[str, str]:
    """What a run writes: its pages with a text, and hot.json."""
    document = {"kind": KIND, "files": [FILE, *pages], "text": text}
    return {FILE: json.dumps(document), **dict.fromkeys(pages, text)}


@pytest.fixture
def folder(tmp_path: Path) -> HotFolder:
    return HotFolder(path=tmp_path / "results" / "hot-x")


def test_a_new_folder_and_its_own_are_taken(folder: HotFolder, tmp_path: Path) -> None:
    folder.claim()
    first = results("first", "lines-a.html", "lines-b.html")
    folder.replace(filled(tmp_path / "first", first))
    assert contents(folder.path) == first
    folder.claim()
    assert contents(folder.path) == first
    # What the second has no more is gone.
    second = results("second", "lines-a.html")
    folder.replace(filled(tmp_path / "second", second))
    assert contents(folder.path) == second


@pytest.mark.parametrize(
    "there",
    [
        {"leak.py": "pass", "precious.txt": "mine"},
        {"program.json": "{}", "precious.txt": "mine"},
        {FILE: "{}"},
        {FILE: "[]"},
        {FILE: "no JSON"},
        {FILE: '{"kind": "another program", "files": ["hot.json"]}'},
        {FILE: f'{{"kind": "{KIND}", "files": 7}}'},
        {FILE: f'{{"kind": "{KIND}"}}'},
        # Its own, and beside it what somebody else put there.
        {**results("first", "lines-a.html"), "program.py": "pass"},
        {**results("first", "lines-a.html"), "lines-b.html": "mine"},
    ],
)
def test_what_is_not_its_own_is_refused_and_stays(
    folder: HotFolder, tmp_path: Path, there: dict[str, str]
) -> None:
    folder.path.parent.mkdir()
    filled(folder.path, there)
    draft = filled(tmp_path / "draft", results("new", "lines-b.html"))
    for act in (folder.claim, lambda: folder.replace(draft)):
        with pytest.raises(StoreError, match="files that this command did not write") as raised:
            act()
        assert Path(raised.value.where).parent == folder.path
        assert contents(folder.path) == there


def test_a_folder_by_the_name_of_a_page_is_refused(folder: HotFolder, tmp_path: Path) -> None:
    folder.claim()
    folder.replace(filled(tmp_path / "first", results("first", "lines-a.html")))
    (folder.path / "lines-a.html").unlink()
    filled(folder.path / "lines-a.html", {"precious.txt": "mine"})
    with pytest.raises(StoreError, match="files that this command did not write"):
        folder.claim()


def test_where_one_stands_is_refused(
    folder: HotFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.claim()
    monkeypatch.chdir(folder.path)
    (tmp_path / "link").symlink_to(folder.path)
    for path in (folder.path, tmp_path / "link", folder.path / ".." / folder.path.name):
        with pytest.raises(StoreError, match="the current folder"):
            HotFolder(path=path).claim()


def test_a_file_is_no_folder(folder: HotFolder) -> None:
    folder.path.parent.mkdir()
    folder.path.write_text("mine")
    with pytest.raises(StoreError, match="File exists"):
        folder.claim()
    assert folder.path.read_text() == "mine"


def test_a_folder_that_is_not_writable_is_refused_at_once(
    folder: HotFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.jobs.hot.folder.os.access", lambda *_given: False)
    with pytest.raises(StoreError, match="is not writable"):
        folder.claim()


def _full_after(count: int) -> Callable[[Path, Path], None]:
    left = iter(range(count))

    def copy(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        target.write_bytes(source.read_bytes())

    return copy


def test_a_disk_that_gets_full_leaves_what_was_there(
    folder: HotFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.claim()
    first = results("first", "lines-a.html")
    folder.replace(filled(tmp_path / "first", first))
    monkeypatch.setattr(hot_folder.shutil, "copyfile", _full_after(1))
    with pytest.raises(StoreError, match="No space left"):
        folder.replace(filled(tmp_path / "second", results("second", "lines-b.html")))
    assert contents(folder.path) == first
    folder.claim()
