"""Other runtimes than CPython as it is built here: what they are, and where one is found.

    <home>/runtimes/<name>-<version>/root       packages of a distribution, unpacked
                                     runtime.json    the stamp, written last

How one comes there is in builder/runtimes/install.py. Any other Python executable serves as well,
by its path or by its name on PATH.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.errors import StoreError, UsageError
from builder.files import digest, hold_lock, is_locked, sha256_of, write_atomically
from builder.home import Home
from builder.process import Command, Runner, clean_environment, last_lines

STAMP = "runtime.json"
# Raised when a runtime is put together in another way, so that older ones are made again.
PROCEDURE = 1
_ASK_SECONDS = 60.0
# For 2.7 and 3.x. PyPy's own version beside that of the language.
_ASK = """
import json, os, platform, sys
release = getattr(sys, "pypy_version_info", None)
print(json.dumps({
    "implementation": platform.python_implementation().lower(),
    "version": ".".join(map(str, sys.version_info[:3])),
    "release": ".".join(map(str, release[:3])) if release else "",
    "executable": sys.executable,
}))
"""
# What is looked for on PATH, to be listed.
_ON_PATH = (
    "python3",
    "python2",
    "python2.7",
    *(f"python3.{minor}" for minor in range(4, 20)),
    "pypy",
    "pypy3",
    "graalpy",
)


@dataclass(frozen=True, kw_only=True)
class RuntimeFacts:
    """What an interpreter says of itself: "pypy", the language's "3.11.11", its own "7.3.19".

    `release` is empty where it has no version but the language's.
    """

    implementation: str
    version: str
    release: str = ""

    @property
    def kind(self) -> str:
        """The kind of runtime: pypy-3.11, cpython-3.13."""
        return f"{self.implementation}-{'.'.join(self.version.split('.')[:2])}"


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """An interpreter that can be an arm. `identity` says what it is: the same, the same runtime.

    `name` is the one to ask for it by. `folder` is empty for one that patchbench did not provide;
    `suite` and `packages` say what it was made from.
    """

    name: str
    python: Path
    facts: RuntimeFacts
    identity: str
    folder: Path | None = None
    suite: str = ""
    packages: tuple[str, ...] = ()


def folder_of(home: Home) -> Path:
    """Where a home's runtimes are."""
    return home.root / "runtimes"


def lock_of(home: Home, name: str) -> Path:
    """The lock of a runtime: shared by those who run it, exclusive for who makes or removes it."""
    return home.lock(f"runtime-{name}")


def ask(runner: Runner, python: Path) -> RuntimeFacts:
    """What an executable says of itself. UsageError when it is no Python that runs."""
    return _asked(runner, python)[0]


def _asked(runner: Runner, python: Path) -> tuple[RuntimeFacts, Path]:
    """What it says, and where it says that it is: on PATH may be a script that chooses one."""
    command = Command(argv=(str(python), "-c", _ASK), env=clean_environment())
    done = runner.run(command, timeout=_ASK_SECONDS)
    try:
        said = json.loads(done.output.splitlines()[-1])
        told = {name: str(said[name]) for name in ("implementation", "version", "release")}
        return RuntimeFacts(**told), Path(said["executable"] or python)
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{python.name} is no Python that runs: it {done.how()} when asked about itself.",
            where=f"{python}\n{last_lines(done.output, 4)}".rstrip(),
            hint="Name the executable of an interpreter; `patchbench runtimes` lists some.",
        ) from error


def find(home: Home, runner: Runner, name: str) -> Runtime:
    """The runtime of a name or path; of several versions the newest.

    `pypy3`, `pypy3-7.3.19`: one that this home has; anything with a slash: an executable; else a
    program on PATH. Raises UsageError when there is none.
    """
    path = Path(name).expanduser()
    if os.sep in name:
        return _at(runner, path.absolute(), str(path))
    there = [one for one in installed(home) if is_named(one.name, name)]
    if there:
        return there[-1]
    program = shutil.which(name)
    if program is None:
        known = ", ".join(one.name for one in installed(home)) or "none"
        raise UsageError(
            f"There is no runtime {name!r}.",
            where=f"in {folder_of(home)}: {known}; on PATH: no such program",
            hint=f"`patchbench runtimes --install {name}` provides pypy3 and pypy2; for any other, "
            "name the path of its executable.",
        )
    return _at(runner, Path(program), name)


def _at(runner: Runner, python: Path, name: str) -> Runtime:
    if not python.is_file():
        raise UsageError(
            "There is no such executable.",
            where=str(python),
            hint="`patchbench runtimes` lists those that are there.",
        )
    if not os.access(python, os.X_OK):
        raise UsageError(
            f"{python.name} is a file that is not executable.",
            where=str(python),
            hint="Name the executable of an interpreter; `patchbench runtimes` lists some.",
        )
    facts, python = _asked(runner, python)
    content = {"facts": asdict(facts), "path": str(python), "sha256": sha256_of(python)}
    return Runtime(name=name, python=python, facts=facts, identity=digest(content))


def is_named(name: str, asked: str) -> bool:
    """Whether `pypy3-7.3.19+dfsg-2` is meant by `pypy3` or `pypy3-7.3.19`; not by `pypy3-7.3.1`."""
    rest = name.removeprefix(asked)
    return rest != name and not rest[:1].isalnum() and rest[:1] != "."


def installed(home: Home) -> tuple[Runtime, ...]:
    """The whole runtimes of a home, older versions first."""
    stamps = folder_of(home).glob(f"*/{STAMP}")
    found = [one for stamp in stamps if (one := read(stamp.parent)) is not None]
    return tuple(sorted(found, key=lambda one: (one.facts.implementation, _order(one))))


def _order(one: Runtime) -> tuple[list[int], str]:
    numbers = one.facts.release or one.facts.version
    return [int(part) for part in numbers.split(".")], one.name


def on_path(runner: Runner) -> tuple[Runtime, ...]:
    """The interpreters that are on PATH under a usual name, each once."""
    found: dict[Path, Runtime] = {}
    for name in _ON_PATH:
        program = shutil.which(name)
        if program is not None:
            with contextlib.suppress(UsageError):
                one = _at(runner, Path(program), name)
                found.setdefault(one.python.resolve(), one)
    return tuple(found.values())


def read(folder: Path) -> Runtime | None:
    """The whole runtime in a folder; None where there is none, or none that serves any more."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        python = folder / stamp["python"]
        if stamp["procedure"] != PROCEDURE or sha256_of(python) != stamp["python_sha256"]:
            return None
        return Runtime(
            name=folder.name,
            python=python,
            facts=RuntimeFacts(**stamp["facts"]),
            identity=digest([PROCEDURE, stamp["packages"]]),
            folder=folder,
            suite=stamp["suite"],
            packages=tuple(name for name, _hash in stamp["packages"]),
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write_stamp(
    folder: Path, *, python: Path, facts: RuntimeFacts, suite: str, packages: list[tuple[str, str]]
) -> None:
    """Say that the runtime in `folder` is whole. `packages` are names of files and their hashes."""
    stamp: dict[str, Any] = {
        "procedure": PROCEDURE,
        "python": str(python.relative_to(folder)),
        "python_sha256": sha256_of(python),
        "facts": asdict(facts),
        "suite": suite,
        "packages": packages,
    }
    write_atomically(folder / STAMP, json.dumps(stamp, indent=1))


@contextlib.contextmanager
def in_use(home: Home, runtime: Runtime) -> Iterator[Runtime]:
    """Keep a runtime of this home from being removed meanwhile."""
    if runtime.folder is None:
        yield runtime
        return
    with hold_lock(lock_of(home, runtime.name), shared=True):
        with contextlib.suppress(OSError):
            os.utime(runtime.folder / STAMP)
        yield runtime


def last_used(folder: Path) -> float | None:
    """When a runtime was last asked for, seconds since 1970; None for one that is not whole."""
    return (folder / STAMP).stat().st_mtime if read(folder) is not None else None


def remove(home: Home, name: str) -> bool:
    """Remove a runtime of this home, whole or not; False if somebody runs it just now.

    Raises StoreError when there is none of that name.
    """
    names = [path.name for path in folder_of(home).glob("*") if path.is_dir()]
    if name not in names:
        raise StoreError(
            f"There is no runtime {name!r} in this home.",
            where=str(folder_of(home)),
            hint=f"It has: {', '.join(sorted(names)) or 'none'}.",
        )
    path = lock_of(home, name)
    if is_locked(path):
        return False
    with hold_lock(path):
        folder = folder_of(home) / name
        # The stamp first: a removal that is killed leaves nothing that looks whole.
        (folder / STAMP).unlink(missing_ok=True)
        shutil.rmtree(folder)
    return True
