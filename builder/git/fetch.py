"""What git does with other repositories: asking, fetching as little as can be, sharing objects."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from builder.errors import StoreError
from builder.git.command import NETWORK, NO_SPACE, run
from builder.git.repository import Refs, Repository, sort_refs

_FETCH_SECONDS = 3600.0
_REFUSALS = r"unadvertised object|not our ref|remote ref|shallow|not support"


class FetchFailure(Exception):  # noqa: N818 - the source decides what it means
    """A remote did not give what was asked; `stderr` is what git said, `timed_out` that it hung."""

    def __init__(self, stderr: str, *, timed_out: bool = False) -> None:
        super().__init__(stderr)
        self.stderr = stderr
        self.timed_out = timed_out

    @property
    def refused(self) -> bool:
        """Whether the server answered, but does not give single commits, or not this one."""
        return re.search(_REFUSALS, self.stderr) is not None

    @property
    def reason(self) -> str:
        """git's own account in one line."""
        if self.timed_out:
            return "no answer in time"
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith(("fatal:", "ERROR:", "error:"))]
        line = (fatal or lines or ["git gave no reason"])[0]
        return line.removeprefix("fatal:").removeprefix("error:").strip().rstrip(".")


def list_remote(url: str, *, timeout: float) -> Refs:
    """What branches and tags a remote has, asked within `timeout` seconds.

    Raises FetchFailure when it cannot be reached or is no repository.
    """
    done = run(
        ("ls-remote", "--heads", "--tags", "--", url),
        cwd=Path("/"),
        env={},
        settings=NETWORK,
        timeout=timeout,
    )
    if done.returncode != 0:
        raise FetchFailure(done.stderr, timed_out=done.timed_out)
    rows = (line.partition("\t") for line in done.stdout.decode("utf-8", "replace").splitlines())
    return sort_refs((name, commit) for commit, _, name in rows if name)


def fetch(
    repository: Repository,
    url: str,
    refspecs: Iterable[str],
    *,
    depth: int | None = None,
    commits_only: bool = False,
    keep: tuple[int, ...] = (),
) -> None:
    """Fetch refspecs (`<commit or ref>:<ref>`) into a repository that the caller has locked.

    `commits_only` leaves files and trees where they are (a server that cannot do so sends all).
    `keep`: descriptors of locks, which git then holds for as long as it lives.
    Raises FetchFailure, or StoreError when there is no space.
    """
    options = ["--quiet", "--no-tags", "--force", "--no-prune", "--no-write-fetch-head"]
    options += ["--update-shallow", "--no-recurse-submodules", "--no-auto-maintenance"]
    if depth is not None:
        options.append(f"--depth={depth}")
    if commits_only:
        # A partial clone needs a remote with a name; the filter is kept there.
        repository.configure("remote.origin.url", url)
        options.append("--filter=tree:0")
    done = run(
        ("fetch", *options, "--", "origin" if commits_only else url, *refspecs),
        cwd=repository.path,
        env={"GIT_DIR": str(repository.path), "GIT_NO_REPLACE_OBJECTS": "1"},
        settings=NETWORK,
        timeout=_FETCH_SECONDS,
        keep=keep,
    )
    if NO_SPACE in done.stderr:
        raise StoreError(
            "The disk is full: what was fetched cannot be kept.",
            where=str(repository.path),
            hint="Free some space, or name another folder with --home.",
        )
    if done.returncode != 0:
        raise FetchFailure(done.stderr, timed_out=done.timed_out)


def borrow(repository: Repository, other: Repository) -> None:
    """See all objects of another repository as if they were here; none is copied, no ref is."""
    line = f"{other.shared_path('objects').resolve()}\n"
    listing = repository.path / "objects" / "info" / "alternates"
    known = listing.read_text() if listing.exists() else ""
    if line not in known.splitlines(keepends=True):
        _replace(listing, (known + line).encode())


def follow_depth(repository: Repository, other: Repository) -> None:
    """Where the history of the other one, whose objects are borrowed, is cut off, cut it here."""
    theirs, ours = other.shared_path("shallow"), repository.path / "shallow"
    if theirs.exists():
        _replace(ours, theirs.read_bytes())
    else:
        ours.unlink(missing_ok=True)


def recover(repository: Repository) -> None:
    """Remove what a killed git left behind. The caller keeps other writers out."""
    path = repository.path
    stale = [*path.glob("*.lock"), *path.glob("refs/**/*.lock")]
    stale += [*path.glob("shallow_*"), *path.glob("fast_import_crash_*")]
    stale += path.glob("objects/pack/tmp_*")
    for file in stale:
        file.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
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
