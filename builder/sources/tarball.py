"""Release tarballs made into commits, without a file of theirs ever written to disk."""

from __future__ import annotations

import hashlib
import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from builder.errors import SourceError
from builder.files import check_member
from builder.git import LINK, Repository, leads_outside, link_leads_outside
from builder.versions import version_of

_CHUNK = 1 << 20
# CPython 3.15 unpacks to 120 MB: what is ten times as large is no release of it.
_MAX_BYTES = 1200 * 1024 * 1024
_DAMAGED = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError)
_WHO = b"patchbench <>"
# Nothing is unpacked; where a link would lead is judged as if it were below this folder.
_NOWHERE = Path("/nonexistent/tree")


def sha256_of(file: IO[bytes]) -> str:
    """The SHA-256 of all of a file, as hexadecimal digits."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def imported(repository: Repository, sha256: str) -> str | None:
    """The commit that a tarball with this hash was made into; None if it was not."""
    return repository.find(_ref(sha256))


def import_tarball(repository: Repository, path: Path, sha256: str) -> str:
    """Make a tarball into a commit without parents; its hash must be `sha256`.

    All of it or nothing: a tarball that is damaged, holds a path or link that leads outside, or is
    no CPython leaves the repository as it was. The same tarball gives the same commit anywhere: its
    author is fixed and its date that of the newest file. Raises SourceError.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(
            f"The tarball cannot be read: {error.strerror}.",
            where=str(path),
            hint="Give the path or the address of a release tarball of CPython.",
        ) from error
    with file:
        found = sha256_of(file)
        if found != sha256:
            raise SourceError(
                "The tarball is not the one that was asked for: its SHA-256 is another.",
                where=f"{path}\nexpected {sha256}\nfound    {found}",
                hint="If the file was replaced on purpose, give the new hash; else get it again.",
            )
        file.seek(0)
        repository.fast_import(_Stream(file, str(path)).commands(_ref(sha256)))
    return repository.resolve(_ref(sha256))


def _ref(sha256: str) -> str:
    return f"refs/imports/{sha256}"


class _Stream:
    """The commands of git fast-import for one tarball, made in one pass over it."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._tops: set[str] = set()
        self._files: dict[str, tuple[bytes, int]] = {}
        self._marks = 0
        self._bytes = 0
        self._newest = 0
        self._version = ""

    def commands(self, ref: str) -> Iterator[bytes]:
        yield b"feature done\n"
        try:
            with tarfile.open(fileobj=self._file, mode="r|*") as archive:
                for member in archive:
                    yield from self._member(archive, member)
        except _DAMAGED as error:
            raise self._refusal(f"cannot be unpacked ({error})") from error
        if len(self._tops) != 1:
            raise self._refusal("does not have one folder at the top")
        if not self._version:
            raise self._refusal("holds no CPython: Include/patchlevel.h is not in it")
        yield from self._commit(ref)

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
        name = member.name.removeprefix("./").rstrip("/")
        if name in ("", "."):
            return
        if leads_outside(name):
            raise self._refusal(f"holds a path that leads outside: {member.name!r}")
        top, _, path = name.partition("/")
        self._tops.add(top)
        if member.isdir():
            return
        self._newest = max(self._newest, int(member.mtime))
        if member.islnk():
            self._files[path] = self._linked(member)
            self._filter(member)
            return
        content = self._content(archive, member, path)
        self._filter(member)
        if path == "Include/patchlevel.h":
            self._version = version_of(content) or ""
        self._marks += 1
        mode = b"100755" if member.mode & 0o100 else b"100644"
        self._files[path] = (LINK.encode() if member.issym() else mode, self._marks)
        yield b"blob\nmark :%d\ndata %d\n" % (self._marks, len(content))
        yield content
        yield b"\n"

    def _filter(self, member: tarfile.TarInfo) -> None:
        try:
            check_member(member, _NOWHERE)
        except tarfile.TarError as error:
            raise self._refusal(f"holds what tarfile's own filter refuses: {error}") from error

    def _content(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> bytes:
        if member.issym():
            if link_leads_outside(path, member.linkname):
                raise self._refusal(f"holds a link that leads outside: {member.name!r}")
            return os.fsencode(member.linkname)
        stream = archive.extractfile(member) if member.isreg() else None
        if stream is None or not path:
            raise self._refusal(f"holds what no source tree does: {member.name!r}")
        self._bytes += member.size
        if self._bytes > _MAX_BYTES:
            raise self._refusal("unpacks to more than any CPython")
        return stream.read()

    def _linked(self, member: tarfile.TarInfo) -> tuple[bytes, int]:
        """A hard link: a second name of a file that came before."""
        target = member.linkname.removeprefix("./").partition("/")[2]
        if target not in self._files:
            raise self._refusal(f"holds a link to what is not in it: {member.name!r}")
        return self._files[target]

    def _commit(self, ref: str) -> Iterator[bytes]:
        message = f"CPython {self._version}\n".encode()
        date = b"%d +0000" % self._newest
        yield b"commit %s\n" % ref.encode()
        yield b"author %s %s\ncommitter %s %s\n" % (_WHO, date, _WHO, date)
        yield b"data %d\n%s" % (len(message), message)
        for path, (mode, mark) in sorted(self._files.items()):
            yield b"M %s :%d %s\n" % (mode, mark, _quoted(path))
        yield b"done\n"

    def _refusal(self, why: str) -> SourceError:
        return SourceError(
            f"The tarball {why}.",
            where=self._name,
            hint="Give a release tarball of CPython, as it was published.",
        )


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    for char, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        raw = raw.replace(char, escaped)
    return b'"' + raw + b'"'
