"""The programs beside the compiler that determine a build: LLVM's tools, the linker, BOLT.

clang's profiles and archives are read by tools of clang's own version alone, and configure takes
whatever has the unversioned name. So the tools are chosen here, named to configure, and part of the
recipe. A program that is missing is an error before anything is built.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from builder.errors import ToolError
from builder.files import sha256_of
from builder.process import Command, Runner, clean_environment
from builder.toolchain.variables import is_program

LINKER = "linker"
STENCILS = "JIT stencils"
_MAJOR = re.compile(r"\bversion (\d+)")
_CLANG = re.compile(r"\bclang version (\d+)")
_LINKER_LINE = re.compile(r"^.*(?:\bLLD\b|GNU ld|GNU gold|\bmold\b).*$", re.MULTILINE)
_FUSE = re.compile(r"-fuse-ld=(\S+)")
# LLVM's version is a number of Tools/jit/_llvm.py, from 3.14 on the default of a variable.
_STENCIL_VERSION = re.compile(r"^_LLVM_VERSION\b[^\n]*?[=\"'( ](\d+)", re.MULTILINE)
_PACKAGES = {"llvm-bolt": "bolt", "merge-fdata": "bolt", "clang": "clang", "ld.lld": "lld"}


@dataclass(frozen=True, kw_only=True)
class ToolIdentity:
    """A program beside the compiler that determines a build.

    `role` is the variable of configure that names it, or what it does (LINKER, STENCILS).
    `version` is the line of --version that has the version.
    """

    role: str
    path: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ToolRequest:
    """What a flavor asks of its tools. `compiler` is its path, `version` its line of --version.

    `flags` are all flags of compiler and linker. `stencils`: the version of LLVM that the tree's
    JIT needs; "" where no stencils are made. `variables` are those of configure.
    """

    compiler: str
    version: str
    flags: str = ""
    pgo: bool = False
    lto: bool = False
    bolt: bool = False
    stencils: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def jit_version(text: str, environment: Mapping[str, str]) -> str:
    """The version of LLVM that makes stencils, from Tools/jit/_llvm.py; "" where it is not known.

    A build's variable LLVM_VERSION counts where the file reads it.
    """
    if "LLVM_VERSION" in environment and re.search(r"getenv|environ", text):
        return environment["LLVM_VERSION"]
    match = _STENCIL_VERSION.search(text)
    return match.group(1) if match else ""


def choose(
    request: ToolRequest, runner: Runner, *, path: str = clean_environment()["PATH"]
) -> tuple[ToolIdentity, ...]:
    """The tools of a build, found on `path`. Raises ToolError for one that is missing."""
    return tuple(_Chooser(request, runner, path).tools())


class _Chooser:
    def __init__(self, request: ToolRequest, runner: Runner, path: str) -> None:
        self._request = request
        self._runner = runner
        self._path = path
        match = _CLANG.search(request.version)
        self._major = match.group(1) if match else ""

    def tools(self) -> Iterator[ToolIdentity]:
        request = self._request
        chosen = {}
        if self._major and request.pgo:
            chosen["LLVM_PROFDATA"] = "llvm-profdata"
        if self._major and request.lto:
            chosen["LLVM_AR"] = "llvm-ar"
        for role, tool in chosen.items():
            if role not in request.variables:
                yield self._identity(role, self._of_compiler(tool))
        for role, program in request.variables.items():
            if is_program(role):
                yield self._identity(role, self._named(role, program))
        if request.bolt:
            yield from self._bolt()
        yield from self._linker()
        if request.stencils:
            for tool in ("clang", "llvm-readobj"):
                yield self._identity(f"{STENCILS}: {tool}", self._of_stencils(tool))

    # -- finding ---------------------------------------------------------------------------------

    def _which(self, name: str) -> str | None:
        return shutil.which(name, path=self._path)

    def _of_compiler(self, tool: str) -> str:
        """The tool of the compiler's own version: by its name, or from the compiler's folder."""
        beside = Path(self._request.compiler).resolve().parent / tool
        program = self._which(f"{tool}-{self._major}") or self._which(str(beside))
        if program is not None:
            return program
        return self._unversioned(tool, self._major) or self._missing(
            tool,
            self._major,
            f"{self._request.compiler} is of LLVM {self._major}, and needs its own {tool}.",
            "or name it with flavor.variables",
        )

    def _of_stencils(self, tool: str) -> str:
        """In the order of Tools/jit/_llvm.py."""
        version = self._request.stencils
        program = self._unversioned(tool, version) or self._which(f"{tool}-{version}")
        return program or self._missing(
            tool,
            version,
            f"The JIT of this revision needs {tool} of LLVM {version} to be built.",
            "or take a revision whose JIT needs another LLVM; --enable-experimental-jit=interpreter"
            " needs none",
        )

    def _unversioned(self, tool: str, major: str) -> str | None:
        program = self._which(tool)
        return program if program and self._major_of(program) == major else None

    def _major_of(self, program: str) -> str:
        match = _MAJOR.search(self._version(program))
        return match.group(1) if match else ""

    def _version(self, program: str) -> str:
        """What a program says of its version: older llvm-profdata say it of a command alone."""
        text = self._output(program, "--version")
        if _MAJOR.search(text) or "llvm-profdata" not in Path(program).name:
            return text
        return self._output(program, "merge", "--version")

    def _bolt(self) -> Iterator[ToolIdentity]:
        """BOLT reads the binaries of every compiler: of clang's version if there is one."""
        variables = self._request.variables
        tools = {"LLVM_BOLT": "llvm-bolt", "MERGE_FDATA": "merge-fdata"}
        tools = {role: tool for role, tool in tools.items() if role not in variables}
        suffixes = [f"-{self._major}"] if self._major else []
        for suffix in (*suffixes, "", *self._suffixes("llvm-bolt")):
            programs = {role: self._which(f"{tool}{suffix}") for role, tool in tools.items()}
            if all(programs.values()):
                for role, program in programs.items():
                    yield self._identity(role, str(program))
                return
        tool = next(iter(tools.values()), "llvm-bolt")
        self._missing(
            tool,
            self._major or "19",
            f"BOLT was requested, and {' and '.join(tools.values())} are not here in one version.",
            "or leave bolt out",
        )

    def _suffixes(self, tool: str) -> list[str]:
        """The versions of a tool on the path, the newest first: -19, -16."""
        numbers = {
            int(match.group(1))
            for folder in self._path.split(":")
            if Path(folder).is_dir()
            for program in Path(folder).iterdir()
            if (match := re.fullmatch(rf"{tool}-(\d+)", program.name))
        }
        return [f"-{number}" for number in sorted(numbers, reverse=True)]

    def _named(self, role: str, program: str) -> str:
        path = self._which(program)
        if path is None:
            tool = re.sub(r"-\d+$", "", Path(program).name)
            version = program.rpartition("-")[2] if re.search(r"-\d+$", program) else ""
            self._missing(tool, version, f"{role} names a program that is not here: {program}.", "")
        return path

    # -- identities ------------------------------------------------------------------------------

    def _linker(self) -> Iterator[ToolIdentity]:
        """The linker where it matters: it is named, or works on LLVM's code or for BOLT."""
        request = self._request
        names = _FUSE.findall(request.flags)
        if not names and not (self._major and request.lto) and not request.bolt:
            return
        option = [f"-fuse-ld={names[-1]}"] if names else []
        output = self._output(request.compiler, *option, "-Wl,--version")
        line = _LINKER_LINE.search(output)
        if line is None:
            name = names[-1] if names else "ld"
            self._missing(
                f"ld.{name}" if names else "ld",
                self._major if name == "lld" else "",
                f"{request.compiler} finds no linker {name} that works.",
                "or leave -fuse-ld out",
            )
        asked = f"-print-prog-name=ld.{names[-1]}" if names else "-print-prog-name=ld"
        place = self._output(request.compiler, asked).strip().splitlines()[-1:]
        path = self._which(place[0]) if place else None
        yield ToolIdentity(
            role=LINKER,
            path=path or "",
            version=line.group(0).strip(),
            sha256=sha256_of(Path(path).resolve()) if path else "",
        )

    def _identity(self, role: str, program: str) -> ToolIdentity:
        lines = self._version(program).strip().splitlines()
        version = next((line for line in lines if _MAJOR.search(line)), lines[0] if lines else "")
        return ToolIdentity(
            role=role,
            path=program,
            version=version.strip(),
            sha256=sha256_of(Path(program).resolve()),
        )

    def _output(self, *argv: str) -> str:
        command = Command(argv=argv, env=clean_environment())
        return self._runner.run(command, timeout=20).output

    def _missing(self, tool: str, version: str, what: str, instead: str) -> NoReturn:
        package = _PACKAGES.get(tool, "llvm" if tool.startswith("llvm-") else tool)
        package += f"-{version}" if version else ""
        other = self._which(tool)
        there = f"; {other} is of LLVM {self._major_of(other) or 'unknown'}" if other else ""
        raise ToolError(
            what,
            where=f"PATH={self._path}{there}",
            hint=f"Install it (`apt-get install {package}`){', ' + instead if instead else ''}.",
        )
