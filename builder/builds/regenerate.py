"""Generated files of a CPython tree: when to generate again, and what that changed.

A patch to a generator's input has no effect until the generator runs; a patch to a generated file
is undone when it runs. Both would be lost in silence, so the tree's own targets run where an input
changed, and what they changed is told.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import PatchError


@dataclass(frozen=True, kw_only=True)
class _Generator:
    """A target of the tree's Makefile and the inputs that ask for it."""

    target: str
    inputs: re.Pattern[str]


def _generator(target: str, *inputs: str) -> _Generator:
    return _Generator(target=target, inputs=re.compile("|".join(f"(?:{one})$" for one in inputs)))


# In the order in which they must run. A target that the tree's Makefile lacks is left out.
_GENERATORS = (
    _generator("regen-opcode", r"Lib/opcode\.py", r"Tools/scripts/generate_opcode_h\.py"),
    _generator("regen-cases", r"Python/(optimizer_)?bytecodes\.c", r"Tools/cases_generator/.*"),
    _generator(
        "regen-opcode-targets",
        r"Lib/opcode\.py",
        r"Include/opcode\.h",
        r"Python/makeopcodetargets\.py",
    ),
    _generator("regen-grammar", r"Grammar/Grammar", r"Parser/pgen/.*"),
    _generator("regen-pegen", r"Grammar/python\.gram", r"Tools/peg_generator/.*"),
    _generator("regen-token", r"Grammar/Tokens"),
    _generator("regen-keyword", r"Grammar/(python\.gram|Tokens)"),
    _generator("regen-ast", r"Parser/Python\.asdl", r"Parser/asdl(_c)?\.py"),
    _generator("regen-sre", r"Lib/re/_constants\.py", r"Lib/sre_constants\.py"),
    _generator("regen-typeslots", r"Objects/typeslots\.py", r"Include/typeslots\.h"),
)
_CLINIC = b"[clinic input]"
_GLOBAL_STRINGS = re.compile(rb"_Py_(?:ID|STR)\(")

# Committed, generated, and older than their inputs as far as make can see when a checkout gives all
# files one time. Make would run a Python of the tree's own age to write them again.
_COMMITTED = (
    "Include/Python-ast.h",
    "Include/graminit.h",
    "Include/internal/pycore_ast.h",
    "Include/opcode.h",
    "Lib/keyword.py",
    "Lib/symbol.py",
    "Lib/token.py",
    "Objects/typeslots.inc",
    "Parser/parser.c",
    "Parser/pgen.stamp",
    "Python/Python-ast.c",
    "Python/graminit.c",
    "Python/importlib.h",
    "Python/importlib_external.h",
    "Python/opcode_targets.h",
)


def settle_times(tree: Path, epoch: int, changed: Sequence[str]) -> None:
    """Date generated files after their inputs, and changed files after both.

    So make's own rules run for what a patch changed, and for nothing else.
    """
    for name in _COMMITTED:
        _date(tree / name, epoch + 1)
    for name in changed:
        if name not in _COMMITTED:
            _date(tree / name, epoch + 2)


def _date(path: Path, seconds: int) -> None:
    if path.is_file():
        os.utime(path, (seconds, seconds))


def targets(read: Callable[[str], bytes | None], changed: Sequence[str]) -> tuple[str, ...]:
    """The Makefile targets that `changed` asks for, in order; empty when nothing is generated.

    `read` gives the content of a path of the tree, None where there is no such file.
    """
    makefile = (read("Makefile.pre.in") or b"").decode("utf-8", "replace")
    wanted = [one.target for one in _GENERATORS if any(one.inputs.match(path) for path in changed)]
    contents = [read(path) or b"" for path in changed if path.endswith((".c", ".h"))]
    if any(_CLINIC in content for content in contents):
        wanted.append("clinic")
    if any(_GLOBAL_STRINGS.search(content) for content in contents):
        wanted.append("regen-global-objects")
    return tuple(target for target in wanted if re.search(rf"(?m)^{target}\s*:", makefile))


def snapshot(tree: Path) -> dict[str, str]:
    """Every source file's digest, to be compared with another snapshot."""
    found = {}
    for root, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            if not name.endswith((".pyc", ".o", ".a", ".so", ".log", ".status", ".cache")):
                path = Path(root) / name
                found[str(path.relative_to(tree))] = hashlib.sha1(path.read_bytes()).hexdigest()
    return found


def generated(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """The files of `before` that differ in `after`."""
    return tuple(sorted(path for path, digest in before.items() if after.get(path) != digest))


def refuse_lost(regenerated: Sequence[str], changed: Sequence[str], series: Sequence[str]) -> None:
    """Raise PatchError where generating undid what a patch says of a generated file."""
    lost = sorted(set(regenerated) & set(changed))
    if lost:
        raise PatchError(
            "The tree's generators replace what the patch changed in generated files: that part "
            "of the patch would be lost.",
            where=f"{', '.join(series)}: {', '.join(lost)}",
            hint="Put the generators' own output into the patch, or leave these files out of it.",
        )
