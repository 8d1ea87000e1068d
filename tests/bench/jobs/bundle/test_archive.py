from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.jobs.bundle.archive import LIMITS, MANIFEST, Limits, Unpacked, pack, unpack
from builder.errors import DataError, StoreError, VerifyError

MEMBERS: dict[str, bytes | Path] = {
    "plan.json": b"{}",
    "raw/blocks/0000-nbody/base.json": b'{"values": [0.125]}',
    "patches/fast/01-fast/0001-fast.patch": b"-a\n+b\n",
}


def packed(folder: Path, members: dict[str, bytes | Path] = MEMBERS) -> Path:
    target = folder / "x.tar.gz"
    pack(members, target, top="x-0123", version="0.1.0")
    return target


def opened(source: Path, folder: Path, limits: Limits = LIMITS) -> Unpacked:
    folder.mkdir()
    return unpack(source, folder, limits)


def made(folder: Path, add: Callable[[tarfile.TarFile], None]) -> Path:
    """An archive that `add` fills."""
    target = folder / "made.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        add(archive)
    return target


def member(name: str, data: bytes = b"x", **more: object) -> Callable[[tarfile.TarFile], None]:
    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        for key, value in more.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(data))

    return add


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    source = packed(tmp_path, {**MEMBERS, "result.json": tmp_path / "file"})
    unpacked = opened(source, tmp_path / "out")

    assert unpacked.problems == ()
    assert unpacked.version == "0.1.0"
    assert set(unpacked.members) == {*MEMBERS, "result.json"}
    for name, content in MEMBERS.items():
        assert (unpacked.folder / name).read_bytes() == content
    assert (unpacked.folder / "result.json").read_bytes() == b"from a file"


def test_the_same_members_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = packed(tmp_path / "a")
    other = packed(tmp_path / "b", dict(reversed(MEMBERS.items())))

    assert one.read_bytes() == other.read_bytes()
    assert pack(MEMBERS, one, top="x-0123", version="0.1.0") == (
        hashlib.sha256(other.read_bytes()).hexdigest(),
        other.stat().st_size,
    )
    with tarfile.open(one) as archive:
        for info in archive:
            assert (info.mtime, info.uid, info.gid, info.uname, info.mode) == (0, 0, 0, "", 0o644)


def test_nothing_is_left_of_an_archive_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        pack({"a": tmp_path / "missing"}, tmp_path / "x.tar.gz", top="x", version="")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"plan.json": b"[]"}, "plan.json: it is not what was packed"),
        ({"plan.json": None}, "plan.json: the manifest names it, but it is missing"),
        ({"more": b""}, "more: it is not in the manifest"),
        ({MANIFEST: None}, f"{MANIFEST}: it is missing"),
        ({MANIFEST: b"{"}, f"{MANIFEST}: it is missing, or cannot be read"),
        ({MANIFEST: b"[" * 10**6}, f"{MANIFEST}: it is missing, or cannot be read"),
        (
            {MANIFEST: b'{"patchbench": "", "renderer": "", "members": 3}'},
            f"{MANIFEST}: it is missing, or",
        ),
    ],
)
def test_what_is_not_as_in_the_manifest_is_named(
    tmp_path: Path, change: dict[str, bytes | None], problem: str
) -> None:
    folder = opened(packed(tmp_path), tmp_path / "first").folder
    content = {str(path.relative_to(folder)): path.read_bytes() for path in everything(folder)}
    changed = {name: data for name, data in {**content, **change}.items() if data is not None}

    def add(archive: tarfile.TarFile) -> None:
        for name, data in changed.items():
            member(f"x/{name}", data)(archive)

    (only,) = opened(made(tmp_path, add), tmp_path / "second").problems
    assert only.startswith(problem)


HOSTILE = {
    "up": member("x/../../evil"),
    "up at once": member("../evil"),
    "absolute": member("/evil"),
    "home": member("x//evil"),
    "dot": member("x/./evil"),
    "backslashes": member("x/..\\evil"),
    "escape": member("x/\x1b[2Jevil"),
    "line": member("x/a\nb"),
    "no folder": member("evil"),
    "another folder": lambda archive: [member(name)(archive) for name in ("x/a", "y/a")],
    "symlink": member("x/a", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": member("x/a", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "device": member("x/a", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "pipe": member("x/a", b"", type=tarfile.FIFOTYPE),
    "folder": member("x/a", b"", type=tarfile.DIRTYPE),
    "twice": lambda archive: [member("x/a")(archive) for _ in range(2)],
    "below a file": lambda archive: [member(name)(archive) for name in ("x/a", "x/a/b")],
    "on a folder": lambda archive: [member(name)(archive) for name in ("x/a/b", "x/a")],
    "deep": member("x/" + "a/" * 20 + "a"),
    "long": member("x/" + "a" * 250),
    "large": member("x/a", bytes(5000)),
    "many": lambda archive: [member(f"x/{n}", b"")(archive) for n in range(30)],
    "long in its header": member("x/" + "a" * 9000),
    "all together": lambda archive: [member(f"x/{n}", bytes(3000))(archive) for n in range(20)],
}
SMALL = Limits(members=25, total=30_000, member=4_000, read=8_192)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_writes_nothing_outside(name: str, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "inside"
    out.parent.mkdir()
    source = made(tmp_path, HOSTILE[name])
    with pytest.raises(VerifyError) as caught:
        opened(source, out, SMALL)
    assert caught.value.exit_code == 14
    assert "refused" in str(caught.value)
    inside = [path for path in everything(tmp_path) if out in path.parents]
    assert set(everything(tmp_path)) == {source, *inside}
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]


def test_what_our_own_check_would_miss_the_standard_library_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(info: tarfile.TarInfo, folder: str) -> None:
        assert folder == str(tmp_path / "out")
        raise tarfile.OutsideDestinationError(info, "/elsewhere")

    monkeypatch.setattr(tarfile, "data_filter", refuse, raising=False)
    with pytest.raises(VerifyError, match="own filter refuses"):
        opened(packed(tmp_path), tmp_path / "out")
    assert everything(tmp_path / "out") == []


def test_these_limits_hold_a_real_one(tmp_path: Path) -> None:
    assert opened(packed(tmp_path), tmp_path / "out", SMALL).problems == ()


def test_a_header_that_claims_gigabytes_is_not_believed(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x/a")
    info.size = 1 << 40
    source = tmp_path / "x.tar.gz"
    source.write_bytes(gzip.compress(info.tobuf() + bytes(10_000)))
    with pytest.raises(VerifyError, match="far too large"):
        opened(source, tmp_path / "one")
    info.type = tarfile.GNUTYPE_LONGNAME
    header = info.tobuf(format=tarfile.GNU_FORMAT)
    source.write_bytes(gzip.compress(header + bytes(10_000)))
    with pytest.raises(VerifyError, match="header that is far too large"):
        opened(source, tmp_path / "other")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"no archive",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-6] + b"\0\0" + data[-4:],  # the checksum
        lambda data: gzip.compress(b"no archive at all" * 100),
        lambda data: gzip.compress(bytes(20480)),
        lambda data: gzip.compress(gzip.decompress(data) + b"more"),
        lambda data: lzma.compress(gzip.decompress(data)),
        lambda data: data + b"trailing",
    ],
)
def test_what_is_no_bundle_is_told(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    source = packed(tmp_path)
    source.write_bytes(damage(source.read_bytes()))
    with pytest.raises(DataError, match="damaged, or not a bundle"):
        opened(source, tmp_path / "out")


def test_a_bundle_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        opened(tmp_path / "missing.tar.gz", tmp_path / "out")


def test_a_manifest_is_only_a_list(tmp_path: Path) -> None:
    """Who alters a member can alter the manifest too: only recomputing shows that."""
    altered: dict[str, bytes | Path] = {**MEMBERS, "plan.json": b"[]"}
    assert opened(packed(tmp_path, altered), tmp_path / "out").problems == ()
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert manifest["members"]["plan.json"] == {
        "sha256": hashlib.sha256(b"[]").hexdigest(),
        "bytes": 2,
    }
    assert replace(LIMITS, members=1) != LIMITS
