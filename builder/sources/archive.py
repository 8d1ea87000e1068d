"""A source that is one tarball, given by path or URL."""

from __future__ import annotations

import contextlib
import http.client
import re
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from builder.errors import SourceError, StoreError, UnreachableError
from builder.git import Repository, fetch, scratch
from builder.home import Home
from builder.sources import tarball
from builder.sources.names import NamedCommit, unknown
from builder.sources.remote_git import public
from builder.sources.revision import (
    Revision,
    Say,
    SourceOffer,
    lock_source,
    no_history,
    revision_of,
)
from builder.versions import is_hash

_SECONDS = 30.0
_CHUNK = 1 << 20
# Ten times the size of the largest tarball of CPython so far.
_MAX_BYTES = 400 * 1024 * 1024


class TarballSource:
    """See `Source`. The tarball has one revision; it is imported when that is first resolved.

    `location` is a path, or a URL with http, https or file.
    """

    def __init__(self, location: str, sha256: str, home: Home, say: Say) -> None:
        self._location = location
        self._sha256 = _checked_sha256(location, sha256)
        self._home = home
        self._say = say
        self._name = f"archive-{self._sha256[:16]}"
        self._label = f"archive {_file_name(location)}, SHA-256 {self._sha256}"
        self._repository = Repository.init(home.sources / f"{self._name}.git")

    @property
    def repository(self) -> Repository:
        """See `Source`."""
        return self._repository

    def resolve(self, name: str) -> Revision:
        """See `Source`. Accepts its version, its language version or its hash."""
        revision = revision_of(self._repository, self._label, name, self._named())
        is_version = name.removeprefix("v") in (revision.version, revision.branch)
        if not is_version and not (is_hash(name) and revision.commit.startswith(name.lower())):
            raise unknown(name, self._label, [revision.version])
        return revision

    def head(self, name: str) -> Revision:
        """See `Source`. What is released does not move."""
        return self.resolve(name)

    def candidate_base(self, name: str) -> Revision:
        """Raises SourceError: a tarball has no history."""
        raise no_history(name, self._label)

    def history(self, commits: Sequence[str]) -> Repository | None:  # noqa: ARG002
        """See `Source`. A tarball has no history."""
        return None

    def offers(self) -> tuple[SourceOffer, ...]:
        """See `Source`. Imports the tarball to read its release."""
        cached = tarball.imported(self._repository, self._sha256) is not None
        revision = revision_of(self._repository, self._label, self._name, self._named())
        offer = SourceOffer(
            kind="archive",
            where=_file_name(self._location),
            version=revision.version,
            revision=revision.version,
            cached=cached,
        )
        return (offer,)

    def _named(self) -> NamedCommit:
        return NamedCommit(commit=self._commit())

    def _commit(self) -> str:
        commit = tarball.imported(self._repository, self._sha256)
        if commit is not None:
            return commit
        path = self._home.lock(f"source-{self._name}")
        with lock_source(self._home, path, self._say):
            commit = tarball.imported(self._repository, self._sha256)
            if commit is not None:
                return commit
            fetch.recover(self._repository)
            with self._file() as file:
                self._say(f"Importing {_file_name(self._location)}.")
                return tarball.import_tarball(self._repository, file, self._sha256)

    @contextlib.contextmanager
    def _file(self) -> Iterator[Path]:
        if not _is_url(self._location):
            yield Path(self._location)
            return
        self._say(f"Downloading {public(self._location)}.")
        with scratch(self._home.sources, ".download-") as folder:
            path = folder / "tarball"
            with path.open("wb") as file:
                _download(self._location, file)
            yield path


def _checked_sha256(location: str, sha256: str) -> str:
    digest = sha256.strip().lower()
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return digest
    what = "is not one (64 hexadecimal digits)" if digest else "is missing"
    hint = (
        "Give the SHA-256 that was published with the tarball, in an experiment file: "
        'source = { location = "PATH-OR-URL", sha256 = "HASH" }.'
    )
    if not digest and not _is_url(location) and Path(location).is_file():
        with Path(location).open("rb") as file:
            hint += f" The file there now has {tarball.sha256_of(file)}."
    raise SourceError(f"The SHA-256 of an archive {what}.", where=public(location), hint=hint)


def _is_url(location: str) -> bool:
    return re.match(r"(https?|file)://", location) is not None


def _file_name(location: str) -> str:
    return location.partition("?")[0].rstrip("/").rpartition("/")[2]


def _download(url: str, file: BinaryIO) -> None:
    """Raises UnreachableError, or StoreError if the disk is full. The caller checks the hash."""
    address = public(url)
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as response:
            while chunk := response.read(_CHUNK):
                _keep(file, chunk, address)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            reason = f"the server answers {error.code}"
            error.close()
        raise UnreachableError(
            f"The tarball cannot be downloaded ({reason}).",
            where=address,
            hint="Check the address and the network, or download it yourself and give its path.",
        ) from error


def _keep(file: BinaryIO, chunk: bytes, address: str) -> None:
    if file.tell() > _MAX_BYTES:
        raise SourceError("The download is far too large for a tarball of CPython.", where=address)
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise StoreError(
            f"The download cannot be stored: {error.strerror}.",
            where=str(file.name),
            hint="Free some space, or name another folder with --home.",
        ) from error
