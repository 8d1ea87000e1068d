"""Compiler flags for the source file of the evaluation loop only.

configure's CFLAGS are for all of CPython, so flags that are meant for the loop (such as -fno-gcse,
which gcc's manual suggests for programs with computed gotos) would change everything else too. Here
they are added to the flags of one object file, at the end of the Makefile that configure wrote, and
therefore after all others: of two contradicting options, gcc uses the last.

gcc records them as options of the loop (`BuildFacts.options`), so that a report shows them among
the differences between two builds.
"""

from __future__ import annotations

import re
from pathlib import Path

from builder.builds.layout import LOOP, append_rules
from builder.errors import BuildError

# Flags without characters that are special in make or the shell.
FLAG = re.compile(r"-[\w=,.:+-]+", re.ASCII)
# Makefile variables with the flags of the interpreter's files: in 2.7, and in 3.x.
_LISTS = ("PY_CFLAGS", "PY_CORE_CFLAGS")


def rules(makefile: str, flags: str) -> tuple[str, ...]:
    """The lines that add `flags` to those of the loop, for a Makefile with this text. Pure.

    A Makefile has one of the variables or both; the second then contains the first and is used.
    `private` hides the flags from the prerequisites of the object file. Raises BuildError if it has
    neither, since the flags would have no effect.
    """
    names = [name for name in _LISTS if re.search(rf"^{name}[ \t]*=", makefile, re.MULTILINE)]
    if not names:
        raise BuildError(
            "The evaluation loop cannot be compiled with its own flags: the Makefile does not "
            "contain the variable for them.",
            where=f"{' and '.join(_LISTS)} in Makefile",
            hint="Pass them to all of CPython, with flavor.cflags.",
        )
    return (f"{Path(LOOP).with_suffix('.o')}: private {names[-1]} += {flags}",)


def apply(flags: str, tree: Path) -> None:
    """Add `flags`, if there are any, to the flags of the evaluation loop in a configured tree."""
    if flags:
        makefile = (tree / "Makefile").read_text(encoding="utf-8", errors="replace")
        append_rules(tree, rules(makefile, flags))
