"""Binary packages of the archive that this machine's apt uses, from a private apt state.

A package is downloaded with all its dependencies, from one suite, independent of the packages that
are installed here. Nothing is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UnreachableError
from builder.files import guard_writes
from builder.packages.apt import BINARIES, DOWNLOAD_SECONDS, AptState, GoneError
from builder.process import Runner, last_lines

# "  pypy3 | 7.3.19+dfsg-2 | http://host/debian trixie/main amd64 Packages"
_LINE = re.compile(r"^\s*(\S+) \| (\S+) \| \S+ ([^\s/]+)/\S+ \S+ Packages$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Binary:
    """A binary package of a suite. `version` is the archive's."""

    name: str
    version: str
    suite: str


class Binaries:
    """Binary packages through an apt state in the folder `root`; the caller excludes other runs."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self._state = AptState(root, runner, BINARIES)

    def update(self, names: Sequence[str]) -> tuple[Binary, ...]:
        """Fetch the lists of all suites, and return the packages with these names.

        Raises UnreachableError if no suite has any of them, SourceError if there is no apt.
        """
        updated = self._state.update()
        listing = self._state.query(
            "madison", *names, program="apt-cache", timeout=DOWNLOAD_SECONDS
        )
        packages = tuple(_parse_listing(listing.output))
        if not packages:
            raise UnreachableError(
                f"The archive that apt uses has no package {names[0]}, or gave no lists.",
                where=last_lines(updated.output),
                hint="Try `apt-get update`: it shows the cause of the problem.",
            )
        return packages

    def download(self, packages: Sequence[Binary], folder: Path) -> tuple[Path, ...]:
        """Download packages of one suite, with all their dependencies, into `folder`.

        Raises GoneError if the archive no longer has them, else UnreachableError.
        """
        first = packages[0]
        with guard_writes(folder):
            (folder / "partial").mkdir(parents=True)
        result = self._state.query(
            *("-o", f"Dir::Cache::archives={folder}", "install", "--download-only"),
            *("--no-install-recommends", "--yes"),
            *(f"{package.name}={package.version}" for package in packages),
            suite=first.suite,
            timeout=DOWNLOAD_SECONDS,
        )
        files = tuple(sorted(folder.glob("*.deb")))
        if result.ok and files:
            return files
        title = f"{first.name} {first.version}"
        if re.search(r"\b404\b", result.output):
            raise GoneError(
                f"The archive lists {title} in its suite {first.suite}, but no longer has all "
                "of its files (404).",
                where=last_lines(result.output),
                hint="Rolling suites lose old files before their lists say so: try again tomorrow, "
                "or use another version; `patchbench runtimes` lists them.",
            )
        raise UnreachableError(
            f"apt could not download {title}: it {result.how()}.",
            where=last_lines(result.output),
            hint="Check the network and the free space, then run the same command again.",
        )


def _parse_listing(output: str) -> Iterator[Binary]:
    for name, version, suite in _LINE.findall(output):
        yield Binary(name=name, version=version, suite=suite)
