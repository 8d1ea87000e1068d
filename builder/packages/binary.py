"""Binary packages of the archive that this machine's apt uses, from a private apt state.

A package is had with all that it depends on, of one suite, whatever this machine has installed:
nothing is installed, the files are only fetched.
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
    """A binary package that a suite has, by the archive's own version."""

    name: str
    version: str
    suite: str


class Binaries:
    """The private state in the folder `root`. The caller keeps other runs out."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self._state = AptState(root, runner, BINARIES)

    def update(self, names: Sequence[str]) -> tuple[Binary, ...]:
        """Fetch the lists of all suites, and return what they have of these packages.

        Raises UnreachableError when no suite has any of them, SourceError where there is no apt.
        """
        updated = self._state.update()
        asked = self._state.ask("madison", *names, program="apt-cache", timeout=DOWNLOAD_SECONDS)
        found = tuple(_listed(asked.output))
        if not found:
            raise UnreachableError(
                f"The archive that apt uses has no package {names[0]}, or gave no lists.",
                where=last_lines(updated.output),
                hint="Try `apt-get update`: what it reports is what is wrong.",
            )
        return found

    def download(self, wanted: Sequence[Binary], folder: Path) -> tuple[Path, ...]:
        """Fetch packages of one suite, with all that they depend on, into `folder`.

        Raises GoneError where the archive has them no longer, else UnreachableError.
        """
        with guard_writes(folder):
            (folder / "partial").mkdir(parents=True)
        done = self._state.ask(
            *("-o", f"Dir::Cache::archives={folder}", "install", "--download-only"),
            *("--no-install-recommends", "--yes"),
            *(f"{one.name}={one.version}" for one in wanted),
            suite=wanted[0].suite,
            timeout=DOWNLOAD_SECONDS,
        )
        files = tuple(sorted(folder.glob("*.deb")))
        if done.ok and files:
            return files
        named = f"{wanted[0].name} {wanted[0].version}"
        if re.search(r"\b404\b", done.output):
            raise GoneError(
                f"The archive lists {named} in its suite {wanted[0].suite}, but has not all of its "
                "files any longer (404).",
                where=last_lines(done.output),
                hint="Rolling suites lose old files before their lists say so: try again tomorrow, "
                "or take another version; `patchbench runtimes` lists them.",
            )
        raise UnreachableError(
            f"apt did not give {named}: it {done.how()}.",
            where=last_lines(done.output),
            hint="Check the network and the free space, then run the same again.",
        )


def _listed(output: str) -> Iterator[Binary]:
    for name, version, suite in _LINE.findall(output):
        yield Binary(name=name, version=version, suite=suite)
