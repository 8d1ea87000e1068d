"""Paths in patchbench's home folder: sources, builds, caches, logs and locks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import StoreError
from builder.files import user_name

if TYPE_CHECKING:  # `patchbench --help` needs no locks
    from builder.locks import Queue


@dataclass(frozen=True, kw_only=True)
class Home:
    """The folder of everything that is kept between runs.

    `host_lock` is one file for the whole host, for all users and homes: timing holds it
    exclusively, builds hold it shared. Beside it is the folder of the tickets of all locks.
    """

    root: Path
    host_lock: Path

    @property
    def sources(self) -> Path:
        """Bare repositories and the downloads that they were made from."""
        return self.root / "sources"

    @property
    def work(self) -> Path:
        """The working path at which every build is compiled."""
        return self.root / "work" / "src"

    @property
    def builds(self) -> Path:
        """The store: one folder for each recipe key."""
        return self.root / "builds"

    @property
    def envs(self) -> Path:
        """Virtual environments of the interpreters."""
        return self.root / "envs"

    @property
    def suites(self) -> Path:
        """Unpacked releases of pyperformance."""
        return self.root / "suites"

    @property
    def ccache(self) -> Path:
        """The compiler cache."""
        return self.root / "ccache"

    @property
    def configure_caches(self) -> Path:
        """configure's cache files, one for each configure script, options and host."""
        return self.root / "configure"

    @property
    def failures(self) -> Path:
        """Logs of builds that failed."""
        return self.root / "failures"

    def lock(self, name: str) -> Path:
        """The path of a lock file of this home."""
        return self.root / "locks" / name

    @property
    def queue(self) -> Queue:
        """The queues of all locks of this host, those of the home among them."""
        from builder.locks import Queue

        return Queue(folder=self.host_lock.with_name(f"{self.host_lock.name}.queue"))

    def prepare(self) -> None:
        """Create the folders. Raises StoreError if that fails or the home is not writable."""
        for folder in (self.root, self.builds, self.envs, self.root / "locks"):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"patchbench's home cannot be used: {error.strerror}.",
                    where=str(folder),
                    hint="Name another folder with --home.",
                ) from error
        for folder in (self.root, *self._folders()):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise StoreError(
                    "patchbench's home cannot be written to.",
                    where=str(folder),
                    hint="Name another folder with --home." + self._how_to_share(folder),
                )

    def _folders(self) -> list[Path]:
        """The folders that every run writes into. In a home that a group shares, one of them may be
        closed to all but the user who made it.
        """
        folders = [*self.root.glob("*/"), *self.sources.glob("*.git/objects/")]
        return sorted(path for path in folders if path.is_dir())

    def _how_to_share(self, folder: Path) -> str:
        """What the owner of a folder does so that others of the group can use this home."""
        owner = folder.stat().st_uid
        if owner == os.geteuid():
            return ""
        root = self.root
        return (
            f" To share this one in a group: {user_name(owner)} runs `chgrp -R GROUP {root} && "
            f"chmod -R g+rwX {root} && find {root} -type d -exec chmod g+s {{}} +`, and all who "
            "use it set `umask 002`."
        )
