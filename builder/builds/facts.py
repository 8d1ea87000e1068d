"""What a build is, read back from the build itself: never what we meant it to be.

Configure's arguments and flags come from the interpreter's sysconfig; PGO and LTO from the options
that gcc records in the debug information of the evaluation loop's compile unit; computed gotos and
the number of indirect jumps from the machine code of the evaluation function.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from builder.builds import machine_code
from builder.errors import BuildError
from builder.process import Command, Runner, clean_environment, last_lines

# Runs on Python 2.7 and 3.x; one line of JSON.
_ASK = """
import json, os, sys, sysconfig
v = sysconfig.get_config_vars()
d = os.path.join(sysconfig.get_path("stdlib"), "lib-dynload")
names = os.listdir(d) if os.path.isdir(d) else []
print(json.dumps({
    "version": sys.version.split()[0],
    "build": " ".join(sys.version.split()),
    "stdlib": sysconfig.get_path("stdlib"),
    "config": dict((k, v.get(k)) for k in (
        "CONFIG_ARGS", "CC", "CFLAGS", "OPT", "LDFLAGS", "PY_CFLAGS", "PY_CFLAGS_NODIST",
        "PY_LDFLAGS_NODIST", "BASECFLAGS", "CONFIGURE_CFLAGS", "Py_ENABLE_SHARED", "Py_DEBUG",
        "Py_GIL_DISABLED")),
    "modules": sorted(set(n.split(".")[0] for n in names if n.endswith(".so"))),
    "builtin": sorted(sys.builtin_module_names),
}))
"""


@dataclass(frozen=True, kw_only=True)
class BuildFacts:
    """The facts of one build.

    `config` are sysconfig variables as the interpreter tells them; `options` gcc's own record of
    how the evaluation loop was compiled; `eval_bytes` the size of the evaluation function and
    `indirect_jumps` the number of its indirect jumps (computed gotos that gcc merged again show
    here: a handful instead of some hundred). `code` maps each binary to the SHA-256 of its machine
    code, `library` is one SHA-256 over the Python sources of the standard library.
    """

    version: str
    config: dict[str, str]
    options: str
    compiler: str
    pgo: bool
    lto: bool
    computed_gotos: bool
    eval_function: str
    eval_bytes: int
    indirect_jumps: int
    modules: tuple[str, ...]
    code: dict[str, str]
    library: str

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BuildFacts:
        """The facts from a stamp. Raises KeyError or TypeError when it is not one of ours."""
        known = {field.name: data[field.name] for field in fields(cls)}
        known["modules"] = tuple(known["modules"])
        return cls(**known)

    @property
    def configure_arguments(self) -> str:
        """The arguments that configure was given, as the interpreter tells them."""
        return self.config.get("CONFIG_ARGS", "")


def read(python: Path, prefix: Path, runner: Runner) -> BuildFacts:
    """The facts of the interpreter at `python`, installed under `prefix`."""
    told = _ask(python, prefix, runner)
    binaries = _binaries(python, Path(told["stdlib"]))
    loop = machine_code.evaluation_loop(
        [path for path in binaries if "lib-dynload" not in str(path)]
    )
    config = {key: str(value) for key, value in told["config"].items() if value is not None}
    return BuildFacts(
        version=told["version"],
        config={key: value.replace(str(prefix), "PREFIX") for key, value in config.items()},
        options=loop.options,
        compiler=loop.compiler or told["build"],
        pgo="-fprofile-use" in loop.options,
        lto="-flto" in loop.options,
        computed_gotos=loop.has_label_table,
        eval_function=loop.function,
        eval_bytes=loop.size,
        indirect_jumps=loop.indirect_jumps,
        modules=tuple(sorted({*told["modules"], *told["builtin"]})),
        code={str(path.relative_to(prefix)): machine_code.code_digest(path) for path in binaries},
        library=_library_digest(Path(told["stdlib"])),
    )


def asking(python: Path, prefix: Path) -> Command:
    """The command that `read` starts: the interpreter describes itself."""
    return Command(argv=(str(python), "-c", _ASK), cwd=prefix, env=clean_environment())


def _ask(python: Path, prefix: Path, runner: Runner) -> dict[str, Any]:
    done = runner.run(asking(python, prefix), timeout=60)
    try:
        if not done.ok:
            raise ValueError(done.how())
        told: dict[str, Any] = json.loads(done.output.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise BuildError(
            f"The interpreter that was built does not work: {error}.",
            where=f"{python}\n{last_lines(done.output, 5)}",
            hint="Read the logs of the build; a candidate that crashes at start-up is broken.",
        ) from error
    return told


def _binaries(python: Path, stdlib: Path) -> list[Path]:
    shared = sorted(stdlib.parent.glob("libpython*.so.*"))
    return [python.resolve(), *shared, *sorted((stdlib / "lib-dynload").glob("*.so"))]


def _library_digest(stdlib: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(stdlib.rglob("*.py")):
        # Written by the build itself, with the prefix in it.
        if path.name.startswith("_sysconfigdata") or "config-" in str(path.relative_to(stdlib)):
            continue
        total.update(str(path.relative_to(stdlib)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One fact in which two builds differ; `asked` when the recipes say that it should."""

    fact: str
    base: str
    candidate: str
    asked: bool


# Files of a tree that say how it is configured and compiled: a patch to them asks for differences.
_BUILD_FILES = ("configure", "Makefile.pre.in", "setup.py", "Modules/Setup", "pyconfig.h.in")


def differences(
    base: BuildFacts, candidate: BuildFacts, *, flavors_differ: bool, changed: tuple[str, ...]
) -> tuple[Difference, ...]:
    """In what two builds differ, apart from their machine code and standard library."""
    patched = any(path.startswith(_BUILD_FILES) for path in changed)
    asked = flavors_differ or patched
    pairs = {
        f"sysconfig {name}": (base.config.get(name, ""), candidate.config.get(name, ""))
        for name in sorted({*base.config, *candidate.config})
    }
    pairs["compiler"] = (base.compiler, candidate.compiler)
    pairs["options of the evaluation loop"] = (base.options, candidate.options)
    pairs["PGO in effect"] = (str(base.pgo), str(candidate.pgo))
    pairs["LTO in effect"] = (str(base.lto), str(candidate.lto))
    pairs["modules only in this one"] = (
        " ".join(sorted(set(base.modules) - set(candidate.modules))),
        " ".join(sorted(set(candidate.modules) - set(base.modules))),
    )
    found = [
        Difference(fact=fact, base=one, candidate=other, asked=asked)
        for fact, (one, other) in pairs.items()
        if one != other
    ]
    found.extend(_loop_differences(base, candidate))
    return tuple(found)


def _loop_differences(base: BuildFacts, candidate: BuildFacts) -> list[Difference]:
    """The shape of the loop: whatever a patch or flavor does to it is asked for, and shown."""
    pairs = {
        "computed gotos in effect": (base.computed_gotos, candidate.computed_gotos),
        "indirect jumps in the evaluation function": (
            base.indirect_jumps,
            candidate.indirect_jumps,
        ),
        "bytes of the evaluation function": (base.eval_bytes, candidate.eval_bytes),
    }
    return [
        Difference(fact=fact, base=str(one), candidate=str(other), asked=True)
        for fact, (one, other) in pairs.items()
        if one != other
    ]


def same_machine_code(base: BuildFacts, candidate: BuildFacts) -> bool:
    """Whether every binary of both has the same instructions."""
    return base.code == candidate.code
