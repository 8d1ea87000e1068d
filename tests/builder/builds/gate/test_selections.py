"""The tests of a selection, by what a tree has."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds.gate import CORE, CORE_OF_3, SHORT, selected

# Files of the trees of these versions, as far as they matter here.
OF_27 = ("test_int.py", "test_capi.py", "test_xrange.py", "test_doctest3.txt")
OF_36 = ("test_int.py", "test_capi.py", "test_frame.py", "test_yield_from.py")
OF_313 = (
    *("test_int.py", "test_json/__init__.py", "test_opcache.py", "test_monitoring.py"),
    *("test_generated_cases.py", "test_optimizer.py", "test_type_cache.py", "test_patma.py"),
    *("test_frame.py", "test_except_star.py", "test_data/file.txt"),
    *("test_capi/__init__.py", "test_capi/test_opt.py", "test_capi/test_misc.py"),
    *("test_interpreters/__init__.py", "test_interpreters/test_api.py"),
    *("test_free_threading/__init__.py", "test_free_threading/test_dict.py"),
)
CORE_OF_313 = (
    "test_capi.test_opt test_except_star test_frame test_generated_cases test_int "
    "test_interpreters.test_api test_json test_monitoring test_opcache test_optimizer test_patma "
    "test_type_cache"
).split()


def tree(folder: Path, files: tuple[str, ...]) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("version", "files", "free_threaded", "expected"),
    [
        ("2.7.18", OF_27, False, ["test_int", "test_xrange"]),
        ("3.6.15", OF_36, False, ["test_frame", "test_int", "test_yield_from"]),
        ("3.13.5+", OF_313, False, CORE_OF_313),
        ("3.13.5", OF_313, True, sorted([*CORE_OF_313, "test_free_threading"])),
    ],
)
def test_core(
    version: str,
    files: tuple[str, ...],
    free_threaded: bool,
    expected: list[str],
    tmp_path: Path,
) -> None:
    folder = tree(tmp_path, files)
    tests = selected(folder, "core", version=version, free_threaded=free_threaded)
    assert list(tests.names) == expected
    wanted = {*CORE} if version == "2.7.18" else {*CORE, *CORE_OF_3}
    wanted |= {"test_free_threading"} if free_threaded else set()
    assert {*tests.names, *tests.left_out} == wanted
    assert not set(tests.names) & set(tests.left_out)


def test_full_takes_what_is_there_and_short_a_part(tmp_path: Path) -> None:
    folder = tree(tmp_path, OF_313)
    full = selected(folder, "full", version="3.13.5")
    # Parts of packages are no tests of their own here: regrtest runs them with the package.
    assert "test_capi" in full.names
    assert not {"test_capi.test_opt", "test_data", "__init__"} & set(full.names)
    assert full.left_out == ()
    short = selected(folder, "short", version="3.13.5")
    assert short.names == ("test_int",)
    assert set(short.left_out) == {*SHORT} - {"test_int"}


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        assert selected(folder, "full", version="3.13.5").names == ()
        assert selected(folder, "core", version="3.13.5").names == ()


def test_no_name_is_written_twice() -> None:
    assert len({*CORE, *CORE_OF_3}) == len([*CORE, *CORE_OF_3])
