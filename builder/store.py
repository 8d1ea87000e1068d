"""The content-addressed store of builds, and the layout of patchbench's home.

A build lives at its final place from the start, since its prefix is compiled into it; `build.json`
is written last and is the stamp. A folder without a stamp is what a killed run left: whoever holds
the build's lock removes it. (Look, lock, look again, build, check, stamp last, clean on failure.)
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from builder import lock
from builder.errors import StoreError
from builder.facts import Facts

STAMP = "build.json"
# What programs print when a disk is full.
NO_SPACE = "No space left on device"


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where everything that outlives a run is kept.

    `host_lock` is one file for the whole host, whoever runs and whatever their home: timing holds
    it alone, builds share it.
    """

    root: Path
    host_lock: Path

    @property
    def sources(self) -> Path:
        """Bare repositories and what they were made from."""
        return self.root / "sources"

    @property
    def work(self) -> Path:
        """The one working path at which every build is compiled."""
        return self.root / "work" / "src"

    @property
    def builds(self) -> Path:
        """The store: a folder per recipe key."""
        return self.root / "builds"

    @property
    def envs(self) -> Path:
        """The interpreters' environments."""
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
        """Answers of configure, one file per configure script, options and host."""
        return self.root / "configure"

    @property
    def failures(self) -> Path:
        """Logs of builds that failed."""
        return self.root / "failures"

    def lock(self, name: str) -> Path:
        """The path of a lock file of this home."""
        return self.root / "locks" / name

    def prepare(self) -> None:
        """Make the folders. Raises StoreError where that cannot be."""
        for folder in (self.root, self.builds, self.envs, self.root / "locks"):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"patchbench's home cannot be used: {error.strerror}.",
                    where=str(folder),
                    hint="Name another folder with --home.",
                ) from error
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise StoreError(
                "patchbench's home cannot be written to.",
                where=str(self.root),
                hint="Name another folder with --home.",
            )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a build: `seconds` of wall time."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Build:
    """An installed interpreter.

    `regenerated` lists the files that the tree's own generators changed after the series was
    applied. `stages` is what building it cost.
    """

    key: str
    title: str
    folder: Path
    python: Path
    facts: Facts
    stages: tuple[Stage, ...]
    recipe: dict[str, Any] = field(default_factory=dict)
    regenerated: tuple[str, ...] = ()

    @property
    def prefix(self) -> Path:
        """What was given to configure as --prefix."""
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
        """Whether it is its revision as it is: no patches, no placebo, replica 0."""
        changes = ("series", "changed", "placebo", "replica")
        return not any(self.recipe.get(change) for change in changes)


class Store:
    """The builds under one home."""

    def __init__(self, home: Home, say: Callable[[str], None] = lambda _text: None) -> None:
        self._home = home
        self._say = say

    def folder(self, key: str) -> Path:
        """Where the build of `key` is or will be."""
        return self._home.builds / key

    def find(self, key: str) -> Build | None:
        """The finished build of `key`, or None. A damaged one is told of and counts as missing."""
        stamp = self.folder(key) / STAMP
        if not stamp.exists():
            return None
        try:
            return _read(stamp)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._say(f"The stored build {key} is damaged ({error}) and not used.")
            return None

    def provide(self, key: str, make: Callable[[Path, int], Build]) -> tuple[Build, bool]:
        """The build of `key`, made by `make(folder, lock)` if it is not there; True when made now.

        `make` gets the empty folder and the descriptor of the build's lock, which every process
        that writes to the folder must inherit. If it raises, the folder's logs are kept under
        `failures` and the rest is removed.
        """
        found = self.find(key)
        if found is not None:
            self._touch(found)
            return found, False
        with lock.hold(self._home.lock(f"build-{key}"), on_wait=self._waiting) as held:
            found = self.find(key)
            if found is not None:
                return found, False
            return self._make(key, make, held), True

    def _make(self, key: str, make: Callable[[Path, int], Build], held: int) -> Build:
        folder = self.folder(key)
        with guard_writes(folder):
            _remove(folder)
            folder.mkdir(parents=True)
            try:
                write_atomically(folder / STAMP, json.dumps(_stamp(make(folder, held)), indent=1))
            except BaseException:
                self._keep_logs(key, folder)
                _remove(folder)
                raise
        # Read back, so that a build is the same whether it was made now or found.
        return _read(folder / STAMP)

    def _keep_logs(self, key: str, folder: Path) -> None:
        kept = self._home.failures / key
        with contextlib.suppress(OSError):
            _remove(kept)
            kept.parent.mkdir(parents=True, exist_ok=True)
            (folder / "log").rename(kept)

    def _waiting(self, _path: str) -> None:
        self._say("Another run is making the same build; waiting for it.")

    def _touch(self, build: Build) -> None:
        with contextlib.suppress(OSError):
            os.utime(build.folder / STAMP)

    def all(self) -> tuple[Build, ...]:
        """Every finished build, the last used first."""
        found = [build for name in self.names() if (build := self.find(name)) is not None]
        return tuple(sorted(found, key=lambda build: -self.last_used(build)))

    def names(self) -> tuple[str, ...]:
        """The names of all folders of the store, finished builds and others.

        Raises StoreError when it cannot be read; a store that is not there yet has none.
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
        """When a run last asked for it, seconds since 1970."""
        return (build.folder / STAMP).stat().st_mtime

    def remove(self, key: str) -> bool:
        """Remove a build; False if a run holds its lock just now."""
        path = self._home.lock(f"build-{key}")
        if lock.is_held(path):
            return False
        with lock.hold(path):
            folder = self.folder(key)
            # The stamp first: a removal that is killed leaves no build that looks whole.
            (folder / STAMP).unlink(missing_ok=True)
            _remove(folder)
        return True

    def leftovers(self) -> tuple[Path, ...]:
        """Folders that are no builds, or damaged ones, and that no run is working on."""
        return tuple(
            self.folder(name)
            for name in self.names()
            if self.find(name) is None and not lock.is_held(self._home.lock(f"build-{name}"))
        )


def size_of(folder: Path) -> int:
    """Bytes on disk below `folder`."""
    total = 0
    for root, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(root) / name).st_blocks * 512
    return total


def age_in_days(seconds: float) -> float:
    """Days since a time in seconds since 1970."""
    return (time.time() - seconds) / 86400


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or none of it, whatever happens meanwhile.

    The caller keeps other writers of the same file out.
    """
    # Always of one name: what a killed run left is written over, and not left for ever.
    half = path.with_name(f".{path.name}.half")
    try:
        with half.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def guard_writes(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a StoreError that names the folder."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot write: {error.strerror or error}.",
            where=str(error.filename or folder),
            hint="Free some space (`patchbench gc`), mend the permissions, or choose another "
            "folder (--home, or --out for results).",
        ) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    }


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
        facts=Facts.from_json(data["facts"]),
        stages=tuple(Stage(**stage) for stage in data["stages"]),
        recipe=data["recipe"],
        regenerated=tuple(data["regenerated"]),
    )
