"""The content-addressed store of builds.

A build is made at its final path, since its prefix is compiled into it; `build.json`, the stamp, is
written last. A folder without a stamp was left by a killed run: the holder of the build's lock
removes it. (Look, lock, look again, build, check, stamp last, clean on failure.)
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from builder.builds.facts import BuildFacts
from builder.builds.unbuilt import UnbuiltChange
from builder.errors import BusyError, StoreError
from builder.files import guard_writes, is_locked, sha256_of, write_atomically
from builder.home import Home
from builder.locks import LockOrder

STAMP = "build.json"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a build: `seconds` of wall time."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Build:
    """An installed interpreter.

    `regenerated` lists the files that the tree's own generators changed after the series was
    applied. `stages` are the stages of building, with their durations. `unbuilt` are the changed
    files from which nothing was built; None in builds from before that was recorded.
    """

    key: str
    title: str
    folder: Path
    python: Path
    facts: BuildFacts
    stages: tuple[Stage, ...]
    recipe: dict[str, Any] = field(default_factory=dict)
    regenerated: tuple[str, ...] = ()
    unbuilt: tuple[UnbuiltChange, ...] | None = None

    @property
    def prefix(self) -> Path:
        """The --prefix of configure."""
        return self.folder / "prefix"

    @property
    def logs(self) -> Path:
        """The folder of the build's logs."""
        return self.folder / "log"

    @property
    def seconds(self) -> float:
        """Wall time of all stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def is_unpatched(self) -> bool:
        """Whether it is the unchanged revision: no patches, no placebo, replica 0."""
        changes = ("series", "changed", "placebo", "replica")
        return not any(self.recipe.get(change) for change in changes)


class Store:
    """The builds under one home."""

    def __init__(self, home: Home, say: Callable[[str], None] = lambda _text: None) -> None:
        self._home = home
        self._say = say

    def folder(self, key: str) -> Path:
        """The folder of the build `key`, which need not exist."""
        return self._home.builds / key

    def find(self, key: str) -> Build | None:
        """The finished build `key`, or None. A damaged build is reported and counts as missing."""
        stamp = self.folder(key) / STAMP
        if not stamp.exists():
            return None
        try:
            return _read(stamp)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._say(f"The stored build {key} is damaged ({error}) and is not used.")
            return None

    def provide(
        self,
        key: str,
        make: Callable[[Path, int], Build],
        is_current: Callable[[Build], bool] = lambda _build: True,
    ) -> tuple[Build, bool]:
        """The build `key`, and whether it was made now, by `make(folder, lock_fd)`.

        A stored build for which `is_current` is false is replaced. `make` is called with the empty
        folder and the descriptor of the build's lock, which every process that writes to the folder
        must inherit. If it raises, the folder's logs are moved to `failures` and the rest is
        removed.
        """
        build = self.find(key)
        if build is not None and is_current(build):
            self._touch(build)
            return build, False
        with self._home.queue.hold(
            self._home.lock(f"build-{key}"),
            order=LockOrder.MADE,
            doing="makes the same build",
            say=self._say,
        ) as lock_fd:
            build = self.find(key)
            if build is not None and is_current(build):
                return build, False
            return self._make(key, make, lock_fd), True

    def _make(self, key: str, make: Callable[[Path, int], Build], lock_fd: int) -> Build:
        folder = self.folder(key)
        with guard_writes(folder):
            _remove(folder)
            folder.mkdir(parents=True)
            try:
                write_atomically(
                    folder / STAMP, json.dumps(_stamp(make(folder, lock_fd)), indent=1)
                )
            except BaseException:
                self._keep_logs(key, folder)
                _remove(folder)
                raise
        # Read back, so that a new build equals one that is read from the store later.
        return _read(folder / STAMP)

    def _keep_logs(self, key: str, folder: Path) -> None:
        target = self._home.failures / key
        with contextlib.suppress(OSError):
            _remove(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / "log").rename(target)

    def in_use(self, key: str) -> contextlib.AbstractContextManager[int]:
        """Hold the build `key`, so that it is not removed."""
        return self._home.queue.hold(
            self._home.lock(f"build-{key}"),
            order=LockOrder.MADE,
            doing="uses the same build",
            say=self._say,
            shared=True,
        )

    def _touch(self, build: Build) -> None:
        with contextlib.suppress(OSError):
            os.utime(build.folder / STAMP)

    def all(self) -> tuple[Build, ...]:
        """Every finished build, the last used first."""
        builds = [build for name in self.names() if (build := self.find(name)) is not None]
        return tuple(sorted(builds, key=lambda build: -self.last_used(build)))

    def names(self) -> tuple[str, ...]:
        """The names of all folders of the store, finished builds and others.

        Empty if the store does not exist yet. Raises StoreError if it cannot be read.
        """
        try:
            return tuple(sorted(path.name for path in self._home.builds.iterdir()))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError(
                f"The store cannot be read: {error.strerror}.",
                where=str(self._home.builds),
                hint="Name another folder with --home.",
            ) from error

    def last_used(self, build: Build) -> float:
        """The time when a run last used a build, in seconds since 1970."""
        return (build.folder / STAMP).stat().st_mtime

    def remove(self, key: str) -> bool:
        """Remove a build; False if a run holds its lock at the moment."""
        try:
            with self._home.queue.hold(
                self._home.lock(f"build-{key}"),
                order=LockOrder.MADE,
                doing="removes the same build",
                say=self._say,
                refuse=BusyError,
            ):
                folder = self.folder(key)
                # The stamp first: an interrupted removal leaves no build that looks complete.
                (folder / STAMP).unlink(missing_ok=True)
                _remove(folder)
        except BusyError:
            return False
        return True

    def leftovers(self) -> tuple[Path, ...]:
        """Folders without a valid build that no run is working on."""
        return tuple(
            self.folder(name)
            for name in self.names()
            if self.find(name) is None and not is_locked(self._home.lock(f"build-{name}"))
        )


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _stamp(build: Build) -> dict[str, Any]:
    return {
        "key": build.key,
        "title": build.title,
        "python": str(build.python.relative_to(build.folder)),
        "python_sha256": sha256_of(build.python),
        "facts": asdict(build.facts),
        "stages": [asdict(stage) for stage in build.stages],
        "recipe": build.recipe,
        "regenerated": list(build.regenerated),
        **unbuilt_json(build),
    }


def unbuilt_json(build: Build) -> dict[str, Any]:
    """The changed files from which nothing was built, as JSON; without a key if not recorded."""
    if build.unbuilt is None:
        return {}
    return {"unbuilt": [asdict(change) for change in build.unbuilt]}


def _read(stamp: Path) -> Build:
    data = json.loads(stamp.read_text(encoding="utf-8"))
    python = stamp.parent / data["python"]
    if sha256_of(python) != data["python_sha256"]:
        raise ValueError("its interpreter has changed")
    return Build(
        key=data["key"],
        title=data["title"],
        folder=stamp.parent,
        python=python,
        facts=BuildFacts.from_json(data["facts"]),
        stages=tuple(Stage(**stage) for stage in data["stages"]),
        recipe=data["recipe"],
        regenerated=tuple(data["regenerated"]),
        unbuilt=_read_unbuilt(data),
    )


def _read_unbuilt(data: dict[str, Any]) -> tuple[UnbuiltChange, ...] | None:
    changes = data.get("unbuilt")
    return None if changes is None else tuple(UnbuiltChange(**change) for change in changes)
