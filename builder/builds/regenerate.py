"""Generated files of a CPython tree: when to regenerate them, and what that changed.

A patch to the input of a generator has no effect until the generator runs; a patch to a generated
file is overwritten when it runs. Both would be lost silently, so the tree's own targets run if an
input changed, and the files that they changed are reported.
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
    """A target of the tree's Makefile, and the inputs whose change requires it."""

    target: str
    inputs: re.Pattern[str]


def _generator(target: str, *inputs: str) -> _Generator:
    return _Generator(target=target, inputs=re.compile("|".join(f"(?:{path})$" for path in inputs)))


# In the order in which they must run. Targets that the Makefile does not have are left out.
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

# Generated files that are committed. If all files have the same time, make considers these older
# than their inputs, and would run a Python of the tree's own age to generate them again.
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


def set_file_times(tree: Path, epoch: int, changed: Sequence[str]) -> None:
    """Set times of generated files after their inputs, and of changed files after both.

    make's own rules then run for the files that a patch changed, and for no others.
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
    """The Makefile targets that changes of the paths `changed` require, in order.

    `read` returns the content of a path of the tree, or None without such a file.
    """
    makefile = (read("Makefile.pre.in") or b"").decode("utf-8", "replace")
    required = [
        generator.target
        for generator in _GENERATORS
        if any(generator.inputs.match(path) for path in changed)
    ]
    contents = [read(path) or b"" for path in changed if path.endswith((".c", ".h"))]
    if any(_CLINIC in content for content in contents):
        required.append("clinic")
    if any(_GLOBAL_STRINGS.search(content) for content in contents):
        required.append("regen-global-objects")
    return tuple(target for target in required if re.search(rf"(?m)^{target}\s*:", makefile))


def snapshot(tree: Path) -> dict[str, str]:
    """The digest of every source file by path, to compare with another snapshot."""
    digests = {}
    for root, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            if not name.endswith((".pyc", ".o", ".a", ".so", ".log", ".status", ".cache")):
                path = Path(root) / name
                digests[str(path.relative_to(tree))] = hashlib.sha1(path.read_bytes()).hexdigest()
    return digests


def changed_files(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """The paths of `before` that differ or are missing in `after`."""
    return tuple(sorted(path for path, digest in before.items() if after.get(path) != digest))


def refuse_lost_changes(
    regenerated: Sequence[str], changed: Sequence[str], series: Sequence[str]
) -> None:
    """Raise PatchError if regenerating has overwritten changes of a patch."""
    lost = sorted(set(regenerated) & set(changed))
    if lost:
        raise PatchError(
            "The patch changes generated files, and the tree's generators overwrite them: this "
            "part of the patch would be lost.",
            where=f"{', '.join(series)}: {', '.join(lost)}",
            hint="Put the generators' own output into the patch, or leave these files out of it.",
        )
