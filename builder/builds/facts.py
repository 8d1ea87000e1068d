"""Facts about a build, read from the installed build and not from its recipe.

configure's arguments, flags and paths come from the interpreter's sysconfig; PGO and LTO from what
the compiler left in the binary; the dispatch and the number of indirect jumps from the machine code
of the evaluation function, or of all its functions. What these do not tell is unknown (None), with
the reason, and never "off".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from builder.builds import machine_code
from builder.builds.machine_code import Dispatch, dispatch_of, in_effect
from builder.errors import BuildError
from builder.process import Command, Runner, clean_environment, last_lines

# Runs on Python 2.7 and 3.x; one line of JSON.
_QUERY = """
import json, os, sys, sysconfig
v = sysconfig.get_config_vars()
d = v.get("DESTSHARED") or os.path.join(sysconfig.get_path("stdlib"), "lib-dynload")
names = os.listdir(d) if os.path.isdir(d) else []
print(json.dumps({
    "version": sys.version.split()[0],
    "build": " ".join(sys.version.split()),
    "stdlib": sysconfig.get_path("stdlib"),
    "dynload": d,
    "libdir": v.get("LIBDIR") or "",
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

    `config` are sysconfig variables of the interpreter; `options` is the compiler's record of the
    options of the evaluation loop. `dispatch` is a kind of `machine_code.Dispatch`; `eval_bytes` is
    the size of the evaluation function and `indirect_jumps` the number of its indirect jumps (of
    tail calls: of all its functions), `handlers` the number of its labels or functions. `reasons`
    has, by "dispatch", "pgo" and "lto", why these are unknown. `stdlib` is the folder of the
    standard library below the prefix. `code` maps each binary to the SHA-256 of its machine code,
    `library` is the SHA-256 over the Python sources of the standard library.

    Those with a default are missing in older builds.
    """

    version: str
    config: dict[str, str]
    options: str
    compiler: str
    pgo: bool | None
    lto: bool | None
    computed_gotos: bool | None
    eval_function: str
    eval_bytes: int
    indirect_jumps: int
    modules: tuple[str, ...]
    code: dict[str, str]
    library: str
    dispatch: str = ""
    handlers: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    stdlib: str = ""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BuildFacts:
        """The facts in a stamp. Raises KeyError or TypeError if it does not have this form."""
        values = {
            one.name: data[one.name]
            for one in fields(cls)
            if one.name in data or (one.default is MISSING and one.default_factory is MISSING)
        }
        values["modules"] = tuple(values["modules"])
        return cls(**values)

    @property
    def configure_arguments(self) -> str:
        """The arguments that were passed to configure, according to the interpreter."""
        return self.config.get("CONFIG_ARGS", "")


def read(python: Path, prefix: Path, runner: Runner) -> BuildFacts:
    """The facts of the interpreter at `python`, installed under `prefix`."""
    answers = _query(python, prefix, runner)
    stdlib = Path(answers["stdlib"])
    extensions = Path(answers["dynload"])
    program = _programs(python, Path(answers["libdir"] or stdlib.parent))
    loop = machine_code.evaluation_loop(program)
    config = {key: str(value) for key, value in answers["config"].items() if value is not None}
    return BuildFacts(
        version=answers["version"],
        config={key: value.replace(str(prefix), "PREFIX") for key, value in config.items()},
        options=loop.options,
        compiler=loop.compiler or answers["build"],
        pgo=loop.pgo,
        lto=loop.lto,
        computed_gotos=loop.computed_gotos,
        eval_function=loop.function,
        eval_bytes=loop.size,
        indirect_jumps=loop.indirect_jumps,
        modules=tuple(sorted({*answers["modules"], *answers["builtin"]})),
        code={
            _below(path, prefix): machine_code.code_digest(path)
            for path in (*program, *sorted(extensions.glob("*.so")))
        },
        library=_library_digest(stdlib),
        dispatch=loop.dispatch.value,
        handlers=loop.handlers,
        reasons=loop.reasons,
        stdlib=_below(stdlib, prefix),
    )


def library_folder(python: Path, prefix: Path, facts: BuildFacts, runner: Runner) -> Path:
    """The folder of the standard library, as the interpreter named it when it was built.

    Older facts have it in the paths of the extension modules; without any, it is asked again.
    """
    if facts.stdlib:
        return prefix / facts.stdlib
    for name in facts.code:
        folder, separator, _ = name.rpartition(_EXTENSIONS)
        if separator:
            return prefix / folder
    return Path(_query(python, prefix, runner)["stdlib"])


_EXTENSIONS = "/lib-dynload/"


def _below(path: Path, prefix: Path) -> str:
    return path.resolve().relative_to(prefix.resolve()).as_posix()


def query_command(python: Path, prefix: Path) -> Command:
    """The command that `read` starts: the interpreter prints facts about itself."""
    return Command(argv=(str(python), "-c", _QUERY), cwd=prefix, env=clean_environment())


def _query(python: Path, prefix: Path, runner: Runner) -> dict[str, Any]:
    result = runner.run(query_command(python, prefix), timeout=60)
    try:
        if not result.ok:
            raise ValueError(result.how())
        answers: dict[str, Any] = json.loads(result.output.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise BuildError(
            f"The interpreter that was built does not work: {error}.",
            where=f"{python}\n{last_lines(result.output, 5)}",
            hint="Read the logs of the build; a candidate that crashes at start-up is broken.",
        ) from error
    return answers


def _programs(python: Path, libraries: Path) -> list[Path]:
    """The interpreter and its shared library, without extension modules."""
    return [python.resolve(), *sorted(libraries.glob("libpython*.so.*"))]


def _library_digest(stdlib: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(stdlib.rglob("*.py")):
        # Generated by the build, and contains the prefix.
        if path.name.startswith("_sysconfigdata") or "config-" in str(path.relative_to(stdlib)):
            continue
        total.update(str(path.relative_to(stdlib)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One fact in which two builds differ; `asked`: the recipes account for the difference."""

    fact: str
    base: str
    candidate: str
    asked: bool


# Files of a tree that control configuring and compiling: a patch to them accounts for differences.
_BUILD_FILES = ("configure", "Makefile.pre.in", "setup.py", "Modules/Setup", "pyconfig.h.in")


def differences(
    base: BuildFacts, candidate: BuildFacts, *, flavors_differ: bool, changed: tuple[str, ...]
) -> tuple[Difference, ...]:
    """The differences of two builds, apart from their machine code and standard library."""
    patched = any(path.startswith(_BUILD_FILES) for path in changed)
    asked = flavors_differ or patched
    pairs = {
        f"sysconfig {name}": (base.config.get(name, ""), candidate.config.get(name, ""))
        for name in sorted({*base.config, *candidate.config})
    }
    pairs["compiler"] = (base.compiler, candidate.compiler)
    pairs["options of the evaluation loop"] = (base.options, candidate.options)
    for name in ("pgo", "lto"):
        pairs[f"{name.upper()} in effect"] = (
            _known(in_effect(base, name)),
            _known(in_effect(candidate, name)),
        )
    pairs["modules only in this one"] = (
        " ".join(sorted(set(base.modules) - set(candidate.modules))),
        " ".join(sorted(set(candidate.modules) - set(base.modules))),
    )
    rows = [
        Difference(fact=fact, base=base_value, candidate=candidate_value, asked=asked)
        for fact, (base_value, candidate_value) in pairs.items()
        if base_value != candidate_value
    ]
    rows.extend(_loop_differences(base, candidate))
    return tuple(rows)


def _loop_differences(base: BuildFacts, candidate: BuildFacts) -> list[Difference]:
    """Differences in the shape of the loop, which any patch or flavor may cause: never an error."""
    kinds = dispatch_of(base), dispatch_of(candidate)
    pairs = {
        "computed gotos in effect": tuple(_known(_has_gotos(kind)) for kind in kinds),
        # Of these kinds the other lines say everything, as in older results.
        "dispatch of the evaluation loop": kinds if set(kinds) - _BY_GOTOS else ("", ""),
        "indirect jumps in the evaluation function": (
            str(base.indirect_jumps),
            str(candidate.indirect_jumps),
        ),
        "bytes of the evaluation function": (str(base.eval_bytes), str(candidate.eval_bytes)),
    }
    return [
        Difference(fact=fact, base=base_value, candidate=candidate_value, asked=True)
        for fact, (base_value, candidate_value) in pairs.items()
        if base_value != candidate_value
    ]


_BY_GOTOS = {Dispatch.SWITCH, Dispatch.GOTOS, Dispatch.MERGED}


def _has_gotos(kind: Dispatch) -> bool | None:
    return None if kind is Dispatch.UNKNOWN else kind in (Dispatch.GOTOS, Dispatch.MERGED)


def _known(value: bool | None) -> str:
    return "unknown" if value is None else str(value)


def code_bytes(facts: BuildFacts, prefix: Path) -> int | None:
    """The size of the interpreter's machine code without extension modules; None if not known."""
    names = [name for name in facts.code if "lib-dynload" not in name]
    try:
        return sum(machine_code.code_size(prefix / name) for name in names) or None
    except OSError:
        return None  # the build was removed meanwhile


def same_machine_code(base: BuildFacts, candidate: BuildFacts) -> bool:
    """Whether both builds have the same binaries with the same machine code."""
    return base.code == candidate.code
