"""Manifests as pyperformance's own code reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.benchmarks import manifest
from bench.benchmarks.suites import MODERN_RELEASE
from builder.errors import ExperimentError
from tests.bench.surroundings import MANIFEST


def made(folder: Path, lines: str, *names: str) -> Path:
    """A manifest of local benchmarks."""
    for name in names:
        (folder / f"bm_{name}").mkdir()
        (folder / f"bm_{name}" / "run_benchmark.py").write_text("pass\n")
        (folder / f"bm_{name}" / "pyproject.toml").write_text(
            f'[project]\nname = "bm_{name}"\nversion = "1.0"\n\n'
            f'[tool.pyperformance]\nname = "{name}"\n'
        )
    path = folder / "MANIFEST"
    path.write_text(f"[benchmarks]\n\nname\tmetafile\n{lines}")
    return path


def test_pyperformances_own_benchmarks_have_the_release_as_their_edition() -> None:
    result = manifest.read(None, release=MODERN_RELEASE)
    assert {entry.edition for entry in result.entries} == {MODERN_RELEASE}
    names = {entry.name for entry in result.entries}
    assert {"nbody", "json_dumps"} <= names
    assert all(set(group) <= names for group in result.groups.values())


def test_benchmarks_of_ones_own_have_a_hash_as_their_edition() -> None:
    result = {entry.name: entry for entry in manifest.read(MANIFEST, release="r").entries}
    tiny = result["tiny"]
    assert tiny.edition == manifest.content(tiny.source) != "r"
    assert tiny.script == tiny.source / "run_benchmark.py"
    assert result["needs"].requirements


def test_a_group_without_benchmarks_is_not_listed(tmp_path: Path) -> None:
    path = made(tmp_path, "one\t<local>\n", "one")
    result = manifest.read(path, release="r")
    assert [entry.name for entry in result.entries] == ["one"]
    assert all(result.groups.values())


@pytest.mark.parametrize(
    ("lines", "names"), [("one\t<local>\n", ()), ("one two three four\n", ()), ("\t<local>\n", ())]
)
def test_what_cannot_be_read_names_the_file(
    lines: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    path = made(tmp_path, lines, *names)
    with pytest.raises(ExperimentError, match="manifest cannot be read") as caught:
        manifest.read(path, release="r")
    assert caught.value.where == str(path)


def test_the_content_of_a_folder_is_its_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.py").write_text("1")
    first = manifest.content(tmp_path)
    assert len(first) == 16
    (tmp_path / "a" / "__pycache__").mkdir()
    (tmp_path / "a" / "__pycache__" / "x.pyc").write_text("2")
    assert manifest.content(tmp_path) == first
    (tmp_path / "a" / "x.py").rename(tmp_path / "a" / "y.py")
    second = manifest.content(tmp_path)
    (tmp_path / "a" / "y.py").write_text("3")
    assert len({first, second, manifest.content(tmp_path)}) == 3


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("[group x]\n", "its group 'x' has no benchmarks"),
        ("[groups]\nx\n", "its group 'x' has no benchmarks"),
        ("[group x]\n-one\n", "its group 'x' has no benchmarks"),
        ("[group x]\none\noen\n", "its group 'x' has no benchmark or group 'oen'"),
        ("[group x]\none\n[group y]\nx\n-z\n", "its group 'y' has no benchmark or group 'z'"),
    ],
)
def test_a_group_that_is_empty_or_misspelt_is_refused(
    section: str, message: str, tmp_path: Path
) -> None:
    path = made(tmp_path, f"one\t<local>\n{section}", "one")
    with pytest.raises(ExperimentError) as caught:
        manifest.read(path, release="r")
    assert message in caught.value.what


def test_groups_of_groups_are_read(tmp_path: Path) -> None:
    path = made(tmp_path, "one\t<local>\n[group x]\none\n[group y]\nx\n", "one")
    groups = manifest.read(path, release="r").groups
    assert groups["x"] == groups["y"] == ("one",)
