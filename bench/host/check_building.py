"""The doctor's checks of what building needs: programs, headers, sources and space."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.host.checks import DoctorCheck, Status, as_root, install
from builder.errors import PatchbenchError
from builder.process import Command, Completed, Runner, clean_environment, last_lines

LIBRARY = "library "
_TIMEOUT = 60.0
_GIB = 1024**3
# One build without its sources, and a comfortable cache: a store of a dozen builds, ccache, suites.
_SPACE_NEEDED = 2 * _GIB
_SPACE_WANTED = 15 * _GIB


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library of CPython's extension modules: `symbol` must be declared and linked."""

    name: str
    package: str
    header: str
    symbol: str
    link: tuple[str, ...]
    meaning: str
    needed: bool = False

    def source(self) -> str:
        """A translation unit that needs the header and the library."""
        return (
            f"#include <stdio.h>\n#include <{self.header}>\n"
            f"const void *probe_{self.name}(void) {{ return (const void *)&{self.symbol}; }}\n"
        )


LIBRARIES = (
    Library(
        name="zlib",
        package="zlib1g-dev",
        header="zlib.h",
        symbol="inflate",
        link=("-lz",),
        meaning="no zlib module: a build cannot unpack wheels, so no benchmark can be installed",
        needed=True,
    ),
    Library(
        name="ssl",
        package="libssl-dev",
        header="openssl/ssl.h",
        symbol="SSL_new",
        link=("-lssl", "-lcrypto"),
        meaning="no ssl module: a build's pip cannot reach a package index",
        needed=True,
    ),
    Library(
        name="ffi",
        package="libffi-dev",
        header="ffi.h",
        symbol="ffi_call",
        link=("-lffi",),
        meaning="no ctypes module",
    ),
    Library(
        name="sqlite3",
        package="libsqlite3-dev",
        header="sqlite3.h",
        symbol="sqlite3_open",
        link=("-lsqlite3",),
        meaning="no sqlite3 module: the benchmark sqlite_synth is missing",
    ),
    Library(
        name="bz2",
        package="libbz2-dev",
        header="bzlib.h",
        symbol="BZ2_bzCompress",
        link=("-lbz2",),
        meaning="no bz2 module",
    ),
    Library(
        name="lzma",
        package="liblzma-dev",
        header="lzma.h",
        symbol="lzma_code",
        link=("-llzma",),
        meaning="no lzma module",
    ),
    Library(
        name="readline",
        package="libreadline-dev",
        header="readline/readline.h",
        symbol="readline",
        link=("-lreadline",),
        meaning="no readline module",
    ),
    Library(
        name="ncurses",
        package="libncurses-dev",
        header="curses.h",
        symbol="initscr",
        link=("-lncursesw",),
        meaning="no curses module",
    ),
    Library(
        name="gdbm",
        package="libgdbm-dev",
        header="gdbm.h",
        symbol="gdbm_open",
        link=("-lgdbm",),
        meaning="no gdbm module",
    ),
    Library(
        name="uuid",
        package="uuid-dev",
        header="uuid/uuid.h",
        symbol="uuid_generate_time_safe",
        link=("-luuid",),
        meaning="no _uuid module: uuid falls back to slower ways",
    ),
    Library(
        name="expat",
        package="libexpat1-dev",
        header="expat.h",
        symbol="XML_Parse",
        link=("-lexpat",),
        meaning="the configure option --with-system-expat fails; CPython's own copy is used else",
    ),
)


def is_library(check: DoctorCheck) -> bool:
    """Whether a check is of one of the libraries."""
    return check.name.startswith(LIBRARY)


def check_tools(runner: Runner, home: Path, cc: str = "gcc") -> tuple[DoctorCheck, ...]:
    """Everything that building needs, the compiler `cc` first."""
    return (
        *_compilations(runner, home, cc),
        _program(runner, "make", "every build needs GNU make"),
        _program(runner, "git", "sources and series live in git"),
        _ccache(cc),
        _apt(runner),
        _space(home),
    )


def _compilations(runner: Runner, home: Path, cc: str) -> tuple[DoctorCheck, ...]:
    """The compiler, and if it works the libraries."""
    # Where builds happen, if it is there: /tmp can be full or forbid running programs.
    place = home if os.access(home, os.W_OK) else None
    try:
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=place) as name:
            compiler = _compiler(runner, Path(name), cc)
            if compiler.status != "ok":
                return (compiler,)
            return (compiler, *_libraries(runner, Path(name), cc))
    except OSError as error:
        return (_no_compiler(f"{error.filename}: {error.strerror}"),)


def _run(runner: Runner, *argv: str) -> Completed:
    """Run a program; one that cannot be started counts as failed with the reason as its output."""
    command = Command(argv=argv, env=clean_environment())
    try:
        return runner.run(command, timeout=_TIMEOUT)
    except PatchbenchError as error:
        return Completed(returncode=127, seconds=0.0, output=error.what)


def _compiler(runner: Runner, folder: Path, cc: str) -> DoctorCheck:
    """Compile a program and run it: a compiler without headers or linker is none."""
    source, program = folder / "main.c", folder / "trivial"
    source.write_text('#include <stdio.h>\nint main(void) { return puts("ok") < 0; }\n')
    done = _run(runner, cc, "-O2", "-o", str(program), str(source))
    if done.ok:
        done = _run(runner, str(program))
    if not done.ok:
        return _no_compiler(f"{cc} {done.how()}: {last_lines(done.output, 2)}")
    version = _first_line(_run(runner, cc, "--version"))
    meaning = "builds of different compilers are never compared"
    return DoctorCheck(name="compiler", status="ok", found=version, meaning=meaning)


def _no_compiler(found: str) -> DoctorCheck:
    return DoctorCheck(
        name="compiler",
        status="fail",
        found=found,
        meaning="no CPython can be built",
        mend=install("build-essential"),
    )


def _program(runner: Runner, name: str, meaning: str) -> DoctorCheck:
    """A program that building needs, and that Debian has in a package of its name."""
    done = _run(runner, name, "--version")
    if done.ok:
        return DoctorCheck(name=name, status="ok", found=_first_line(done), meaning=meaning)
    return DoctorCheck(
        name=name, status="fail", found="not found", meaning=meaning, mend=install(name)
    )


def _first_line(done: Completed) -> str:
    return done.output.strip().partition("\n")[0] or "no answer"


def _libraries(runner: Runner, folder: Path, cc: str) -> tuple[DoctorCheck, ...]:
    """One compilation for all libraries; one for each only when that fails."""
    for library in LIBRARIES:
        (folder / f"{library.name}.c").write_text(library.source())
    if _links(runner, folder, cc, LIBRARIES):
        return tuple(_library(library, found=True) for library in LIBRARIES)
    return tuple(
        _library(library, found=_links(runner, folder, cc, (library,))) for library in LIBRARIES
    )


def _links(runner: Runner, folder: Path, cc: str, libraries: Sequence[Library]) -> bool:
    sources = [str(folder / f"{library.name}.c") for library in libraries]
    link = [option for library in libraries for option in library.link]
    main, program = str(folder / "main.c"), str(folder / "linked")
    return _run(runner, cc, "-O0", "-o", program, main, *sources, *link).ok


def _library(library: Library, *, found: bool) -> DoctorCheck:
    name = LIBRARY + library.name
    if found:
        meaning = "without it: " + library.meaning
        return DoctorCheck(name=name, status="ok", found=library.header, meaning=meaning)
    return DoctorCheck(
        name=name,
        status="fail" if library.needed else "warn",
        found=f"{library.header} or {library.link[0]} missing",
        meaning=library.meaning,
        mend=install(library.package),
    )


def _ccache(cc: str) -> DoctorCheck:
    # The folder of compiler names that Debian's package makes: builds use ccache through it.
    stand_in = Path("/usr/lib/ccache") / Path(cc).name
    meaning = "a candidate that changes one C file compiles again in seconds, not minutes"
    if stand_in.exists():
        return DoctorCheck(name="ccache", status="ok", found=str(stand_in), meaning=meaning)
    return DoctorCheck(
        name="ccache",
        status="warn",
        found=f"no {stand_in}",
        meaning="without it, every candidate compiles all of CPython again",
        mend=install("ccache"),
    )


def _apt(runner: Runner) -> DoctorCheck:
    meaning = "CPython's release tarballs, where no git remote can be reached"
    done = _run(runner, "apt-get", "indextargets", "--format", "$(RELEASE)")
    if not done.ok:
        return DoctorCheck(
            name="apt",
            status="warn",
            found="no apt on this machine",
            meaning="no source is left where no git remote can be reached",
            mend="Name a source that can be reached: a git remote, a local clone or a tarball.",
        )
    releases = sorted(set(done.output.split()))
    if not releases:
        return DoctorCheck(
            name="apt",
            status="warn",
            found="no package lists",
            meaning="no source is left where no git remote can be reached",
            mend=as_root("apt-get update"),
        )
    return DoctorCheck(name="apt", status="ok", found=", ".join(releases), meaning=meaning)


def _space(home: Path) -> DoctorCheck:
    name, meaning = "disk", "a build takes 0.3 to 1 GB, the working tree and the caches several"
    existing = home
    try:
        existing = next(folder for folder in (home, *home.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return DoctorCheck(
            name=name,
            status="fail",
            found=f"{existing}: {error.strerror}",
            meaning="nothing can be built or kept",
            mend="Choose a folder that you may write to with --home.",
        )
    found = f"{free / _GIB:.1f} GiB free at {existing}"
    if free >= _SPACE_WANTED:
        return DoctorCheck(name=name, status="ok", found=found, meaning=meaning)
    status: Status = "fail" if free < _SPACE_NEEDED else "warn"
    mend = "`patchbench gc` frees what is not used; --home chooses another disk."
    return DoctorCheck(name=name, status=status, found=found, meaning=meaning, mend=mend)
