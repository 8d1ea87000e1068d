"""Evaluation loops in small: sources that the tests compile, and assembly as clang 19 writes it.

C files are compiled by the compilers that are there; the assembly files are short forms of clang's
own output for the same loops, so that its kinds of dispatch are read on machines without a clang.
How many jumps each has was counted by hand with `objdump -d`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCES = Path(__file__).parent


def build(
    folder: Path,
    source: str,
    *options: str,
    compiler: str = "gcc",
    changes: Mapping[str, str] | None = None,
) -> Path:
    """Compile or assemble one of the sources, after replacing text in it; return the program."""
    text = (SOURCES / source).read_text()
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    # The name of the loop's source in CPython, which is looked for in the debug information.
    name = "ceval" + Path(source).suffix
    (folder / name).write_text(text)
    output = folder / "python"
    subprocess.run([compiler, *options, "-o", str(output), name], cwd=folder, check=True)
    return output
