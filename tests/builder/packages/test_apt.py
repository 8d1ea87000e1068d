"""The private apt state: which archive and keys it uses, and what is asked of apt-get."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import SourceError, StoreError
from builder.packages.apt import BINARIES, SOURCES, AptState, find_archive, signed_by
from tests.builder.upstream import FakeApt
from tests.recording import RecordingRunner

URI = "http://archive.invalid/debian/"


@pytest.mark.parametrize(
    ("line", "family"),
    [
        (f"{URI}|bookworm|main|Debian|Debian|/nowhere:1", "debian"),
        # Before the first update apt does not know whose archive it is.
        (f"{URI}|bookworm|main|||/nowhere:1", "debian"),
        (f"{URI}|stable|main|Debian|Debian|/nowhere:1", "debian"),
        (f"{URI}|noble|main|Ubuntu|Ubuntu|/nowhere:1", "ubuntu"),
        (f"{URI}|zesty-future|main|Ubuntu|Ubuntu|/nowhere:1", ""),
        (f"{URI}|bookworm-security|main|Debian|Debian-Security|/nowhere:1", ""),
        (f"{URI}|bookworm-updates|main|Debian|Debian|/nowhere:1", ""),
        (f"{URI}|bookworm|contrib|Debian|Debian|/nowhere:1", ""),
        (f"{URI}|nodistro|main|Someone|Someone|/nowhere:1", ""),
        ("E: some trouble", ""),
        ("", ""),
    ],
)
def test_the_archive_is_found_in_apts_own_configuration(line: str, family: str) -> None:
    apt = FakeApt({})
    apt.targets = f"http://other.invalid/|stable|main|Other|Other|/x:1\n{line}\n"
    if not family:
        with pytest.raises(SourceError, match="names no archive"):
            find_archive(apt)
        return
    archive = find_archive(apt)
    assert (archive.family, archive.uri) == (family, URI)
    assert "stable" not in archive.suites
    assert len(archive.suites) >= 5


def test_a_release_newer_than_this_program_is_asked_for_too() -> None:
    apt = FakeApt({})
    apt.targets = f"{URI}|duke|main|Debian|Debian|/nowhere:1\n"
    assert find_archive(apt).suites[-1] == "duke"


def test_without_apt_other_sources_are_named() -> None:
    apt = FakeApt({})
    apt.installed = False
    with pytest.raises(SourceError, match="has no apt") as caught:
        find_archive(apt)
    assert "--source" in caught.value.hint


DEB822 = f"""\
Types: deb
URIs: {URI}
Suites: bookworm bookworm-updates
Signed-By: /keys/a.gpg

Types: deb
URIs: http://other.invalid/
Suites: x
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQIN
"""


@pytest.mark.parametrize(
    ("text", "uri", "keys"),
    [
        (DEB822, URI, "/keys/a.gpg"),
        (DEB822, URI.rstrip("/"), "/keys/a.gpg"),
        (
            DEB822,
            "http://other.invalid/",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQIN",
        ),
        (
            f"# x\ndeb [arch=amd64 signed-by=/k/a.gpg,/k/b.gpg] {URI} sid main\n",
            URI,
            "/k/a.gpg /k/b.gpg",
        ),
        (f"deb {URI} sid main\n", URI, ""),
        ("", URI, ""),
    ],
)
def test_the_keys_are_those_of_the_machines_own_entry(text: str, uri: str, keys: str) -> None:
    assert signed_by(text, uri) == keys


def test_apt_is_asked_of_one_suite_or_of_all(tmp_path: Path) -> None:
    runner = RecordingRunner()
    state = AptState(tmp_path / "apt", runner, BINARIES)
    state.ask("source", "x", suite="sid", cwd=tmp_path, timeout=7.0)
    state.ask("madison", "x", program="apt-cache")
    one, all_ = runner.calls
    conf = str(tmp_path / "apt" / "apt.conf")
    assert one.command.argv[:3] == ("apt-get", "-c", conf)
    assert f"Dir::Etc::SourceList={tmp_path}/apt/suites/sid.sources" in one.command.argv
    assert (one.command.cwd, one.timeout) == (tmp_path, 7.0)
    assert all_.command.argv == ("apt-cache", "-c", conf, "madison", "x")


@pytest.mark.parametrize(("types", "components"), [(SOURCES, "main"), (BINARIES, "main universe")])
def test_an_update_writes_the_suites_of_the_archive_and_no_others(
    types: str, components: str, tmp_path: Path
) -> None:
    old = tmp_path / "suites" / "old.sources"
    old.parent.mkdir()
    old.touch()
    apt = FakeApt({})
    apt.targets = f"{URI}|noble|main|Ubuntu|Ubuntu|/nowhere:1\n"
    AptState(tmp_path, apt, types).update()
    assert not old.exists()
    text = (tmp_path / "suites" / "noble.sources").read_text()
    assert text.startswith(f"Types: {types}\n")
    assert f"Components: {components}\n" in text
    assert apt.argvs[-1][-1] == "update"


def test_a_state_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="apt state cannot be made") as caught:
        AptState(tmp_path / "file" / "apt", FakeApt({}), SOURCES).update()
    assert "--home" in caught.value.hint
