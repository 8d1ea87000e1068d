"""A bundle: a run's patches, plan, raw data, result and reports in one archive.

    NAME-IDENTITY/MANIFEST.json       SHA-256 and size of every other member
    NAME-IDENTITY/plan.json  result.json  environment.json  report.md  patches/  raw/  ...

The same members give the same archive, byte for byte: sorted, without times, owners and modes.
Archives may come from strangers, so unpacking trusts nothing: it accepts only regular files, below
one folder, of limited number and size, and does not rely on the sizes in the headers.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from builder.errors import DataError, StoreError, VerifyError
from builder.files import check_member, guard_writes

SCHEMA = 1
MANIFEST = "MANIFEST.json"
SUFFIXES = (".tar.gz", ".tgz")
_CHUNK = 1 << 20
_LEVEL = 6
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may hold. `total`, `member` and `read` are bytes.

    100 benchmarks x 6 arms x 60 blocks are 42,000 files and 0.4 GB. `read` is the most that is read
    at once, since tar headers may claim any length. `name` is the length of one part of a path.
    """

    members: int = 200_000
    total: int = 2 << 30
    member: int = 256 << 20
    read: int = 8 << 20
    depth: int = 8
    name: int = 240


LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """An unpacked archive: its members below `folder`, and where they differ from the manifest.

    `version` is the version of patchbench that packed it and `renderer` the digest of the code that
    made its reports; both are "" where the manifest cannot be read.
    """

    folder: Path
    version: str
    renderer: str
    members: tuple[str, ...]
    problems: tuple[str, ...]


# -- packing --------------------------------------------------------------------------------------


def pack(
    members: Mapping[str, bytes | Path], target: Path, *, top: str, version: str, renderer: str = ""
) -> tuple[str, int]:
    """Write the archive `target` atomically; return its SHA-256 and its size in bytes.

    `members` maps names below the folder `top` to contents, or to the files that hold them.
    Raises StoreError when it cannot be written, or a file cannot be read.
    """
    partial = target.with_name(f".{target.name}.half")
    with guard_writes(target.parent):
        try:
            with partial.open("wb") as file:
                _write(members, file, top, {"patchbench": version, "renderer": renderer})
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), target.stat().st_size


def _write(
    members: Mapping[str, bytes | Path], file: IO[bytes], top: str, origin: Mapping[str, str]
) -> None:
    # gzip would put the name and the time of the file into its header: it gets neither.
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as gz,
        tarfile.open(fileobj=gz, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        entries: dict[str, dict[str, Any]] = {}
        for name in sorted(members):
            content = members[name]
            data = content.read_bytes() if isinstance(content, Path) else content
            entries[name] = _entry(data)
            _add(archive, f"{top}/{name}", data)
        manifest = {"schema": SCHEMA, **origin, "members": entries}
        _add(archive, f"{top}/{MANIFEST}", json.dumps(manifest, indent=1).encode())


def _entry(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o644
    archive.addfile(member, io.BytesIO(data))


# -- unpacking ------------------------------------------------------------------------------------


def unpack(source: Path, folder: Path, limits: Limits = LIMITS) -> Unpacked:
    """Unpack an archive into `folder`, which must be empty, and compare it with its manifest.

    Raises DataError when it is damaged or not a bundle, VerifyError when it is hostile: it would
    write outside its one folder, has links or devices, or is far too large.
    """
    unpacker = _Unpacker(source, folder, limits)
    try:
        with source.open("rb") as file:
            unpacker.run(file)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise _damaged(source, error) from error
        what = f"The bundle cannot be unpacked: {error.strerror or error}."
        raise StoreError(what, where=str(error.filename or source)) from error
    except _DAMAGED as error:
        raise _damaged(source, error) from error
    return unpacker.compared_with_manifest()


def _damaged(source: Path, error: Exception) -> DataError:
    return DataError(
        f"The file is damaged, or not a bundle: {error or type(error).__name__}.",
        where=str(source),
        hint="`patchbench bundle` writes bundles as .tar.gz. Get the file again from its source.",
    )


class _Unpacker:
    """Unpacks one archive into a folder."""

    def __init__(self, source: Path, folder: Path, limits: Limits) -> None:
        self._source = source
        self._folder = folder
        self._limits = limits
        self._entries: dict[str, dict[str, Any]] = {}
        self._top = ""

    def run(self, file: IO[bytes]) -> None:
        with gzip.GzipFile(fileobj=file, mode="rb") as gz:
            stream = _Stream(gz, self._limits, self._refuse)
            # Not mode "r|": the size of its reads could not be limited.
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for member in self._members(archive):
                    self._extract(archive, member)
            # Read to the end, where gzip has its checksum: tarfile stops at the first bad header.
            while chunk := stream.read(min(_CHUNK, self._limits.read)):
                if chunk.strip(b"\0"):
                    raise tarfile.ReadError("there is data after the end of the archive")
        if not self._entries:
            raise tarfile.ReadError("the archive is empty")

    def _members(self, archive: Any) -> Iterator[tarfile.TarInfo]:
        while (member := archive.next()) is not None:
            archive.members.clear()  # tarfile would keep all headers in memory
            yield member

    def _extract(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = self._checked_name(member)
        target = self._folder / name
        content = archive.extractfile(member)
        assert content is not None  # it is a regular file
        digest, size = hashlib.sha256(), 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                while chunk := content.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
        except (FileExistsError, NotADirectoryError):
            self._refuse(f"has two members with one path: {member.name!r}")
        if size != member.size:
            raise tarfile.ReadError(f"{member.name!r} ends too early")
        self._entries[name] = {"sha256": digest.hexdigest(), "bytes": size}

    def _checked_name(self, member: tarfile.TarInfo) -> str:
        """The member's name below the archive's one folder. Refuses what `pack` never writes."""
        shown = repr(member.name[:200])
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            self._refuse(f"holds more than regular files (links, devices, folders): {shown}")
        parts = member.name.split("/")
        if (
            not member.name.isprintable()
            or "\\" in member.name
            or any(part in ("", ".", "..") for part in parts)
        ):
            self._refuse(f"holds a path that leads out of its folder, or is not valid: {shown}")
        limits = self._limits
        if len(parts) > limits.depth or max(map(len, parts)) > limits.name:
            self._refuse(f"holds a path that is far too long: {shown}")
        if len(parts) < 2 or parts[0] != (self._top or parts[0]):
            self._refuse(f"does not have one folder at the top: {shown}")
        if not 0 <= member.size <= limits.member or len(self._entries) >= limits.members:
            self._refuse(f"is far too large for a bundle: {shown}")
        try:
            check_member(member, self._folder)
        except tarfile.TarError as error:
            self._refuse(f"holds a member that tarfile's own filter refuses ({error}): {shown}")
        self._top = parts[0]
        return "/".join(parts[1:])

    def _refuse(self, why: str) -> None:
        raise VerifyError(
            f"The archive is refused: it {why}.",
            where=str(self._source),
            hint="patchbench writes no such bundles: do not unpack it with other tools.",
        )

    def compared_with_manifest(self) -> Unpacked:
        """The unpacked members, and how they differ from the manifest."""
        members = tuple(name for name in self._entries if name != MANIFEST)
        try:
            manifest = json.loads((self._folder / MANIFEST).read_text(encoding="utf-8"))
            packed = {name: dict(entry) for name, entry in manifest["members"].items()}
            version, renderer = str(manifest["patchbench"]), str(manifest["renderer"])
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            problems: tuple[str, ...] = (f"{MANIFEST}: it is missing, or cannot be read",)
            return Unpacked(
                folder=self._folder, version="", renderer="", members=members, problems=problems
            )
        return Unpacked(
            folder=self._folder,
            version=version,
            renderer=renderer,
            members=members,
            problems=tuple(_differences(packed, self._entries)),
        )


def _differences(packed: Mapping[str, Any], unpacked: Mapping[str, Any]) -> Iterator[str]:
    names: Sequence[str] = sorted({*packed, *unpacked} - {MANIFEST})
    for name in names:
        if name not in unpacked:
            yield f"{name}: the manifest names it, but it is missing"
        elif name not in packed:
            yield f"{name}: it is not in the manifest"
        elif packed[name] != unpacked[name]:
            yield f"{name}: it is not what was packed (another SHA-256)"


class _Stream(io.RawIOBase):
    """The decompressed archive as a forward-only file that enforces the limits."""

    def __init__(self, file: gzip.GzipFile, limits: Limits, refuse: Callable[[str], None]) -> None:
        super().__init__()
        self._file = file
        self._limits = limits
        self._refuse = refuse
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes. Refuses the archive when a limit is exceeded."""
        if not 0 <= size <= self._limits.read:
            self._refuse("has a header that is far too large for a bundle")
        self._at += size
        if self._at > self._limits.total + self._limits.members * 2 * tarfile.BLOCKSIZE:
            self._refuse("is far too large for a bundle")
        return self._file.read(size)

    def tell(self) -> int:
        """The position, in bytes of the decompressed archive."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek forwards, by reading. Raises tarfile.ReadError for any other seek."""
        if whence != io.SEEK_SET or offset < self.tell():
            raise tarfile.ReadError("a header points backwards")
        while (left := offset - self.tell()) > 0:
            if not self.read(min(left, _CHUNK)):
                break
        return self.tell()
