"""The source packages of CPython in a private apt state (builder/packages/apt.py)."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.errors import SourceError, UnreachableError
from builder.packages.apt import DOWNLOAD_SECONDS, SOURCES, AptState, GoneError
from builder.process import Runner, last_lines
from builder.versions import is_release

_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.decompress,
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
}
_CPYTHON = re.compile(rb"\nPackage: python[23]\.\d+\n")
_ORIG = re.compile(r"^ ([0-9a-f]{64}) (\d+) (\S+\.orig\.tar\.[a-z0-9]+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A source package of CPython. `version` is the archive's, `release` is CPython's.

    `file` names the upstream tarball, `size` is in bytes.
    """

    name: str
    version: str
    release: str
    suite: str
    file: str
    size: int
    sha256: str


class Apt:
    """Source packages through an apt state in the folder `root`; the caller excludes other runs."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self._state = AptState(root, runner, SOURCES)

    def update(self) -> tuple[Package, ...]:
        """Fetch the lists of all suites and return the packages of CPython in them.

        Raises UnreachableError if no list could be fetched, SourceError if there is no apt.
        """
        result = self._state.update()
        listings = list(self._listings())
        if not listings:
            raise UnreachableError(
                "The archive that apt uses gave no lists of source packages.",
                where=last_lines(result.output),
                hint="Try `apt-get update`: it shows the cause of the problem.",
            )
        return tuple(package for suite, file in listings for package in read_list(suite, file))

    def download(self, package: Package, folder: Path) -> Path:
        """Download a package's upstream tarball into `folder`.

        Raises GoneError if the archive no longer has it, else UnreachableError.
        """
        result = self._state.query(
            *("source", "--download-only", "--tar-only", f"{package.name}={package.version}"),
            suite=package.suite,
            cwd=folder,
            timeout=DOWNLOAD_SECONDS,
        )
        file = folder / package.file
        if result.ok and file.is_file():
            return file
        if re.search(r"\b404\b", result.output):
            raise GoneError(
                f"The archive lists CPython {package.release} in its suite {package.suite}, "
                "but no longer has the file (404).",
                where=f"source package {package.name} {package.version}",
                hint="Rolling suites lose old files before their lists say so: try again "
                "tomorrow, or use a release of a stable suite; `patchbench sources` lists them.",
            )
        raise UnreachableError(
            f"apt could not download CPython {package.release}: it {result.how()}.",
            where=last_lines(result.output),
            hint="Check the network and the free space, then run the same command again.",
        )

    def _listings(self) -> Iterator[tuple[str, Path]]:
        result = self._state.query(
            "indextargets", "--format", "$(RELEASE)|$(FILENAME)", "Identifier: Sources"
        )
        for line in result.output.splitlines():
            suite, _, name = line.partition("|")
            if name and Path(name).is_file():
                yield suite, Path(name)


def read_list(suite: str, file: Path) -> tuple[Package, ...]:
    """The packages of CPython in an archive's Sources list, in a format that apt stores."""
    try:
        text = _UNPACK.get(file.suffix, bytes)(file.read_bytes())
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise SourceError(
            f"apt's list of source packages cannot be read: {error}.",
            where=str(file),
            hint="Delete it and run the same command again.",
        ) from error
    packages = (_package(stanza.decode("utf-8", "replace"), suite) for stanza in _stanzas(text))
    return tuple(package for package in packages if package is not None)


def _stanzas(text: bytes) -> Iterator[bytes]:
    """The stanzas of CPython, without parsing the other ones: a list has a million lines."""
    text = b"\n" + text
    for match in _CPYTHON.finditer(text):
        end = text.find(b"\n\n", match.start() + 1)
        yield text[match.start() + 1 : end if end >= 0 else len(text)]


def _package(stanza: str, suite: str) -> Package | None:
    fields = dict(re.findall(r"^(Package|Version): (\S+)$", stanza, re.MULTILINE))
    tarball = _ORIG.search(stanza)
    release = upstream_release(fields.get("Version", ""))
    if tarball is None or not release:
        return None
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        release=release,
        suite=suite,
        file=tarball[3],
        size=int(tarball[2]),
        sha256=tarball[1],
    )


def upstream_release(version: str) -> str:
    """CPython's name of an archive's version: 3.14.0rc2 of 3.14.0~rc2-1; empty for a snapshot."""
    upstream = version.partition(":")[2] or version
    upstream = upstream.rpartition("-")[0] or upstream
    upstream = re.sub(r"[+~](dfsg|ds|repack)[0-9.]*$", "", upstream).replace("~", "")
    return upstream if is_release(upstream) else ""
