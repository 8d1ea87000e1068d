"""Source packages as a source: `debian` over a made-up apt, and once over the real one."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from builder.errors import SourceError, UnreachableError
from builder.packages.apt import GoneError
from builder.process import SystemRunner
from builder.sources.debian import Debian
from builder.sources.revision import Revision
from tests.builder.upstream import FakeApt, home_at, write_tarball


class Machine:
    """A home, an apt, and what was said. Every `source` is that of a new run."""

    def __init__(self, folder: Path) -> None:
        self.home = home_at(folder / "home")
        self.said: list[str] = []
        self.apt = FakeApt(
            {
                "bullseye": [self._package(folder, "2.7", "2.7.18-8+deb11u1", "2.7.18")],
                "trixie": [self._package(folder, "3.13", "3.13.5-2", "3.13.5")],
                "sid": [
                    self._package(folder, "3.13", "3.13.10-1", "3.13.10"),
                    self._package(folder, "3.15", "3.15.0~b1-1", "3.15.0b1"),
                ],
            }
        )

    @staticmethod
    def _package(folder: Path, branch: str, version: str, release: str) -> tuple[str, str, Path]:
        tarball = folder / f"python{branch}_{version.rpartition('-')[0]}.orig.tar.gz"
        write_tarball(tarball, release)
        return f"python{branch}", version, tarball

    def source(self) -> Debian:
        return Debian(self.home, self.apt, self.said.append)

    def age(self, days: float) -> None:
        """Let the lists be this old."""
        then = time.time() - days * 24 * 3600
        os.utime(self.home.root / "apt" / "packages.json", (then, then))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_release_is_downloaded_and_imported(machine: Machine, tmp_path: Path) -> None:
    source = machine.source()
    revision = source.resolve("2.7.18")
    assert (revision.version, revision.source, revision.name) == ("2.7.18", "debian", "2.7.18")
    assert source.repository.refs().tags == {"v2.7.18": revision.commit}
    source.repository.export(revision.commit, tmp_path / "out", revision.epoch)
    assert (tmp_path / "out/configure").exists()
    assert machine.apt.count("source") == 1
    assert not list((machine.home.root / "apt").glob("download-*"))


def test_what_was_imported_needs_neither_apt_nor_network(machine: Machine) -> None:
    first = machine.source().resolve("2.7.18")
    machine.apt.installed = False
    machine.age(30)
    said = len(machine.said)
    again = machine.source()
    assert again.resolve("v2.7.18").commit == first.commit
    assert again.resolve(first.commit).commit == first.commit
    assert machine.said[said:] == []


def test_lists_are_fetched_once_a_day(machine: Machine) -> None:
    machine.source().resolve("2.7.18")
    machine.source().resolve("3.13.5")
    assert machine.apt.count("update") == 1
    machine.age(1.1)
    machine.source().resolve("3.13.10")
    assert machine.apt.count("update") == 2


def test_old_lists_serve_when_there_is_no_network(machine: Machine) -> None:
    machine.source().resolve("3.13.10")
    machine.age(3)
    (machine.home.root / "apt" / "lists").rename(machine.home.root / "apt" / "gone")
    machine.apt.online = False
    assert machine.source().resolve("3.13").version == "3.13.10"
    assert "Using the lists fetched before." in machine.said[-1]


def test_without_any_list_what_was_imported_serves_for_its_branch(machine: Machine) -> None:
    machine.source().resolve("3.13.5")
    machine.apt.online = False
    (machine.home.root / "apt" / "packages.json").unlink()
    (machine.home.root / "apt" / "lists").rename(machine.home.root / "apt" / "gone")
    assert machine.source().resolve("3.13").version == "3.13.5"
    assert "imported before: v3.13.5" in machine.said[-1]
    with pytest.raises(UnreachableError):
        machine.source().resolve("2.7")


def test_a_language_version_is_its_newest_release(machine: Machine) -> None:
    assert machine.source().resolve("3.13").version == "3.13.10"
    assert machine.source().resolve("2.7").version == "2.7.18"
    assert machine.source().resolve("3.15").version == "3.15.0b1"


def test_what_a_rolling_suite_lost_is_said_and_remembered(machine: Machine) -> None:
    machine.apt.gone.add("3.13.10-1")
    assert machine.source().resolve("3.13").version == "3.13.5"
    assert any("no longer has" in text for text in machine.said)
    tries = machine.apt.count("source")
    assert machine.source().resolve("3.13").version == "3.13.5"
    assert machine.apt.count("source") == tries
    with pytest.raises(GoneError, match=r"3\.13\.10"):
        machine.source().resolve("3.13.10")
    notes = {offer.version: offer.note for offer in machine.source().offers()}
    assert "no longer" in notes["3.13.10"]
    assert notes["3.13.5"] == ""


def test_a_release_that_was_named_and_is_gone_is_remembered(machine: Machine) -> None:
    machine.apt.gone.add("3.13.10-1")
    with pytest.raises(GoneError):
        machine.source().resolve("3.13.10")
    listing = machine.home.root / "sources" / "debian" / "packages.json"
    for _fetched_again in range(2):
        notes = {offer.version: offer.note for offer in machine.source().offers()}
        assert "no longer" in notes["3.13.10"]
        for file in machine.home.root.rglob(listing.name):
            os.utime(file, (0, 0))


def test_when_all_of_a_version_are_gone_that_is_the_error(machine: Machine) -> None:
    machine.apt.gone.add("3.15.0~b1-1")
    for _ in range(2):
        with pytest.raises(SourceError, match=r"3\.15"):
            machine.source().resolve("3.15")


def test_unknown_names_list_the_releases(machine: Machine) -> None:
    for name in ("2.7.81", "main", "3.99", "nosuch"):
        with pytest.raises(SourceError, match="is not a revision") as caught:
            machine.source().resolve(name)
        assert "2.7.18" in caught.value.hint


def test_there_is_no_base_without_history(machine: Machine) -> None:
    with pytest.raises(SourceError, match="no history") as caught:
        machine.source().candidate_base("2.7.18")
    assert machine.source().history(("a" * 40,)) is None
    assert "--base" in caught.value.hint


def test_offers_tell_what_is_here_and_what_can_be_had(machine: Machine) -> None:
    machine.source().resolve("2.7.18")
    offers = [(offer.version, offer.where, offer.cached) for offer in machine.source().offers()]
    assert offers == [
        ("2.7.18", "python2.7/bullseye", True),
        ("3.13.5", "python3.13/trixie", False),
        ("3.13.10", "python3.13/sid", False),
        ("3.15.0b1", "python3.15/sid", False),
    ]


def test_offers_without_apt_are_what_is_here_and_the_reason(machine: Machine) -> None:
    machine.source().resolve("2.7.18")
    machine.apt.installed = False
    (machine.home.root / "apt" / "packages.json").unlink()
    trouble, *cached = machine.source().offers()
    assert "has no apt" in trouble.note
    assert [offer.version for offer in cached] == ["2.7.18"]


def test_a_tarball_that_is_not_the_listed_one_is_refused(machine: Machine, tmp_path: Path) -> None:
    machine.source().offers()
    write_tarball(tmp_path / "python2.7_2.7.18.orig.tar.gz", "2.7.18", {"evil": "x"})
    with pytest.raises(SourceError, match="another SHA-256"):
        machine.source().resolve("2.7.18")


def test_two_runs_at_once_import_once(machine: Machine) -> None:
    found: list[Revision] = []
    threads = [
        threading.Thread(target=lambda: found.append(machine.source().resolve("2.7.18")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({revision.commit for revision in found}) == 1
    assert len(found) == 4
    assert machine.apt.count("source") == 1


def test_what_a_killed_run_left_is_cleared_away(machine: Machine) -> None:
    machine.source().resolve("3.13.5")
    apt = machine.home.root / "apt"
    (apt / "download-dead").mkdir()
    (apt / "download-dead" / "x.orig.tar.gz").write_bytes(b"half")
    (apt / "packages.json").write_text('{"schema": 1, "packa')
    (machine.source().repository.path / "refs/tags/v2.7.18.lock").touch()
    assert machine.source().resolve("2.7.18").version == "2.7.18"
    assert not (apt / "download-dead").exists()


@pytest.mark.real
def test_2_7_18_comes_from_the_archive_of_this_machine(tmp_path: Path) -> None:
    said: list[str] = []
    home = home_at(tmp_path / "home")
    revision = Debian(home, SystemRunner(), said.append).resolve("2.7.18")
    assert revision.version == "2.7.18"
    # The tarball is the one that upstream published, unchanged.
    assert revision.commit == "d45861a5cea1ffbbacf3aecaf10b3789f653f74d"
    said.clear()
    assert Debian(home, SystemRunner(), said.append).resolve("2.7.18") == revision
    assert said == []
