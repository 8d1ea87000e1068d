"""Access to other repositories: listing refs, fetching little, sharing objects."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from builder.errors import StoreError
from builder.git.command import NETWORK, NO_SPACE, run
from builder.git.refs import Refs, sort_refs
from builder.git.repository import Repository

_FETCH_SECONDS = 3600.0
_REFUSALS = r"unadvertised object|not our ref|remote ref|shallow|not support"


class FetchFailure(Exception):  # noqa: N818 - callers turn it into an error of the user
    """A fetch or listing failed; `stderr` is git's output, `timed_out` whether it took too long."""

    def __init__(self, stderr: str, *, timed_out: bool = False) -> None:
        super().__init__(stderr)
        self.stderr = stderr
        self.timed_out = timed_out

    @property
    def refused(self) -> bool:
        """Whether the server answered, but refuses to send single commits, or this commit."""
        return re.search(_REFUSALS, self.stderr) is not None

    @property
    def reason(self) -> str:
        """git's error message in one line."""
        if self.timed_out:
            return "no answer in time"
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith(("fatal:", "ERROR:", "error:"))]
        line = (fatal or lines or ["git gave no reason"])[0]
        return line.removeprefix("fatal:").removeprefix("error:").strip().rstrip(".")


def list_remote(url: str, *, timeout: float) -> Refs:
    """The branches and tags of a remote, which must answer within `timeout` seconds.

    Raises FetchFailure if it cannot be reached or is not a repository.
    """
    result = run(
        ("ls-remote", "--heads", "--tags", "--", url),
        cwd=Path("/"),
        env={},
        settings=NETWORK,
        timeout=timeout,
    )
    if result.returncode != 0:
        raise FetchFailure(result.stderr, timed_out=result.timed_out)
    rows = (line.partition("\t") for line in result.stdout.decode("utf-8", "replace").splitlines())
    return sort_refs((name, commit) for commit, _, name in rows if name)


def fetch(
    repository: Repository,
    url: str,
    refspecs: Iterable[str],
    *,
    depth: int | None = None,
    commits_only: bool = False,
    keep_fds: tuple[int, ...] = (),
) -> None:
    """Fetch refspecs (`<commit or ref>:<ref>`) into a repository that the caller has locked.

    `commits_only` fetches no files and trees (a server without this filter sends everything).
    `keep_fds` are descriptors of locks, which git then holds until it ends.
    Raises FetchFailure, or StoreError if the disk is full.
    """
    options = ["--quiet", "--no-tags", "--force", "--no-prune", "--no-write-fetch-head"]
    options += ["--update-shallow", "--no-recurse-submodules", "--no-auto-maintenance"]
    if depth is not None:
        options.append(f"--depth={depth}")
    if commits_only:
        # A partial clone needs a named remote, whose configuration holds the filter.
        repository.configure("remote.origin.url", url)
        options.append("--filter=tree:0")
    result = run(
        ("fetch", *options, "--", "origin" if commits_only else url, *refspecs),
        cwd=repository.path,
        env={"GIT_DIR": str(repository.path), "GIT_NO_REPLACE_OBJECTS": "1"},
        settings=NETWORK,
        timeout=_FETCH_SECONDS,
        keep_fds=keep_fds,
    )
    if NO_SPACE in result.stderr:
        raise StoreError(
            "The disk is full: the fetched objects cannot be stored.",
            where=str(repository.path),
            hint="Free some space, or name another folder with --home.",
        )
    if result.returncode != 0:
        raise FetchFailure(result.stderr, timed_out=result.timed_out)


def add_alternate(repository: Repository, other: Repository) -> None:
    """Make all objects of `other` readable in `repository`, without copying objects or refs."""
    line = f"{other.shared_path('objects').resolve()}\n"
    listing = repository.path / "objects" / "info" / "alternates"
    old = listing.read_text() if listing.exists() else ""
    if line not in old.splitlines(keepends=True):
        _replace(listing, (old + line).encode())


def copy_shallow_file(repository: Repository, other: Repository) -> None:
    """Give `repository` the shallow boundary of `other`, whose objects it shares."""
    source, target = other.shared_path("shallow"), repository.path / "shallow"
    if source.exists():
        _replace(target, source.read_bytes())
    else:
        target.unlink(missing_ok=True)


def recover(repository: Repository) -> None:
    """Remove lock and temporary files of a killed git. The caller must exclude other writers."""
    path = repository.path
    stale = [*path.glob("*.lock"), *path.glob("refs/**/*.lock")]
    stale += [*path.glob("shallow_*"), *path.glob("fast_import_crash_*")]
    stale += path.glob("objects/pack/tmp_*")
    for file in stale:
        file.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StoreError(
            f"A file of a repository cannot be written: {error.strerror}.",
            where=str(path),
            hint="Free some space, or name another folder with --home.",
        ) from error
