"""Tarballs made into commits: builder.sources.tarball with a real git."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from builder.errors import SourceError
from builder.git import fetch
from builder.git.repository import Repository
from builder.sources import tarball
from builder.sources.tarball import import_tarball, imported
from tests.builder.upstream import add, write_tarball


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "releases.git")


def test_the_top_folder_goes_and_all_else_stays(repository: Repository, tmp_path: Path) -> None:
    def change(archive: tarfile.TarFile) -> None:
        add(archive, "Python/Lib", type=tarfile.DIRTYPE)
        add(archive, "Python/Lib/link.py", type=tarfile.SYMTYPE, linkname="data.bin")
        add(archive, "Python/Lib/hard.py", type=tarfile.LNKTYPE, linkname="Python/Lib/data.bin")
        add(archive, "./Python/" + "deep/" * 40 + 'odd "name"\\\n\xe9', b"x", mtime=1_600_000_000)

    files = {"Lib/data.bin": bytes(range(256)) * 10, ".gitattributes": "*.bin export-ignore\n"}
    path = tmp_path / "Python.tar.xz"
    sha256 = write_tarball(path, "3.13.5", files, change=change)
    commit = import_tarball(repository, path, sha256)
    entries = {entry.path: entry.mode for entry in repository.entries(commit)}
    assert entries == {
        ".gitattributes": "100644",
        "Include/patchlevel.h": "100644",
        "Lib/data.bin": "100644",
        "Lib/hard.py": "100644",
        "Lib/link.py": "120000",
        "configure": "100755",
        "deep/" * 40 + 'odd "name"\\\n\xe9': "100644",
    }
    assert repository.read(commit, "Lib/hard.py") == bytes(range(256)) * 10
    assert repository.read(commit, "Lib/link.py") == b"data.bin"
    assert repository.epoch(commit) == 1_600_000_000
    assert repository.parents(commit) == ()


@pytest.mark.parametrize("suffix", ["tar", "tgz", "tar.bz2", "tar.xz"])
def test_the_same_files_give_the_same_commit_anywhere(tmp_path: Path, suffix: str) -> None:
    commits = set()
    for path in (tmp_path / f"one.{suffix}", tmp_path / "two.tar.gz"):
        sha256 = write_tarball(path, "2.7.18")
        commits.add(import_tarball(Repository.init(tmp_path / path.stem), path, sha256))
    assert len(commits) == 1


def test_what_was_imported_is_known_by_its_hash(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "Python.tar.gz"
    sha256 = write_tarball(path, "2.7.18")
    assert imported(repository, sha256) is None
    commit = import_tarball(repository, path, sha256)
    assert imported(repository, sha256) == commit


def test_another_hash_is_refused_with_both(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "Python.tar.gz"
    sha256 = write_tarball(path, "2.7.18")
    with pytest.raises(SourceError, match="SHA-256 is another") as caught:
        import_tarball(repository, path, "0" * 64)
    assert sha256 in caught.value.where
    assert "0" * 64 in caught.value.where


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("../evil", {}, "leads outside"),
        ("Python/../../evil", {}, "leads outside"),
        ("/etc/evil", {}, "leads outside"),
        ("Python/.git/hooks/post-checkout", {}, "leads outside"),
        ("Python/a", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "leads outside"),
        ("Python/a", {"type": tarfile.SYMTYPE, "linkname": "../../x"}, "leads outside"),
        ("Python/a", {"type": tarfile.LNKTYPE, "linkname": "../x"}, "not in it"),
        ("Python/a", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}, "not in it"),
        ("Python/a", {"type": tarfile.CHRTYPE}, "no source tree"),
        ("Python/a", {"type": tarfile.FIFOTYPE}, "no source tree"),
        ("beside", {}, "no source tree"),
        ("Other/file", {}, "one folder at the top"),
    ],
)
def test_what_no_release_holds_is_refused_whole(
    repository: Repository, tmp_path: Path, name: str, fields: dict[str, object], why: str
) -> None:
    path = tmp_path / "Python.tar.gz"
    sha256 = write_tarball(path, "2.7.18", change=lambda archive: add(archive, name, **fields))
    with pytest.raises(SourceError, match=why) as caught:
        import_tarball(repository, path, sha256)
    assert caught.value.where == str(path)
    assert imported(repository, sha256) is None


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python is older than it")
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Python/../../evil", {}),
        ("Python/a", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("Python/a", {"type": tarfile.SYMTYPE, "linkname": "../../x"}),
    ],
)
def test_what_our_own_check_would_miss_the_standard_library_refuses(
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fields: dict[str, object],
) -> None:
    for check in ("leads_outside", "link_leads_outside"):
        monkeypatch.setattr(tarball, check, lambda *_: False)
    path = tmp_path / "Python.tar.gz"
    sha256 = write_tarball(path, "2.7.18", change=lambda archive: add(archive, name, **fields))
    with pytest.raises(SourceError, match="own filter refuses"):
        import_tarball(repository, path, sha256)
    assert imported(repository, sha256) is None


def test_damaged_and_foreign_files_are_refused(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "Python.tar.xz"
    write_tarball(path, "2.7.18", {"Lib/x": os.urandom(50_000)})
    whole = path.read_bytes()
    for content, why in (
        (whole[: len(whole) // 2], "cannot be unpacked"),
        (b"not a tarball", "cannot be unpacked"),
        (b"", "cannot be unpacked"),
    ):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=why):
            import_tarball(repository, path, _sha256(path))
    sha256 = write_tarball(path, "x", {"Include/patchlevel.h": "nothing"})
    with pytest.raises(SourceError, match="holds no CPython"):
        import_tarball(repository, path, sha256)
    with pytest.raises(SourceError, match="cannot be read"):
        import_tarball(repository, tmp_path / "nosuch", sha256)


def _sha256(path: Path) -> str:
    return subprocess.run(
        ["sha256sum", str(path)], check=True, capture_output=True, text=True
    ).stdout.split()[0]


def test_a_killed_import_leaves_nothing_and_the_next_one_goes_through(
    repository: Repository, tmp_path: Path
) -> None:
    path = tmp_path / "Python.tar.gz"
    files = {f"Lib/{number}": os.urandom(20_000) for number in range(400)}
    sha256 = write_tarball(path, "2.7.18", files)
    script = (
        "import sys; from pathlib import Path; from builder.git.repository import Repository\n"
        "from builder.sources.tarball import import_tarball\n"
        "print(flush=True)\n"
        "import_tarball(Repository(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3])\n"
    )
    for wait in (0.0, 0.05, 0.1, 0.2):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(repository.path), str(path), sha256],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        commit = imported(repository, sha256)
        if commit is not None:
            # All of it or nothing.
            assert len(repository.entries(commit)) == len(files) + 2
    fetch.recover(repository)
    assert not list(repository.path.glob("objects/pack/tmp_*"))
    commit = imported(repository, sha256) or import_tarball(repository, path, sha256)
    assert len(repository.entries(commit)) == len(files) + 2
