"""Find the script that a user names, and the interpreter to run it with."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.benchmarks import CPYTHON
from bench.context import Context
from builder.builds import Build
from builder.errors import PatchbenchError, ToolError, UsageError
from builder.process import Command, clean_environment, last_lines
from builder.runtimes import Runtime
from builder.runtimes import runtime as runtimes
from builder.versions import numbers

# For 2.7 and 3.x: asks an interpreter for what compiling modules for it requires.
_ASK = """
import json, os, sysconfig
header = os.path.join(sysconfig.get_path("include"), "Python.h")
compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
print(json.dumps({"header": header, "exists": os.path.exists(header), "compiler": compiler}))
"""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A script and its interpreter. `description` says which one it is, and why."""

    script: Path
    python: Path
    version: str
    identity: str
    description: str


def find_program(context: Context, script: str, python: str) -> Program:
    """`script` is a path or the name of a program on PATH; `python` is the value of --python.

    Raises UsageError if one of them does not exist or is no CPython, ToolError if modules cannot be
    compiled for it.
    """
    path = _script(script)
    runtime, why = _interpreter(context, path, python)
    if runtime.facts.implementation != CPYTHON:
        raise UsageError(
            f"{runtime.name} is no CPython: Cython compiles for CPython only.",
            where=str(runtime.python),
            hint="Name a CPython with --python. To try PyPy, run the program with it.",
        )
    _refuse_without_compiler(context, runtime)
    return Program(
        script=path,
        python=runtime.python,
        version=runtime.facts.version,
        identity=runtime.identity,
        description=f"Python {runtime.facts.version} ({why})",
    )


def _script(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_file():
        return path.absolute()
    on_path = shutil.which(name)
    if on_path is None:
        raise UsageError(
            "There is no such script.",
            where=str(path.absolute()),
            hint="Name the path of a Python script, or a program on PATH that is one.",
        )
    return Path(on_path)


def _interpreter(context: Context, script: Path, asked: str) -> tuple[Runtime, str]:
    """The interpreter of --python; else the script's own; else the unpatched build that was used
    last (patched ones are only for measuring); else the one that runs patchbench.
    """
    store = context.store
    if asked:
        build = store.find(asked) if asked in store.names() else None
        if build is not None:
            return _of_build(build), f"the stored build {build.key}, {build.title}"
        return runtimes.find(context.home, context.runner, asked), "named by --python"
    own = _own(context, script)
    if own is not None:
        return own, "named in the script's first line"
    last = next((build for build in store.all() if build.is_unpatched), None)
    if last is not None:
        return _of_build(last), f"the unpatched build used last, {last.key}, {last.title}"
    return runtimes.find(
        context.home, context.runner, sys.executable
    ), "the one that runs patchbench"


def _of_build(build: Build) -> Runtime:
    version = numbers(build.facts.version)
    facts = runtimes.RuntimeFacts(implementation=CPYTHON, version=version)
    return Runtime(name=build.key, python=build.python, facts=facts, identity=build.key)


def _own(context: Context, script: Path) -> Runtime | None:
    """The interpreter in the script's first line, where pip writes that of its environment."""
    try:
        with script.open("rb") as file:
            words = file.readline(1000).decode("utf-8", "replace").rstrip().split()
    except OSError as error:
        raise UsageError(
            f"The script cannot be read: {error.strerror}.", where=str(script)
        ) from error
    if not words or not words[0].startswith("#!"):
        return None
    name = words[1] if words[0].endswith("/env") and len(words) > 1 else words[0][2:]
    if "python" not in Path(name).name:
        return None
    try:
        return runtimes.find(context.home, context.runner, name)
    except PatchbenchError:
        return None  # it does not exist any more: another one is used


def _refuse_without_compiler(context: Context, runtime: Runtime) -> None:
    # Not in the current folder, whose files could stand for modules of Python's library.
    command = Command(
        argv=(str(runtime.python), "-c", _ASK), cwd=Path("/"), env=clean_environment()
    )
    completed = context.runner.run(command, timeout=60)
    try:
        answer = json.loads(completed.output.splitlines()[-1])
    except (ValueError, LookupError) as error:
        raise UsageError(
            f"The interpreter {completed.how()} when asked about its configuration.",
            where=f"{runtime.python}\n{last_lines(completed.output)}",
            hint="Name another with --python.",
        ) from error
    compiler = str(answer["compiler"])
    if shutil.which(compiler, path=clean_environment()["PATH"]) is None:
        raise ToolError(
            f"There is no C compiler {compiler}.",
            where=f"what {runtime.python} was built with",
            hint="`patchbench doctor` lists what the machine lacks and how to install it.",
        )
    if not answer["exists"]:
        raise ToolError(
            "The interpreter's headers are missing, so that no module can be compiled for it.",
            where=str(answer["header"]),
            hint="Install its development package (Debian: python3-dev), or name a stored build "
            "with --python.",
        )
