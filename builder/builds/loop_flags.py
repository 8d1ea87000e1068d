"""Flags of the compiler for the file of the evaluation loop alone.

gcc's options for all of CPython are configure's CFLAGS. What is meant for the loop (-fno-gcse, for
one, which gcc's manual suggests for programs with computed gotos) would change everything else with
it. Here they are added to the flags of one object file, at the end of the Makefile that configure
wrote, and therefore after all others: of two that exclude each other, gcc takes the last.

gcc's record of how the loop was compiled has them (`Facts.options`), so that a report shows them
among what differs between two builds.
"""

from __future__ import annotations

import re
from pathlib import Path

from builder.builds.layout import LOOP, append_rules
from builder.errors import BuildError

# What neither make nor the shell would take apart.
FLAG = re.compile(r"-[\w=,.:+-]+", re.ASCII)
# Who compiles the interpreter's files with which flags: 2.7, and 3.x.
_LISTS = ("PY_CFLAGS", "PY_CORE_CFLAGS")


def rules(makefile: str, flags: str) -> tuple[str, ...]:
    """The lines that add `flags` to the loop's own, for a Makefile with this text. Pure.

    A Makefile has one list or both, the second then with the first in it: the last one counts.
    `private` keeps the flags from whatever the object file is made from. Raises BuildError where
    neither is there: the flags would be lost.
    """
    there = [name for name in _LISTS if re.search(rf"^{name}[ \t]*=", makefile, re.MULTILINE)]
    if not there:
        raise BuildError(
            "The evaluation loop cannot be given flags of its own: the Makefile does not tell "
            "with which flags it is compiled.",
            where=f"{' and '.join(_LISTS)} in Makefile",
            hint="Give them to all of CPython, with flavor.cflags.",
        )
    return (f"{Path(LOOP).with_suffix('.o')}: private {there[-1]} += {flags}",)


def apply(flags: str, tree: Path) -> None:
    """Have a configured tree compile its evaluation loop with `flags` as well, if there are any."""
    if flags:
        makefile = (tree / "Makefile").read_text(encoding="utf-8", errors="replace")
        append_rules(tree, rules(makefile, flags))
