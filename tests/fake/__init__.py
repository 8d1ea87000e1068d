"""A fake CPython: a source tree that builds in a second into something that behaves like one.

Its configure, make and gcc are real, and so is the ELF file they give, with an evaluation function
and a table of labels. What that program runs is the Python of the tests, so that pyperf is there.
How fast it is and how it fares in its own tests stands in its sources, where patches can change it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parent / "tree"


def write_tree(folder: Path, *, version: str = "3.13.5") -> Path:
    """Write the fake's source tree into `folder` (made, must be empty)."""
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    (folder / "Include").mkdir()
    (folder / "Include" / "patchlevel.h").write_text(f'#define PY_VERSION "{version}"\n')
    (folder / "hostpython").write_text(sys.executable + "\n")
    branch = ".".join(version.split(".")[:2])
    (folder / "branch").write_text(branch + "\n")
    (folder / "configure").chmod(0o755)
    return folder


def speed_patch(factor: float) -> bytes:
    """A patch to the fake's loop after which its benchmarks take `factor` times as long."""
    return loop_patch('const char *speed = "1.0";', f'const char *speed = "{factor}";')


def loop_patch(old: str, new: str) -> bytes:
    """A patch that replaces the line of the loop's source that begins with `old`."""
    lines = (TEMPLATE / "Python/ceval.c").read_text().splitlines()
    return replacing("Python/ceval.c", next(line for line in lines if line.startswith(old)), new)


def behaviour_patch(test: str, behaviour: str) -> bytes:
    """A patch after which a test of the fake does `behaviour`: fail, crash, die, hang or skip."""
    return replacing(f"Lib/test/{test}.py", "pass", behaviour)


def replacing(path: str, old: str, new: str) -> bytes:
    """A git diff that replaces one line of a file of the fake's tree."""
    lines = (TEMPLATE / path).read_text().splitlines()
    number = lines.index(old) + 1
    before, after = lines[: number - 1], lines[number:]
    start = max(0, len(before) - 3)
    context, rest = before[start:], after[:3]
    size = len(context) + 1 + len(rest)
    body = [f" {line}" for line in context] + [f"-{old}", f"+{new}"] + [f" {line}" for line in rest]
    header = [
        f"diff --git a/{path} b/{path}",
        f"--- a/{path}",
        f"+++ b/{path}",
        f"@@ -{start + 1},{size} +{start + 1},{size} @@",
    ]
    return ("\n".join([*header, *body]) + "\n").encode()
