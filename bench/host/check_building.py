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
# One build without its sources; and a large cache: a store of a dozen builds, ccache, suites.
_SPACE_NEEDED = 2 * _GIB
_SPACE_ADVISED = 15 * _GIB


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
        meaning="no _uuid module: uuid uses slower fallbacks",
    ),
    Library(
        name="expat",
        package="libexpat1-dev",
        header="expat.h",
        symbol="XML_Parse",
        link=("-lexpat",),
        meaning="--with-system-expat fails; without that option CPython's own copy is used",
    ),
)


def is_library(check: DoctorCheck) -> bool:
    """Whether a check is of one of the libraries."""
    return check.name.startswith(LIBRARY)


def check_tools(runner: Runner, home: Path, cc: str = "gcc") -> tuple[DoctorCheck, ...]:
    """The checks of everything that building needs, the compiler `cc` first."""
    return (
        *_compilations(runner, home, cc),
        _program(runner, "make", "every build needs GNU make"),
        _program(runner, "git", "sources and series are in git"),
        _ccache(cc),
        _apt(runner),
        _space(home),
    )


def _compilations(runner: Runner, home: Path, cc: str) -> tuple[DoctorCheck, ...]:
    """The checks of the compiler and, if it works, of the libraries."""
    # In the home, if it exists: /tmp can be full or forbid running programs.
    folder = home if os.access(home, os.W_OK) else None
    try:
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=folder) as name:
            compiler = _compiler(runner, Path(name), cc)
            if compiler.status != "ok":
                return (compiler,)
            return (compiler, *_libraries(runner, Path(name), cc))
    except OSError as error:
        return (_no_compiler(f"{error.filename}: {error.strerror}"),)


def _run(runner: Runner, *argv: str) -> Completed:
    """Run a program; one that cannot be started fails, with the reason as its output."""
    command = Command(argv=argv, env=clean_environment())
    try:
        return runner.run(command, timeout=_TIMEOUT)
    except PatchbenchError as error:
        return Completed(returncode=127, seconds=0.0, output=error.what)


def _compiler(runner: Runner, folder: Path, cc: str) -> DoctorCheck:
    """Compile and run a program, which also checks for headers and the linker."""
    source, program = folder / "main.c", folder / "trivial"
    source.write_text('#include <stdio.h>\nint main(void) { return puts("ok") < 0; }\n')
    completed = _run(runner, cc, "-O2", "-o", str(program), str(source))
    if completed.ok:
        completed = _run(runner, str(program))
    if not completed.ok:
        return _no_compiler(f"{cc} {completed.how()}: {last_lines(completed.output, 2)}")
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
    """Check for a program that building needs; its Debian package has the same name."""
    completed = _run(runner, name, "--version")
    if completed.ok:
        return DoctorCheck(name=name, status="ok", found=_first_line(completed), meaning=meaning)
    return DoctorCheck(
        name=name, status="fail", found="not found", meaning=meaning, mend=install(name)
    )


def _first_line(completed: Completed) -> str:
    return completed.output.strip().partition("\n")[0] or "no answer"


def _libraries(runner: Runner, folder: Path, cc: str) -> tuple[DoctorCheck, ...]:
    """One compilation for all libraries; if that fails, one for each."""
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
    # The folder with compiler names of Debian's package: builds use ccache through it.
    wrapper = Path("/usr/lib/ccache") / Path(cc).name
    meaning = "a candidate that changes one C file compiles again in seconds, not minutes"
    if wrapper.exists():
        return DoctorCheck(name="ccache", status="ok", found=str(wrapper), meaning=meaning)
    return DoctorCheck(
        name="ccache",
        status="warn",
        found=f"no {wrapper}",
        meaning="without it, every candidate compiles all of CPython again",
        mend=install("ccache"),
    )


def _apt(runner: Runner) -> DoctorCheck:
    meaning = "CPython's release tarballs, if no git remote can be reached"
    completed = _run(runner, "apt-get", "indextargets", "--format", "$(RELEASE)")
    if not completed.ok:
        return DoctorCheck(
            name="apt",
            status="warn",
            found="no apt on this machine",
            meaning="there is no source if no git remote can be reached",
            mend="Name a source that can be reached: a git remote, a local clone or a tarball.",
        )
    releases = sorted(set(completed.output.split()))
    if not releases:
        return DoctorCheck(
            name="apt",
            status="warn",
            found="no package lists",
            meaning="there is no source if no git remote can be reached",
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
            meaning="nothing can be built or stored",
            mend="Choose a writable folder with --home.",
        )
    found = f"{free / _GIB:.1f} GiB free at {existing}"
    if free >= _SPACE_ADVISED:
        return DoctorCheck(name=name, status="ok", found=found, meaning=meaning)
    status: Status = "fail" if free < _SPACE_NEEDED else "warn"
    mend = "`patchbench gc` removes unused files; --home chooses another disk."
    return DoctorCheck(name=name, status=status, found=found, meaning=meaning, mend=mend)
