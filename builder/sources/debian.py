"""A source of release tarballs: the source packages of Debian and Ubuntu."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from builder.errors import SourceError, StoreError, UnreachableError
from builder.git import Repository, fetch, scratch
from builder.home import Home
from builder.packages import Apt, GoneError, Package
from builder.process import Runner
from builder.sources import tarball
from builder.sources.names import NamedCommit, choose, unknown
from builder.sources.revision import (
    Revision,
    Say,
    SourceOffer,
    lock_source,
    no_history,
    revision_of,
)
from builder.versions import is_branch_version, is_hash, is_release, newest, version_key

REPOSITORY = "releases"
_KIND = "debian"
_DAY = 24 * 3600.0
_SCHEMA = 1
_LISTING = "packages.json"
_DOWNLOADS = "download-"


@dataclass(frozen=True, kw_only=True)
class _Listing:
    """The packages in the archive's lists. `gone` are hashes of files that it no longer has."""

    packages: tuple[Package, ...]
    gone: frozenset[str] = frozenset()


class Debian:
    """See `Source`. Releases that were imported before need neither apt nor network."""

    def __init__(self, home: Home, runner: Runner, say: Say) -> None:
        self._home = home
        self._say = say
        self._root = home.root / "apt"
        self._apt = Apt(self._root, runner)
        self._repository = Repository.init(home.sources / f"{REPOSITORY}.git")

    @property
    def repository(self) -> Repository:
        """See `Source`."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See `Source`. 3.13 is the newest 3.13 that the archive lists and still has."""
        return self.cached(name) or self._revision(name, self._obtain(name))

    def cached(self, name: str) -> Revision | None:
        """A release (or commit hash) that was imported before; needs no network."""
        if is_release(name):
            chosen = choose(name, self._repository.refs(), _KIND)
            commit = chosen.commit if chosen else None
        else:
            commit = self._repository.find(name) if is_hash(name) and len(name) >= 7 else None
        return self._revision(name, commit) if commit else None

    def head(self, name: str) -> Revision:
        """See `Source`. What is released does not move."""
        return self.resolve(name)

    def candidate_base(self, name: str) -> Revision:
        """Raises SourceError: release tarballs have no history."""
        raise no_history(name, _KIND)

    def history(self, commits: Sequence[str]) -> Repository | None:  # noqa: ARG002
        """See `Source`. Tarballs have no history."""
        return None

    def offers(self) -> tuple[SourceOffer, ...]:
        """See `Source`. The releases in the archive's lists, and those imported before."""
        problems: tuple[SourceOffer, ...] = ()
        listing = _Listing(packages=())
        try:
            with self._locked():
                listing = self._listing()
        except SourceError as error:
            problems = (SourceOffer(kind=_KIND, where="source packages", note=error.what),)
        imported = {tag.removeprefix("v") for tag in self._repository.refs().tags}
        packages = listing.packages
        where = dict.fromkeys(imported, "imported before")
        where |= {package.release: f"{package.name}/{package.suite}" for package in packages}
        available = {package.release for package in _available(listing, packages)}
        offers = (
            SourceOffer(
                kind=_KIND,
                where=where[release],
                version=release,
                revision=release,
                cached=release in imported,
                note=""
                if release in imported | available
                else "the archive no longer has the file",
            )
            for release in sorted(where, key=version_key)
        )
        return (*problems, *offers)

    def _revision(self, name: str, commit: str) -> Revision:
        origin = f"the newest release of {name} here" if is_branch_version(name) else ""
        chosen = NamedCommit(commit=commit, origin=origin)
        revision = revision_of(self._repository, _KIND, name, chosen)
        is_named = is_release(name) or is_branch_version(name)
        return replace(revision, ref=f"refs/tags/v{revision.version}") if is_named else revision

    def _obtain(self, name: str) -> str:
        with self._locked():
            imported = self._repository.refs().tags
            try:
                listing = self._listing()
            except UnreachableError as error:
                tags = newest(name, imported) if is_branch_version(name) else []
                if not tags:
                    raise
                self._say(f"{error.what} Using the newest {name} imported before: {tags[0]}.")
                return imported[tags[0]]
            releases = {package.release for package in listing.packages}
            if is_branch_version(name):
                return self._newest(newest(name, releases), listing, name)
            packages = _of_release(listing, name.removeprefix("v"))
            if not packages:
                others = (tag.removeprefix("v") for tag in imported)
                available = {package.release for package in _available(listing, listing.packages)}
                raise unknown(name, "the archive's source packages", [*available, *others])
            return self._exactly(packages, listing)

    def _exactly(self, packages: Sequence[Package], listing: _Listing) -> str:
        """The commit of a release that was named; whether it is gone is written down."""
        hashes = {package.sha256 for package in packages}
        try:
            commit = self._import_first(packages)
        except GoneError:
            self._store(replace(listing, gone=listing.gone | hashes))
            raise
        if listing.gone & hashes:
            self._store(replace(listing, gone=listing.gone - hashes))
        return commit

    def _newest(self, releases: list[str], listing: _Listing, name: str) -> str:
        """The commit of the newest of `releases` whose file the archive still has."""
        releases_listed = (package.release for package in listing.packages)
        problem: SourceError = unknown(name, "the archive's source packages", releases_listed)
        for release in releases:
            tag = choose(release, self._repository.refs(), _KIND)
            if tag is not None:
                return tag.commit
            packages = _of_release(listing, release)
            available = _available(listing, packages)
            try:
                if available:
                    return self._import_first(available)
            except GoneError as error:
                problem = error
                self._say(f"{error.what} Trying the release before it.")
                gone = listing.gone | {package.sha256 for package in packages}
                listing = replace(listing, gone=gone)
                self._store(listing)
        raise problem

    def _import_first(self, packages: Sequence[Package]) -> str:
        """The commit of the first package that can be downloaded; all are of one release."""
        for package in packages[:-1]:
            with contextlib.suppress(GoneError):
                return self._import(package)
        return self._import(packages[-1])

    def _import(self, package: Package) -> str:
        commit = tarball.imported(self._repository, package.sha256)
        if commit is None:
            with scratch(self._root, _DOWNLOADS) as folder:
                size = f"{package.size / 1e6:.0f} MB"
                self._say(f"Downloading CPython {package.release} from {package.suite} ({size}).")
                file = self._apt.download(package, folder)
                self._say(f"Importing CPython {package.release}.")
                commit = tarball.import_tarball(self._repository, file, package.sha256)
        self._repository.set_ref(f"refs/tags/v{package.release}", commit)
        return commit

    def _listing(self) -> _Listing:
        """The archive's lists, fetched once a day; the old ones if fetching fails."""
        file = self._root / _LISTING
        old = _read(file)
        if old is not None and 0 <= time.time() - file.stat().st_mtime < _DAY:
            return old
        self._say("Fetching the archive's lists of source packages (about 55 MB, once a day).")
        try:
            # What is gone is known by the hash of the file, which a newer list still names.
            fresh = _Listing(packages=self._apt.update(), gone=old.gone if old else frozenset())
        except UnreachableError as error:
            if old is None:
                raise
            self._say(f"{error.what} Using the lists fetched before.")
            return old
        self._store(fresh)
        return fresh

    def _store(self, listing: _Listing) -> None:
        packages = [asdict(package) for package in listing.packages]
        content = {"schema": _SCHEMA, "packages": packages, "gone": sorted(listing.gone)}
        partial = self._root / f"{_LISTING}.partial"
        try:
            partial.write_text(json.dumps(content, indent=1))
            partial.replace(self._root / _LISTING)
        except OSError as error:
            raise StoreError(
                f"The archive's lists cannot be stored: {error.strerror}.",
                where=str(partial),
                hint="Free some space, or name another folder with --home.",
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with lock_source(self._home, self._home.lock("source-debian"), self._say):
            fetch.recover(self._repository)
            for folder in self._root.glob(f"{_DOWNLOADS}*"):
                shutil.rmtree(folder, ignore_errors=True)
            yield


def _of_release(listing: _Listing, release: str) -> list[Package]:
    return [package for package in listing.packages if package.release == release]


def _available(listing: _Listing, packages: Sequence[Package]) -> list[Package]:
    """The packages whose file the archive is not known to have lost."""
    return [package for package in packages if package.sha256 not in listing.gone]


def _read(file: Path) -> _Listing | None:
    """The stored lists; None if there are none or another version wrote them."""
    try:
        content = json.loads(file.read_text())
        if content["schema"] != _SCHEMA:
            return None
        packages = tuple(Package(**package) for package in content["packages"])
        return _Listing(packages=packages, gone=frozenset(content["gone"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
