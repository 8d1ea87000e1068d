"""Where CPython comes from: git, a distribution's source packages, or a tarball."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.errors import SourceError, UnreachableError, UsageError
from builder.git import Repository, fetch
from builder.home import Home
from builder.process import Runner
from builder.sources.archive import TarballSource
from builder.sources.debian import Debian
from builder.sources.local_git import LocalGit
from builder.sources.remote_git import RemoteGit
from builder.sources.revision import Revision, Say, Source, SourceOffer

DEFAULT_REMOTE = "https://github.com/python/cpython"
Kind = Literal["default", "git", "debian", "archive"]
_TARBALL = re.compile(r"\.(tar(\.\w+)?|tgz|txz|tbz2?)$")


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """Which source is meant. `location`: URL or path of a git repository or an archive.

    `default` is the public repository, or where it cannot be reached the machine's own archive of
    source packages. `sha256` is that of an archive, which must have one.
    """

    kind: Kind = "default"
    location: str = ""
    sha256: str = ""


def parse(text: str, sha256: str = "") -> SourceSpec:
    """What a user means by `--source TEXT`: default, debian, [git:]WHERE or [archive:]WHERE.

    Without a prefix, what has a SHA-256 or a tarball's ending is an archive. Raises UsageError.
    """
    kind, _, rest = text.partition(":")
    if text in ("", "default", "debian", "git"):
        spec = SourceSpec(kind="debian" if text == "debian" else "default", sha256=sha256)
    elif kind == "git" and not rest.startswith("//"):
        spec = SourceSpec(kind="git", location=rest, sha256=sha256)
    elif kind == "archive" or sha256 or _TARBALL.search(text):
        location = rest if kind == "archive" else text
        spec = SourceSpec(kind="archive", location=location, sha256=sha256)
    else:
        spec = SourceSpec(kind="git", location=text)
    if spec.sha256 and spec.kind != "archive":
        raise UsageError(
            "A SHA-256 belongs to an archive only.",
            where=text,
            hint="Name a tarball: --source PATH-OR-URL --sha256 HASH.",
        )
    return spec


def provide(spec: SourceSpec, home: Home, runner: Runner, say: Say) -> Source:
    """The source that is meant. Network is used only once a revision is asked for.

    `say` is told what takes time and what is used instead of what. Raises SourceError.
    """
    if spec.kind == "default":
        return Default(home, runner, say)
    if spec.kind == "debian":
        return Debian(home, runner, say)
    if spec.kind == "archive":
        return TarballSource(spec.location, spec.sha256, home, say)
    # What lies on this machine is shared, whatever it is called: there is nothing to fetch.
    path = Path(spec.location.removeprefix("file://")).expanduser()
    is_address = re.match(r"([a-z][a-z0-9+.-]*://|[^/]+:)", spec.location) is not None
    if path.exists() or not is_address:
        return LocalGit(path, home, say)
    return RemoteGit(spec.location, home, say)


def available(
    home: Home, runner: Runner, say: Say, spec: SourceSpec | None = None
) -> tuple[SourceOffer, ...]:
    """What can be had from a source, by default from the public repository and from apt."""
    return provide(spec or SourceSpec(), home, runner, say).offers()


class Default:
    """The public repository; where it cannot be reached, the machine's archive. See Source."""

    def __init__(self, home: Home, runner: Runner, say: Say) -> None:
        self._say = say
        self._told = False
        self._git = RemoteGit(DEFAULT_REMOTE, home, say)
        self._debian = Debian(home, runner, say)
        # So that all that follows sees one repository, whichever of the two had the revision.
        fetch.borrow(self._git.repository, self._debian.repository)

    @property
    def repository(self) -> Repository:
        """See Source."""
        return self._git.repository

    def resolve(self, name: str) -> Revision:
        """See Source. A release that is in the home already is not asked for again."""
        found = self._git.cached(name) or self._debian.cached(name)
        if found is not None:
            return found
        try:
            return self._git.resolve(name)
        except UnreachableError as error:
            self._say_once(error)
            return self._from_archive(name, error)

    def _say_once(self, error: UnreachableError) -> None:
        if not self._told:
            self._say(f"{error.what} Taking release tarballs from this machine's archive instead.")
        self._told = True

    def _from_archive(self, name: str, error: UnreachableError) -> Revision:
        try:
            return self._debian.resolve(name)
        except SourceError as second:
            raise SourceError(
                f"{name} cannot be had. {error.what} {second.what}",
                where=second.where,
                hint=second.hint,
            ) from second

    def candidate_base(self, name: str, branch: str | None = None) -> Revision:
        """See Source. Only git has the history for it."""
        return self._git.candidate_base(name, branch)

    def history(self, commits: Sequence[str]) -> Repository | None:
        """See Source. Only git has it."""
        own = self._debian.repository
        if any(own.has_commit(commit) for commit in commits):
            return None
        return self._git.history(commits)

    def offers(self) -> tuple[SourceOffer, ...]:
        """See Source."""
        return (*self._git.offers(), *self._debian.offers())
