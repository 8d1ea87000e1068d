"""Sources and revisions that are not available."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from builder import process
from tests import fake
from tests.faults import SUITE, Place, remove, table

ROWS, fault = table()


def from_source(at: Place, source: str, base: str = "3.13") -> list[str]:
    """The arguments of `run` with another source."""
    patch = at.file("change.diff", fake.speed_patch(2))
    arguments = ["--base", base, "--source", source, "--patch", str(patch), "--suite", str(SUITE)]
    return ["run", *arguments, "--out", str(at.out)]


def without_apt(at: Place) -> None:
    """Simulate a machine without apt."""
    real = process._is_executable

    def is_executable(command: process.Command) -> bool:
        return command.argv[0] != "apt-get" and real(command)

    at.patch.setattr(process, "_is_executable", is_executable)


@fault(4, "no git repository", "nowhere", "clone")
def a_repository_that_is_nowhere(at: Place) -> Sequence[str]:
    return from_source(at, "nowhere")


@fault(4, "no git repository", "clone")
def a_repository_that_is_a_file(at: Place) -> Sequence[str]:
    return from_source(at, str(at.file("notes.txt", "hello")))


@fault(4, "cannot be reached", "file://", "--source")
def a_remote_that_does_not_exist(at: Place) -> Sequence[str]:
    return from_source(at, f"file://{at.root}/nowhere.git")


@fault(4, "not an address", "URL")
def a_remote_that_is_an_option(at: Place) -> Sequence[str]:
    return from_source(at, "git:--upload-pack=touch:escaped")


@fault(4, "3.13 is not available", "cannot be reached", "apt")
def no_network_and_no_apt(at: Place) -> Sequence[str]:
    without_apt(at)
    return ["run", "--base", "3.13", "--series", "3.13/slow", "--out", str(at.out)]


@fault(4, "mian is not a revision", "main", "for-each-ref")
def an_unknown_branch(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", base="mian")


@fault(4, "nowhere is not a revision", "It has ")
def a_candidate_that_does_not_exist(at: Place) -> Sequence[str]:
    return at.adhoc("--candidate", "nowhere")


@fault(4, "0123456789 is not a revision", "main")
def an_unknown_commit(at: Place) -> Sequence[str]:
    return at.adhoc("--candidate", "0123456789")


@fault(4, "base of other is unknown", "--base")
def a_candidate_without_a_base(at: Place) -> Sequence[str]:
    where = ["--source", str(at.world.repository), "--out", str(at.out)]
    return ["run", "--candidate", "other", *where]


@fault(4, "not a CPython source tree", "Include/patchlevel.h", "no-cpython")
def a_base_that_is_not_cpython(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", base="no-cpython")


@fault(6, "no configure script", "Check the source")
def a_base_without_configure(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", base="no-configure")


@fault(4, "main is not a revision", "empty.git has no commits yet", "Fetch or commit")
def an_empty_repository(at: Place) -> Sequence[str]:
    from builder.git.repository import Repository

    Repository.init(at.here / "empty.git")
    return from_source(at, str(at.here / "empty.git"), "main")


@fault(4, "damaged.git")
def a_repository_that_is_damaged(at: Place) -> Sequence[str]:
    path = at.here / "damaged.git"
    shutil.copytree(at.world.repository, path)
    for blob in (path / "objects").glob("??/*"):
        blob.chmod(0o644)
        blob.write_bytes(blob.read_bytes()[:10])
    return from_source(at, str(path), "main")


@fault(4, "Include/patchlevel.h is not there", "is a partial clone (filter blob:none)", "--refetch")
def a_clone_without_files(at: Place) -> Sequence[str]:
    for options in (
        ("clone", "--quiet", "--bare", str(at.world.repository), "up.git"),
        ("-C", "up.git", "config", "uploadpack.allowFilter", "true"),
        ("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{at.here}/up.git", "cpython"),
    ):
        subprocess.run(["git", *options], cwd=at.here, check=True, capture_output=True)
    return from_source(at, "cpython", "main")


@fault(2, "--worktree needs --source", "--source . --worktree")
def a_work_tree_of_nothing(at: Place) -> Sequence[str]:
    return ["run", "--worktree", "--out", str(at.out)]


@fault(2, "needs a source with a work tree", "--source PATH")
def a_work_tree_of_a_bare_repository(at: Place) -> Sequence[str]:
    return ["run", "--worktree", "--source", str(at.world.repository), "--out", str(at.out)]


@fault(11, "git", "apt-get install git")
def a_machine_without_git(at: Place) -> Sequence[str]:
    at.patch.setenv("PATH", str(at.here))
    return from_source(at, str(at.world.repository), "main")


@fault(0)
def sources_without_network_and_apt(at: Place) -> Sequence[str]:
    without_apt(at)
    at.own_home()
    return ["sources", "--json"]


# -- archives -----------------------------------------------------------------------------------


def archive(at: Place, *members: tuple[str, str]) -> Path:
    """A tarball with CPython's version header in one folder, and further members."""
    header = ("Python-3.13.5/Include/patchlevel.h", '#define PY_VERSION "3.13.5"\n')
    path = at.here / "Python-3.13.5.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, content in (header, *members):
            member = tarfile.TarInfo(name)
            if content.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, content.removeprefix("-> ")
                file.addfile(member)
            else:
                member.size = len(content)
                file.addfile(member, io.BytesIO(content.encode()))
    return path


def from_archive(at: Place, path: Path, sha256: str = "") -> list[str]:
    """A run whose source is a tarball."""
    hashed = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    source = f'{{ location = "{path}", sha256 = "{hashed}" }}'
    return at.experiment('[[candidate]]\nseries = "3.13/slow"\n', base='"3.13"', source=source)


@fault(4, "SHA-256 of an archive is missing", "The file there now has")
def an_archive_without_its_hash(at: Place) -> Sequence[str]:
    return from_source(at, str(archive(at)))


@fault(4, "another SHA-256", "expected 0000", "found", "new hash")
def an_archive_with_a_wrong_hash(at: Place) -> Sequence[str]:
    return from_archive(at, archive(at), "0" * 64)


@fault(4, "SHA-256 of an archive is not one", "64 hex")
def an_archive_with_half_a_hash(at: Place) -> Sequence[str]:
    return from_archive(at, archive(at), "abc")


@fault(4, "cannot be unpacked", "release tarball")
def an_archive_that_is_no_tarball(at: Place) -> Sequence[str]:
    return from_archive(at, at.file("Python-3.13.5.tar.gz", b"\x1f\x8b not really"))


@fault(4, "leads outside", "../escaped")
def an_archive_that_escapes(at: Place) -> Sequence[str]:
    return from_archive(at, archive(at, ("Python-3.13.5/../../escaped", "pwned")))


@fault(4, "leads outside", "Lib/link")
def an_archive_with_a_link_that_escapes(at: Place) -> Sequence[str]:
    return from_archive(at, archive(at, ("Python-3.13.5/Lib/link", "-> ../../../escaped")))


@fault(4, "cannot be read", "No such file", "Python-3.13.5.tar.gz")
def an_archive_that_is_gone(at: Place) -> Sequence[str]:
    arguments = from_archive(at, archive(at))
    remove(at.here / "Python-3.13.5.tar.gz")
    return arguments


@fault(4, "is not a revision", "3.13.5")
def a_release_that_the_archive_is_not(at: Place) -> Sequence[str]:
    path = archive(at)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = f'{{ location = "{path}", sha256 = "{digest}" }}'
    return at.experiment('[[candidate]]\nseries = "3.13/slow"\n', base='"3.12"', source=source)
