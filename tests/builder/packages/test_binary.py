"""Binary packages: what an archive has of them, and what is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import SourceError, UnreachableError
from builder.packages.apt import GoneError
from builder.packages.binary import Binaries, Binary
from builder.process import Completed
from tests.builder.packaged import Archive
from tests.recording import Call, completed


def named(packages: tuple[Binary, ...], suite: str) -> list[Binary]:
    return [one for one in packages if one.suite == suite]


def test_the_packages_of_all_suites_are_listed(tmp_path: Path) -> None:
    found = Binaries(tmp_path, Archive()).update(["pypy3", "pypy"])
    assert [(one.name, one.version, one.suite) for one in found] == [
        ("pypy", "7.3.3+dfsg-2", "bullseye"),
        ("pypy3", "7.3.11+dfsg-2", "bookworm"),
        ("pypy3", "7.3.19+dfsg-2", "trixie"),
    ]


def test_lines_of_source_packages_and_of_errors_are_passed_over(tmp_path: Path) -> None:
    class Mixed(Archive):
        def _madison(self, names: tuple[str, ...]) -> str:
            sources = "  pypy3 | 7.3 | http://archive.invalid/debian sid/main Sources\n"
            return f"N: Unable to locate package x\n{sources}" + super()._madison(names)

    found = Binaries(tmp_path, Mixed()).update(["pypy3"])
    assert [one.suite for one in found] == ["bookworm", "trixie"]


def test_an_archive_without_the_package_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="no package jython, or gave no lists"):
        Binaries(tmp_path, Archive()).update(["jython"])


def test_without_apt_there_are_no_packages(tmp_path: Path) -> None:
    archive = Archive()
    archive.installed = False
    with pytest.raises(SourceError, match="has no apt"):
        Binaries(tmp_path, archive).update(["pypy3"])


def test_a_download_is_of_one_suite_with_what_it_needs_and_installs_nothing(tmp_path: Path) -> None:
    archive = Archive()
    binaries = Binaries(tmp_path / "apt", archive)
    wanted = named(binaries.update(["pypy3", "pypy3-dev"]), "trixie")
    files = binaries.download(wanted, tmp_path / "to")
    assert {"pypy3", "pypy3-dev", "libc6"} <= {file.name.partition("_")[0] for file in files}
    asked = archive.argvs[-1]
    assert "--download-only" in asked
    assert any(word.endswith("/trixie.sources") for word in asked)
    assert asked[-2:] == ("pypy3=7.3.19+dfsg-2", "pypy3-dev=7.3.19+dfsg-2")


def test_files_that_are_gone_and_other_trouble_are_two_errors(tmp_path: Path) -> None:
    archive = Archive()
    binaries = Binaries(tmp_path / "apt", archive)
    wanted = named(binaries.update(["pypy3"]), "trixie")
    archive.gone.add(wanted[0].version)
    with pytest.raises(GoneError, match="404"):
        binaries.download(wanted, tmp_path / "a")
    archive.failing = "install"
    with pytest.raises(UnreachableError, match="exited with status 2"):
        binaries.download(wanted, tmp_path / "b")


def test_success_without_files_is_a_failure(tmp_path: Path) -> None:
    class Empty(Archive):
        def _complete(self, call: Call) -> Completed:
            if "install" in call.command.argv:
                return completed()
            return super()._complete(call)

    binaries = Binaries(tmp_path / "apt", Empty())
    with pytest.raises(UnreachableError):
        binaries.download(named(binaries.update(["pypy3"]), "trixie"), tmp_path / "to")
