"""The generators of a CPython tree whose output is committed, from 2.7 to main.

A patch to the input of a generator has no effect until the generator runs. For each generator this
module knows its inputs, its outputs, and either the Makefile's target that runs it here, or the
command that the author of the patch has to run, because it needs the network, another program or a
finished build. Which targets a tree has is read from its own Makefile, and so are generators that
the table does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from builder.errors import PatchError
from builder.generators.makefile import Makefile

Read = Callable[[str], bytes | None]
"""Reads a path of a tree: its content, or None without such a file."""


@dataclass(frozen=True, kw_only=True)
class Generator:
    """One generator: what it reads, what it writes, and how it is run.

    `inputs` matches paths. `outputs` are patterns of the committed files. `target` is the
    Makefile's; older Makefiles have rules for the outputs instead. Where there is neither,
    `command` is what the author has to run; without a command the outputs of such a tree are
    maintained by hand. `committed`: only if one of the outputs is in the tree.
    """

    inputs: re.Pattern[str]
    outputs: tuple[str, ...]
    target: str = ""
    command: str = ""
    committed: bool = False

    def writes(self, path: str) -> bool:
        """Whether `path` is one of the outputs."""
        return any(fnmatchcase(path, pattern) for pattern in self.outputs)


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What a patch requires: `targets` for make, in order, of these `generators`.

    `inputs` are the changed paths for which they run. `doubts` are inputs with the reason why
    nobody knows whether the generated file would change.
    """

    targets: tuple[str, ...] = ()
    generators: tuple[Generator, ...] = ()
    inputs: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()


def _generator(
    *inputs: str,
    outputs: Sequence[str],
    target: str = "",
    command: str = "",
    committed: bool = False,
) -> Generator:
    return Generator(
        inputs=re.compile("|".join(f"(?:{path})$" for path in inputs)),
        outputs=tuple(outputs),
        target=target,
        command=command,
        committed=committed,
    )


# The scripts of generators moved from one folder to the other in 3.12.
_SCRIPTS = "Tools/(?:scripts|build)/"
# The C files of pgen, which generated the parser up to 3.7.
_PGEN = (
    r"Parser/(?:acceler|bitset|firstsets|grammar1?|listnode|metagrammar|node|parser|parsetok_pgen|"
    r"pgen|pgenmain|printgrammar|tokenizer)\.c"
)
# What determines bytecode, and so the frozen importlib, which is bytecode.
_BYTECODE = (
    r"Lib/opcode\.py",
    r"Include/opcode\.h",
    r"Python/(?:ast|ast_opt|compile|future|marshal|peephole|symtable)\.c",
)

# In the order in which they must run.
_OPCODE = (
    _generator(
        r"Lib/opcode\.py",
        _SCRIPTS + r"generate_opcode_h\.py",
        target="regen-opcode",
        outputs=["Include/opcode.h", "Include/internal/pycore_opcode.h"],
    ),
    _generator(
        r"Python/(?:optimizer_)?bytecodes\.c",
        r"Tools/cases_generator/.*\.(?:py|toml)",
        target="regen-cases",
        outputs=[
            "Python/*_cases.c.h",
            "Python/opcode_*.h",
            "Include/opcode_ids.h",
            "Include/internal/pycore_opcode_metadata.h",
            "Include/internal/pycore_uop_*.h",
            "Lib/_opcode_metadata.py",
        ],
    ),
    _generator(
        r"Lib/opcode\.py",
        r"Include/opcode\.h",
        r"Python/makeopcodetargets\.py",
        target="regen-opcode-targets",
        outputs=["Python/opcode_targets.h"],
    ),
)
_GRAMMAR = (
    _generator(
        r"Grammar/Tokens",
        _SCRIPTS + r"generate_token\.py",
        target="regen-token",
        outputs=[
            "Include/token.h",
            "Include/internal/pycore_token.h",
            "Parser/token.c",
            "Lib/token.py",
            "Doc/library/token-list.inc",
        ],
    ),
    _generator(
        r"Grammar/Grammar",
        r"Grammar/Tokens",
        r"Parser/pgen/.*",
        _PGEN,
        target="regen-grammar",
        outputs=["Include/graminit.h", "Python/graminit.c"],
    ),
    _generator(
        r"Tools/peg_generator/pegen/metagrammar\.gram",
        target="regen-pegen-metaparser",
        outputs=["Tools/peg_generator/pegen/grammar_parser.py"],
    ),
    _generator(
        r"Grammar/python\.gram",
        r"Grammar/Tokens",
        r"Tools/peg_generator/.*",
        target="regen-pegen",
        outputs=["Parser/parser.c", "Parser/pegen/parse.c"],
    ),
    _generator(
        r"Grammar/(?:python\.gram|Tokens|Grammar)",
        r"Tools/peg_generator/.*",
        r"Parser/pgen/.*",
        target="regen-keyword",
        outputs=["Lib/keyword.py"],
    ),
    _generator(
        r"Grammar/(?:Tokens|Grammar)",
        r"Include/graminit\.h",
        r"Parser/pgen/.*",
        r"Tools/scripts/generate_symbol_py\.py",
        target="regen-symbol",
        outputs=["Lib/symbol.py"],
    ),
    _generator(
        r"Parser/Python\.asdl",
        r"Parser/(?:asdl|asdl_c|spark)\.py",
        target="regen-ast",
        outputs=[
            "Python/Python-ast.c",
            "Include/Python-ast.h",
            "Include/internal/pycore_ast.h",
            "Include/internal/pycore_ast_state.h",
        ],
    ),
)
_TABLES = (
    _generator(
        r"Lib/re/_constants\.py",
        r"Lib/sre_constants\.py",
        _SCRIPTS + r"generate_sre_constants\.py",
        target="regen-sre",
        outputs=["Modules/sre_constants.h", "Modules/_sre/sre_*.h"],
        command="python Lib/sre_constants.py",
    ),
    _generator(
        r"Objects/typeslots\.py",
        r"Include/typeslots\.h",
        target="regen-typeslots",
        outputs=["Objects/typeslots.inc"],
    ),
)
CLINIC = _generator(
    r"Tools/clinic/.*\.py",
    r"Modules/_blake2/blake2(?:b_impl\.c|b2s\.py)",
    target="clinic",
    outputs=["*clinic/*.h", "Modules/_blake2/blake2s_impl.c"],
)
GLOBAL_OBJECTS = _generator(
    _SCRIPTS + r"generate_global_objects\.py",
    target="regen-global-objects",
    outputs=[
        "Include/internal/pycore_global_strings.h",
        "Include/internal/pycore_*_generated.h",
    ],
)
_IMPORTLIB = _generator(
    r"Lib/importlib/_bootstrap(?:_external)?\.py",
    r"Lib/zipimport\.py",
    r"(?:Programs|Modules)/_freeze_importlib\.c",
    *_BYTECODE,
    target="regen-importlib",
    outputs=["Python/importlib.h", "Python/importlib_external.h", "Python/importlib_zipimport.h"],
    committed=True,
)
GENERATORS = (*_OPCODE, *_GRAMMAR, *_TABLES, CLINIC, GLOBAL_OBJECTS, _IMPORTLIB)
"""Those that run here if the tree's Makefile has a target or a rule for them."""

# They need the network, another program, or the finished interpreter.
BY_HAND = (
    _generator(
        r"Tools/unicode/(?:makeunicodedata|dawg)\.py",
        outputs=[
            "Modules/unicodedata_db.h",
            "Modules/unicodename_db.h",
            "Objects/unicodetype_db.h",
        ],
        command="python Tools/unicode/makeunicodedata.py",
    ),
    _generator(
        r"Tools/unicode/mkstringprep\.py",
        outputs=["Lib/stringprep.py"],
        command="python Tools/unicode/mkstringprep.py > Lib/stringprep.py",
    ),
    _generator(
        r"Tools/unicode/genmap_\w+\.py",
        outputs=["Modules/cjkcodecs/mappings_*.h"],
        command="python Tools/unicode/genmap_*.py",
    ),
    _generator(
        r"Tools/ssl/make_ssl_data\.py",
        outputs=["Modules/_ssl_data*.h"],
        command="python Tools/ssl/make_ssl_data.py OPENSSL_SOURCE Modules/_ssl_data_VERSION.h",
    ),
    _generator(
        _SCRIPTS + r"freeze_modules\.py",
        outputs=["Python/frozen.c", "Makefile.pre.in"],
        command="make regen-frozen",
    ),
    _generator(
        _SCRIPTS + r"generate_stdlib_module_names\.py",
        outputs=["Python/stdlib_module_names.h"],
        command="make regen-stdlib-module-names",
    ),
    _generator(
        _SCRIPTS + r"generate_re_casefix\.py",
        outputs=["Lib/re/_casefix.py"],
        command="make regen-re",
    ),
    _generator(
        _SCRIPTS + r"parse_html5_entities\.py",
        outputs=["Lib/html/entities.py"],
        command="python Tools/build/parse_html5_entities.py --create",
    ),
)
# Targets that are never run: by hand, of tests and documentation only, or all at once.
_NOT_RUN = re.compile(
    r"regen-(?:all|configure|sbom|unicodedata|limited-abi|abidump|stdlib-module-names|frozen|re|"
    r"jit|test-.*)$"
)
_CLINIC_BLOCK = re.compile(rb"\[clinic input\](.*?)\[clinic start generated code\]", re.DOTALL)
_GLOBAL_NAME = re.compile(rb"_Py_(?:ID|STR|LATIN1_CHR)\([^)]*\)")


def requirement(read: Read, before: Read, changed: Sequence[str], where: str = "") -> Requirement:
    """What the changes of the paths `changed` require. Pure.

    `read` reads the patched tree and `before` the tree without the patch; `where` names the patch
    in errors. Raises PatchError if a generator would have to run that cannot run here.
    """
    if not changed:
        return Requirement()
    _check_configure(read, before, changed, where)
    makefile = Makefile((read("Makefile.pre.in") or b"").decode("utf-8", "replace"))
    for generator in BY_HAND:
        _check_by_hand(generator, before, changed, where)
    targets: dict[str, None] = {}
    required, inputs, doubts = [], [], []
    for generator in GENERATORS:
        reasons = _reasons(generator, read, before, changed)
        if not reasons or (generator.committed and not _any_output(generator, read)):
            continue
        own = _targets(generator, makefile)
        if own:
            targets |= dict.fromkeys(own)
            required.append(generator)
            inputs += reasons
        elif generator.command and _any_output(generator, read):
            doubts += _doubts(generator, reasons, changed)
    for target, paths in _further_targets(makefile, changed, inputs).items():
        targets[target] = None
        inputs += paths
    return Requirement(
        targets=tuple(targets),
        generators=tuple(required),
        inputs=tuple(dict.fromkeys(inputs)),
        doubts=tuple(doubts),
    )


def forgotten(read: Read, before: Read, changed: Sequence[str]) -> tuple[str, ...]:
    """What a revision changed without what is generated from it, a sentence for each input.

    Nothing is generated in a revision that is built as it is. The inputs may differ in comments
    alone, so that this is a doubt and no fault.
    """
    makefile = Makefile((read("Makefile.pre.in") or b"").decode("utf-8", "replace"))
    commands: dict[str, dict[str, None]] = {}
    for generator in (*GENERATORS, *BY_HAND):
        own = _targets(generator, makefile)
        command = f"make {' '.join(own)}" if own else generator.command
        # Names that are missing in the global objects do not compile.
        if not command or generator is GLOBAL_OBJECTS:
            continue
        if (generator.committed or not own) and not _any_output(generator, read):
            continue
        for path in _reasons(generator, read, before, changed):
            if not any(re.fullmatch(pattern, path) for pattern in _BYTECODE[1:]):
                commands.setdefault(path, {})[command] = None
            if any(generator.writes(other) for other in changed):
                commands[path] = {"": None}
    for path, configure in _configure_inputs(read, before, changed):
        if configure not in changed:
            commands[path] = {_autoconf(read): None}
    return tuple(
        f"{path} differs from the base's, and nothing that is generated from it does: if "
        f"{' or '.join(f'`{command}`' for command in names)} would change a file, this arm is "
        "without it"
        for path, names in commands.items()
        if "" not in names
    )


def _targets(generator: Generator, makefile: Makefile) -> list[str]:
    """The generator's target, or the outputs for which an older Makefile has rules."""
    if makefile.has(generator.target):
        return [generator.target]
    return [path for path in generator.outputs if makefile.has(path)]


def _reasons(generator: Generator, read: Read, before: Read, changed: Sequence[str]) -> list[str]:
    """The changed paths for which a generator must run."""
    reasons = [path for path in changed if generator.inputs.match(path)]
    sources = [path for path in changed if path.endswith((".c", ".h"))]
    if generator in (CLINIC, GLOBAL_OBJECTS):
        reasons += [p for p in sources if _differs(_CLINIC_BLOCK, read(p), before(p))]
    if generator is GLOBAL_OBJECTS:
        reasons += [p for p in sources if _differs(_GLOBAL_NAME, read(p), before(p))]
    return reasons


def _differs(pattern: re.Pattern[bytes], new: bytes | None, old: bytes | None) -> bool:
    return set(pattern.findall(new or b"")) != set(pattern.findall(old or b""))


def _any_output(generator: Generator, read: Read) -> bool:
    """Whether an output is in the tree; of patterns with a wildcard nothing is known."""
    plain = [path for path in generator.outputs if "*" not in path]
    return not plain or any(read(path) is not None for path in plain)


def _doubts(
    generator: Generator, reasons: Sequence[str], changed: Sequence[str]
) -> list[tuple[str, str]]:
    if any(generator.writes(path) for path in changed):
        return []
    reason = (
        f"{generator.outputs[0]} is generated from it by `{generator.command}`, which is not run "
        "here: if that would change it, put the new file into the patch"
    )
    return [(path, reason) for path in reasons]


def _further_targets(
    makefile: Makefile, changed: Sequence[str], known: Sequence[str]
) -> dict[str, list[str]]:
    """Targets whose rules name changed paths that the table does not know as their inputs."""
    further: dict[str, list[str]] = {}
    rest = [
        path
        for path in changed
        if path not in known and not any(generator.writes(path) for generator in GENERATORS)
    ]
    for target in makefile.generating() if rest else ():
        paths = sorted(makefile.reads(target).intersection(rest))
        if paths and not _NOT_RUN.match(target):
            further[target] = paths
    return further


def _check_by_hand(generator: Generator, before: Read, changed: Sequence[str], where: str) -> None:
    """Raise PatchError if an input of a generator that cannot run here is changed alone."""
    inputs = [path for path in changed if generator.inputs.match(path) and before(path) is not None]
    if not inputs or not _any_output(generator, before):
        return
    if not any(generator.writes(path) for path in changed):
        raise _ineffective(inputs, generator.outputs, generator.command, where)


def _ineffective(
    inputs: Sequence[str], outputs: Iterable[str], command: str, where: str
) -> PatchError:
    names = ", ".join(outputs)
    return PatchError(
        f"The patch changes {', '.join(inputs)} and not what is generated from it ({names}): the "
        "change would have no effect. It cannot be generated here.",
        where=f"{where}: {', '.join(inputs)}" if where else ", ".join(inputs),
        hint=f"In your tree run `{command}` and put what it changes into the patch. If it changes "
        f"nothing, leave {', '.join(inputs)} out of the patch.",
    )


# -- configure ------------------------------------------------------------------------------------

_CONFIGURE_INPUT = re.compile(
    r"(|.*/)(?:configure\.(?:ac|in)|aclocal\.m4|acinclude\.m4|m4/.*\.m4)$"
)
# The definitions that configure writes, in the dialects of several versions of autoconf.
_DEFINE = re.compile(
    rb'"#define (\w+)[^"\n]*" *>>\s*confdefs\.h|>>\s*confdefs\.h <<\\?_ACEOF\n#define (\w+)'
)


def _check_configure(read: Read, before: Read, changed: Sequence[str], where: str) -> None:
    """Raise PatchError if configure or its header's template would have to be generated.

    The version of autoconf that made a tree's configure is usually not that of the machine.
    """
    for path, configure in _configure_inputs(read, before, changed):
        if configure not in changed:
            raise _ineffective([path], [configure], _autoconf(read), where)
    missing = sorted(_defines(read("configure")) - _defines(before("configure")))
    template = (read("pyconfig.h.in") or b"").decode("utf-8", "replace")
    missing = [name for name in missing if not re.search(rf"\b{name}\b", template)]
    if "configure" in changed and template and missing:
        raise PatchError(
            f"configure defines {', '.join(missing)}, and pyconfig.h.in has no line for it: the "
            "definition would be lost.",
            where=f"{where}: configure" if where else "configure",
            hint=f"In your tree run `{_autoconf(read)}` and put pyconfig.h.in into the patch too.",
        )


def _configure_inputs(
    read: Read, before: Read, changed: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """The changed inputs of configure scripts, each with its script."""
    for path in changed:
        match = _CONFIGURE_INPUT.match(path)
        if match is not None and read(path) != before(path):
            # A folder of macros stands beside its script.
            configure = f"{match.group(1)}configure"
            if read(configure) is not None:
                yield path, configure


def _defines(configure: bytes | None) -> set[str]:
    return {(a or b).decode() for a, b in _DEFINE.findall(configure or b"")}


def _autoconf(read: Read) -> str:
    """The command that generates configure, with the version of autoconf that made it."""
    if read("Tools/build/regen-configure.sh") is not None:
        return "Tools/build/regen-configure.sh"
    made = re.search(rb"Generated by GNU Autoconf ([\d.]+\d)", read("configure") or b"")
    version = f" (autoconf {made.group(1).decode()})" if made else ""
    return f"autoreconf -ivf -Werror{version}" if version else "autoreconf -ivf -Werror"
