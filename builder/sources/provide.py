"""Creating a source from what the user names: git, a distribution's packages, or a tarball."""

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
from builder.sources.remote_git import DEFAULT_REMOTE, RemoteGit
from builder.sources.revision import Revision, Say, Source, SourceOffer

Kind = Literal["default", "git", "debian", "archive"]
_TARBALL = re.compile(r"\.(tar(\.\w+)?|tgz|txz|tbz2?)$")


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """A source as the user names it. `location`: URL or path of a git repository or archive.

    `default` is the public repository or, if it cannot be reached, the source packages of this
    machine's distribution. `sha256` is required for an archive.
    """

    kind: Kind = "default"
    location: str = ""
    sha256: str = ""


def parse(text: str, sha256: str = "") -> SourceSpec:
    """Parse `--source TEXT`: default, debian, [git:]WHERE or [archive:]WHERE.

    Without a prefix, it is an archive if it has a SHA-256 or the suffix of a tarball. Raises
    UsageError.
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
            hint='Name a tarball: source = { location = "PATH-OR-URL", sha256 = "HASH" }.',
        )
    return spec


def provide(spec: SourceSpec, home: Home, runner: Runner, say: Say) -> Source:
    """The source of a specification. The network is not used before a revision is resolved.

    `say` receives messages about slow steps and about fallbacks. Raises SourceError.
    """
    if spec.kind == "default":
        return Default(home, runner, say)
    if spec.kind == "debian":
        return Debian(home, runner, say)
    if spec.kind == "archive":
        return TarballSource(spec.location, spec.sha256, home, say)
    # A repository on this machine is shared, also by its file:// URL: nothing is fetched.
    path = Path(spec.location.removeprefix("file://")).expanduser()
    is_address = re.match(r"([a-z][a-z0-9+.-]*://|[^/]+:)", spec.location) is not None
    if path.exists() or not is_address:
        return LocalGit(path, home, say)
    return RemoteGit(spec.location, home, say)


def available(
    home: Home, runner: Runner, say: Say, spec: SourceSpec | None = None
) -> tuple[SourceOffer, ...]:
    """The revisions that a source offers; by default the public repository's and apt's."""
    return provide(spec or SourceSpec(), home, runner, say).offers()


class Default:
    """See `Source`. The public repository or, if it cannot be reached, the machine's archive."""

    def __init__(self, home: Home, runner: Runner, say: Say) -> None:
        self._say = say
        self._has_warned = False
        self._git = RemoteGit(DEFAULT_REMOTE, home, say)
        self._debian = Debian(home, runner, say)
        # One repository then has all revisions, whichever of the two sources they are from.
        fetch.add_alternate(self._git.repository, self._debian.repository)

    @property
    def repository(self) -> Repository:
        """See `Source`."""
        return self._git.repository

    def resolve(self, name: str) -> Revision:
        """See `Source`. A release that is in the home already needs no network."""
        cached = self._git.cached(name) or self._debian.cached(name)
        if cached is not None:
            return cached
        try:
            return self._git.resolve(name)
        except UnreachableError as error:
            self._warn_once(error)
            return self._from_archive(name, error)

    def _warn_once(self, error: UnreachableError) -> None:
        if not self._has_warned:
            self._say(f"{error.what} Using release tarballs from this machine's archive instead.")
        self._has_warned = True

    def _from_archive(self, name: str, error: UnreachableError) -> Revision:
        try:
            return self._debian.resolve(name)
        except SourceError as second:
            raise SourceError(
                f"{name} is not available. {error.what} {second.what}",
                where=second.where,
                hint=second.hint,
            ) from second

    def head(self, name: str) -> Revision:
        """See `Source`."""
        return self.resolve(name)

    def candidate_base(self, name: str) -> Revision:
        """See `Source`. Only the git source has the history for it."""
        return self._git.candidate_base(name)

    def history(self, commits: Sequence[str]) -> Repository | None:
        """See `Source`. Only the git source has a history."""
        tarballs = self._debian.repository
        if any(tarballs.has_commit(commit) for commit in commits):
            return None
        return self._git.history(commits)

    def offers(self) -> tuple[SourceOffer, ...]:
        """See `Source`."""
        return (*self._git.offers(), *self._debian.offers())
