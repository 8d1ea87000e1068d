"""The folders of Cython and setuptools: planned, and made once."""

from __future__ import annotations

from pathlib import Path

from ext import tools


def test_what_is_planned_is_what_is_installed(tmp_path: Path) -> None:
    asked: list[tuple[str, Path]] = []

    def install(requirement: str, folder: Path) -> None:
        asked.append((requirement, folder))
        folder.mkdir()

    planned, missing = tools.planned(tmp_path, "2.7.18")
    assert tools.provide(tmp_path, "2.7.18", install) == planned
    assert tuple(asked) == missing
    assert planned.cython.is_dir()
    assert tools.planned(tmp_path, "2.7.18") == (planned, ())
    assert tools.provide(tmp_path, "2.7.18", install) == planned
    assert len(asked) == 2
