from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from builder.builds import loop_flags
from builder.errors import BuildError

MAKEFILE_27 = """\
CFLAGS = -O3
PY_CFLAGS=\t$(CFLAGS) -DPy_BUILD_CORE
all: Python/ceval.o Python/errors.o
Python/ceval.o: Python/table.h
Python/table.h:
\t@echo table $(PY_CFLAGS)
.c.o:
\t@echo $@ $(PY_CFLAGS)
"""
MAKEFILE_3 = MAKEFILE_27.replace("$(PY_CFLAGS)", "$(PY_CORE_CFLAGS)").replace(
    "all:", "PY_CORE_CFLAGS=\t$(PY_CFLAGS) -DCORE\nall:"
)


def made(tree: Path, makefile: str, flags: str) -> list[str]:
    (tree / "Python").mkdir()
    for name in ("ceval", "errors"):
        (tree / "Python" / f"{name}.c").touch()
    path = tree / "Makefile"
    path.write_text(makefile)
    os.utime(path, (7, 7))
    loop_flags.apply(flags, tree)
    assert path.stat().st_mtime == 7
    done = subprocess.run(["make", "-s"], cwd=tree, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_loop_alone_has_them_after_all_others_in_2_7(tmp_path: Path) -> None:
    assert made(tmp_path, MAKEFILE_27, "-O2 -fno-gcse") == [
        "table -O3 -DPy_BUILD_CORE",
        "Python/ceval.o -O3 -DPy_BUILD_CORE -O2 -fno-gcse",
        "Python/errors.o -O3 -DPy_BUILD_CORE",
    ]


def test_the_loop_alone_has_them_once_in_3(tmp_path: Path) -> None:
    assert made(tmp_path, MAKEFILE_3, "-fno-gcse") == [
        "table -O3 -DPy_BUILD_CORE -DCORE",
        "Python/ceval.o -O3 -DPy_BUILD_CORE -DCORE -fno-gcse",
        "Python/errors.o -O3 -DPy_BUILD_CORE -DCORE",
    ]


def test_without_flags_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE_3)
    loop_flags.apply("", tmp_path)
    assert (tmp_path / "Makefile").read_text() == MAKEFILE_3


def test_flags_that_would_be_lost_are_refused() -> None:
    with pytest.raises(BuildError, match="does not contain the variable"):
        loop_flags.rules("CFLAGS = -O3\n", "-fno-gcse")


@pytest.mark.parametrize("flag", ["-fno-gcse", "--param=x=3", "-march=x86-64-v3", "-Wl,-z,now"])
def test_what_a_flag_is(flag: str) -> None:
    assert loop_flags.FLAG.fullmatch(flag)


@pytest.mark.parametrize("flag", ["", "-", "fno-gcse", "-D$(X)", "-DX='a", "-a;b", "-a#b", "-a\\"])
def test_what_none_is(flag: str) -> None:
    assert not loop_flags.FLAG.fullmatch(flag)
