"""Source packages: what is asked of apt-get, and how its lists are read."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import SourceError, UnreachableError
from builder.packages.apt import GoneError
from builder.packages.source import Apt, read_list, upstream_release
from tests.builder.packages.test_apt import DEB822, URI
from tests.builder.upstream import FakeApt, write_tarball


@pytest.fixture
def apt(tmp_path: Path) -> FakeApt:
    tarball = tmp_path / "python2.7_2.7.18.orig.tar.gz"
    write_tarball(tarball, "2.7.18")
    return FakeApt({"bullseye": [("python2.7", "2.7.18-8+deb11u1", tarball)]})


def test_the_state_is_private_and_signatures_stay_on(apt: FakeApt, tmp_path: Path) -> None:
    entry = tmp_path / "debian.sources"
    entry.write_text(DEB822)
    apt.targets = f"{URI}|bookworm|main|Debian|Debian|{entry}:1\n"
    root = tmp_path / "apt"
    packages = Apt(root, apt).update()
    assert [(one.name, one.release, one.suite) for one in packages] == [
        ("python2.7", "2.7.18", "bullseye")
    ]
    conf = (root / "apt.conf").read_text()
    for option in ("Dir::Etc::SourceParts", "Dir::State::Lists", "Dir::Cache"):
        assert f'{option} "{root}' in conf
    sources = (root / "suites" / "trixie.sources").read_text()
    assert f"Types: deb-src\nURIs: {URI}\nSuites: trixie\nComponents: main\n" in sources
    assert "/keys/a.gpg" in sources
    everything = conf + sources + str(apt.argvs)
    for word in ("trusted", "Unauthenticated", "Insecure", "Verify", "force-yes"):
        assert word.lower() not in everything.lower()
    assert all("/etc/" not in str(argv) for argv in apt.argvs)


def test_suites_that_do_not_exist_are_no_trouble(apt: FakeApt, tmp_path: Path) -> None:
    # The fake ends with 100 on every update, as apt-get does when one suite is missing.
    assert len(Apt(tmp_path / "apt", apt).update()) == 1


def test_an_archive_that_gives_no_lists_is_unreachable(apt: FakeApt, tmp_path: Path) -> None:
    apt.online = False
    with pytest.raises(UnreachableError, match="gave no lists") as caught:
        Apt(tmp_path / "apt", apt).update()
    assert "Could not resolve" in caught.value.where


def test_only_the_tarball_is_downloaded(apt: FakeApt, tmp_path: Path) -> None:
    private = Apt(tmp_path / "apt", apt)
    (package,) = private.update()
    (tmp_path / "to").mkdir()
    assert private.download(package, tmp_path / "to").name == "python2.7_2.7.18.orig.tar.gz"
    assert apt.argvs[-1][-4:] == (
        "source",
        "--download-only",
        "--tar-only",
        "python2.7=2.7.18-8+deb11u1",
    )


def test_a_file_that_is_gone_is_told_from_other_trouble(apt: FakeApt, tmp_path: Path) -> None:
    private = Apt(tmp_path / "apt", apt)
    (package,) = private.update()
    apt.gone.add(package.version)
    with pytest.raises(GoneError, match=r"2\.7\.18 .*bullseye.*no longer \(404\)"):
        private.download(package, tmp_path)
    apt.online = False
    with pytest.raises(UnreachableError, match="did not give"):
        private.download(package, tmp_path)


LIST = """\
Package: python3-stdlib-extensions
Version: 3.13.5-1

Package: python3.14
Binary: python3.14
Version: 3.14.0~rc2-1
Checksums-Sha1:
 00 5 python3.14_3.14.0~rc2.orig.tar.xz
Checksums-Sha256:
 {a} 7 python3.14_3.14.0~rc2-1.dsc
 {b} 5 python3.14_3.14.0~rc2.orig.tar.xz
 {a} 6 python3.14_3.14.0~rc2.orig.tar.xz.asc

Package: python3.15
Version: 3.15.0~git20260101-1
Checksums-Sha256:
 {b} 5 python3.15_3.15.0~git20260101.orig.tar.xz

Package: python3.9
Version: 3.9.2-1
""".format(a="a" * 64, b="b" * 64)


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".xz", lzma.compress), (".gz", gzip.compress), (".bz2", bz2.compress), ("", bytes)],
)
def test_lists_are_read_as_they_are_compressed(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / f"Sources{suffix}"
    file.write_bytes(pack(LIST.encode()))
    (package,) = read_list("sid", file)
    assert package.release == "3.14.0rc2"
    assert package.sha256 == "b" * 64
    assert package.size == 5
    assert package.file == "python3.14_3.14.0~rc2.orig.tar.xz"


def test_a_damaged_list_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "Sources.xz"
    file.write_bytes(lzma.compress(LIST.encode())[:-20])
    with pytest.raises(SourceError, match="cannot be read"):
        read_list("sid", file)


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("2.7.18-8+deb11u1", "2.7.18"),
        ("3.13.5-2", "3.13.5"),
        ("1:3.13.5-2", "3.13.5"),
        ("3.14.0~rc3-1", "3.14.0rc3"),
        ("3.12.3-1ubuntu0.8", "3.12.3"),
        ("3.11.2+dfsg1-1", "3.11.2"),
        ("3.15.0~git20260101-1", ""),
        ("", ""),
    ],
)
def test_upstream_release(version: str, release: str) -> None:
    assert upstream_release(version) == release
