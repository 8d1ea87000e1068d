"""A results folder made by hand, its bundle, and the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.jobs.bundle import archive
from bench.jobs.bundle import verify as verifying
from bench.report.formats import catalogue
from tests.bench.results_folder import lay_out


class Bench:
    """A results folder, its bundle, and the command line."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.results = root / "out"
        self.bundle = root / "evidence.tar.gz"

    def patchbench(self, *arguments: object) -> int:
        return main(["--quiet", "--home", str(self.root / "home"), *map(str, arguments)])

    def pack(self) -> Path:
        assert self.patchbench("bundle", self.results, "--out", self.bundle) == 0
        return self.bundle

    def repacked(self, change: Callable[[Path], Any]) -> Path:
        """The bundle with something altered, and a manifest that agrees with that."""
        folder = self.root / "unpacked"
        folder.mkdir()
        archive.unpack(self.bundle, folder)
        change(folder)
        members: dict[str, bytes | Path] = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.is_file() and path.name != archive.MANIFEST
        }
        forged = self.root / "forged.tar.gz"
        archive.pack(members, forged, top="x", version="0.1.0", renderer=verifying.renderer())
        return forged


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "out"
    lay_out(folder)
    return folder


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that draw no charts."""
    monkeypatch.setattr(catalogue, "OF_A_RUN", ("md", "mail", "submission"))


@pytest.fixture
def bench(
    original: Path, quick_reports: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.chdir(tmp_path)
    made = Bench(tmp_path)
    shutil.copytree(original, made.results)
    return made
