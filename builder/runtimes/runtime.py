"""Runtimes that patchbench does not build: identifying and finding them.

    <home>/runtimes/<name>-<version>/root       packages of a distribution, unpacked
                                     runtime.json    the stamp, written last

builder/runtimes/install.py installs them. Any other Python executable can be used too, by its path
or by its name on PATH.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.errors import BusyError, StoreError, UsageError
from builder.files import digest, sha256_of, write_atomically
from builder.home import Home
from builder.locks import LockOrder
from builder.process import Command, Runner, clean_environment, last_lines
from builder.versions import language

STAMP = "runtime.json"
# Incremented when the installation changes, so that older runtimes are installed again.
PROCEDURE = 1
_QUERY_SECONDS = 60.0
# Runs on 2.7 and 3.x. PyPy has its own version in addition to that of the language.
_QUERY = """
import json, os, platform, sys
release = getattr(sys, "pypy_version_info", None)
print(json.dumps({
    "implementation": platform.python_implementation().lower(),
    "version": ".".join(map(str, sys.version_info[:3])),
    "release": ".".join(map(str, release[:3])) if release else "",
    "executable": sys.executable,
}))
"""
# Names of interpreters that are searched on PATH.
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
    """Facts from the interpreter itself: "pypy", "3.11.11" (language version), "7.3.19" (release).

    `release` is empty if it has no version other than that of the language.
    """

    implementation: str
    version: str
    release: str = ""

    @property
    def kind(self) -> str:
        """The kind of runtime: pypy-3.11, cpython-3.13."""
        return f"{self.implementation}-{language(self.version)}"


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """An interpreter that can be an arm. Equal `identity` means the same runtime.

    `name` is the name to find it by. `folder` is None for one that patchbench did not install;
    `suite` and `packages` are what it was installed from.
    """

    name: str
    python: Path
    facts: RuntimeFacts
    identity: str
    folder: Path | None = None
    suite: str = ""
    packages: tuple[str, ...] = ()


def folder_of(home: Home) -> Path:
    """The folder of a home's runtimes."""
    return home.root / "runtimes"


def lock_of(home: Home, name: str) -> Path:
    """The lock of a runtime: shared while it runs, exclusive to install or remove it."""
    return home.lock(f"runtime-{name}")


def ask(runner: Runner, python: Path) -> RuntimeFacts:
    """The facts of an executable. Raises UsageError if it is not a working Python."""
    return _query(runner, python)[0]


def _query(runner: Runner, python: Path) -> tuple[RuntimeFacts, Path]:
    """The facts and sys.executable, since a program on PATH may be a script that starts another."""
    # Not in the current folder, whose files could stand for modules of Python's library.
    command = Command(
        argv=(str(python.absolute()), "-c", _QUERY), cwd=Path("/"), env=clean_environment()
    )
    result = runner.run(command, timeout=_QUERY_SECONDS)
    try:
        answer = json.loads(result.output.splitlines()[-1])
        facts = {name: str(answer[name]) for name in ("implementation", "version", "release")}
        return RuntimeFacts(**facts), Path(answer["executable"] or python)
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{python.name} is not a working Python: it {result.how()} when its version was read.",
            where=f"{python}\n{last_lines(result.output, 4)}".rstrip(),
            hint="Name the executable of an interpreter; `patchbench runtimes` lists some.",
        ) from error


def find(home: Home, runner: Runner, name: str) -> Runtime:
    """The runtime with a name or path; of several versions the newest.

    A name with a slash is an executable, `pypy3` or `pypy3-7.3.19` a runtime of this home, any
    other a program on PATH. Raises UsageError if there is none.
    """
    path = Path(name).expanduser()
    if os.sep in name:
        return _at(runner, path.absolute(), str(path))
    runtimes = installed(home)
    matches = [runtime for runtime in runtimes if is_named(runtime.name, name)]
    if matches:
        return matches[-1]
    program = shutil.which(name)
    if program is None:
        names = ", ".join(runtime.name for runtime in runtimes) or "none"
        raise UsageError(
            f"There is no runtime {name!r}.",
            where=f"in {folder_of(home)}: {names}; on PATH: no such program",
            hint="`patchbench runtimes --install pypy3` (or pypy2) installs one; name any other by "
            "the path of its executable.",
        )
    return _at(runner, Path(program), name)


def _at(runner: Runner, python: Path, name: str) -> Runtime:
    if not python.is_file():
        raise UsageError(
            "There is no such executable.",
            where=str(python),
            hint="`patchbench runtimes` lists those that exist.",
        )
    if not os.access(python, os.X_OK):
        raise UsageError(
            f"{python.name} is a file that is not executable.",
            where=str(python),
            hint="Name the executable of an interpreter; `patchbench runtimes` lists some.",
        )
    facts, python = _query(runner, python)
    content = {"facts": asdict(facts), "path": str(python), "sha256": sha256_of(python)}
    return Runtime(name=name, python=python, facts=facts, identity=digest(content))


def is_named(name: str, query: str) -> bool:
    """Whether a query matches: `pypy3-7.3.19` matches `pypy3-7.3.19+dfsg-2`, `pypy3-7.3.1` not."""
    rest = name.removeprefix(query)
    return rest != name and not rest[:1].isalnum() and rest[:1] != "."


def installed(home: Home) -> tuple[Runtime, ...]:
    """The completely installed runtimes of a home, older versions first."""
    stamps = folder_of(home).glob(f"*/{STAMP}")
    runtimes = [runtime for stamp in stamps if (runtime := read(stamp.parent)) is not None]
    return tuple(sorted(runtimes, key=_sort_key))


def _sort_key(runtime: Runtime) -> tuple[str, list[int], str]:
    facts = runtime.facts
    numbers = [int(part) for part in (facts.release or facts.version).split(".")]
    return facts.implementation, numbers, runtime.name


def on_path(runner: Runner) -> tuple[Runtime, ...]:
    """The interpreters on PATH under a usual name, each once."""
    runtimes: dict[Path, Runtime] = {}
    for name in _ON_PATH:
        program = shutil.which(name)
        if program is not None:
            with contextlib.suppress(UsageError):
                runtime = _at(runner, Path(program), name)
                runtimes.setdefault(runtime.python.resolve(), runtime)
    return tuple(runtimes.values())


def read(folder: Path) -> Runtime | None:
    """The runtime in a folder; None if it is incomplete, damaged or from an older procedure."""
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
    """Mark the runtime in `folder` as complete. `packages` are file names with their SHA-256."""
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
def in_use(home: Home, runtime: Runtime, say: Callable[[str], None]) -> Iterator[Runtime]:
    """Hold the shared lock of a runtime of this home, so that it is not removed."""
    if runtime.folder is None:
        yield runtime
        return
    with home.queue.hold(
        lock_of(home, runtime.name),
        order=LockOrder.MADE,
        doing="uses the same runtime",
        say=say,
        shared=True,
    ):
        with contextlib.suppress(OSError):
            os.utime(runtime.folder / STAMP)
        yield runtime


def last_used(folder: Path) -> float | None:
    """The time of a runtime's last use, seconds since 1970; None if it is incomplete."""
    return (folder / STAMP).stat().st_mtime if read(folder) is not None else None


def remove(home: Home, name: str) -> bool:
    """Remove a runtime of this home, complete or not; False if it is in use.

    Raises StoreError if there is none with that name.
    """
    names = [path.name for path in folder_of(home).glob("*") if path.is_dir()]
    if name not in names:
        raise StoreError(
            f"There is no runtime {name!r} in this home.",
            where=str(folder_of(home)),
            hint=f"It has: {', '.join(sorted(names)) or 'none'}.",
        )
    try:
        with home.queue.hold(
            lock_of(home, name),
            order=LockOrder.MADE,
            doing="removes the same runtime",
            say=lambda _text: None,
            refuse=BusyError,
        ):
            folder = folder_of(home) / name
            # The stamp first, so that an interrupted removal leaves nothing that looks complete.
            (folder / STAMP).unlink(missing_ok=True)
            shutil.rmtree(folder)
    except BusyError:
        return False
    return True
