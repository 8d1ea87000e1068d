from __future__ import annotations

import pytest

from builder.toolchain.variables import BUILD, CONFIGURE, RUN, as_mapping, is_program, refusal


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (RUN, "PYTHON_JIT=1"),
        (RUN, "PYTHON_GIL=0"),
        (RUN, "PYTHONMALLOC=malloc"),
        (RUN, "GLIBC_TUNABLES=a=b"),
        (RUN, "EMPTY="),
        (BUILD, "PYTHON_JIT=0"),
        (BUILD, "LLVM_VERSION=20"),
        (CONFIGURE, "LLVM_PROFDATA=llvm-profdata-19"),
        (CONFIGURE, "LDFLAGS=-fuse-ld=lld -Wl,-z,now"),
        (CONFIGURE, "LIBFFI_CFLAGS=-I/x"),
    ],
)
def test_variables_that_may_be_set(kind: str, text: str) -> None:
    assert not refusal(kind, text)


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (RUN, "PYTHONPATH=/x", "imports"),
        (RUN, "PYTHONHOME=/x", "imports"),
        (RUN, "PYTHONSAFEPATH=1", "imports"),
        (RUN, "PYTHONHASHSEED=0", "draws it for each block"),
        (RUN, "PYTHONDONTWRITEBYTECODE=1", "compiled again"),
        (RUN, "PYTHONINSPECT=1", "wait for input"),
        (RUN, "LD_PRELOAD=/x.so", "libraries"),
        (RUN, "LD_LIBRARY_PATH=/x", "libraries"),
        (RUN, "PATH=/x", "same for all arms"),
        (RUN, "LC_ALL=C", "same for all arms"),
        (RUN, "PATCHBENCH_GATE=1:2:each", "own"),
        (RUN, "PYPERF_PERF_RECORD_DATA_DIR=/x", "pyperf"),
        (RUN, "NAME", "NAME=VALUE"),
        (RUN, "A-B=1", "NAME=VALUE"),
        (RUN, "A=1\nB=2", "NAME=VALUE"),
        (RUN, "A=\0", "NAME=VALUE"),
        (BUILD, "LD_LIBRARY_PATH=/x", "libraries"),
        (BUILD, "MAKEFLAGS=-j99", "make"),
        (BUILD, "CC=clang", "flavor.cc"),
        (BUILD, "CCACHE_DISABLE=1", "cache"),
        (BUILD, "SOURCE_DATE_EPOCH=1", "same for all arms"),
        (CONFIGURE, "CC=clang", "flavor.cc"),
        (CONFIGURE, "CFLAGS=-O3", "flavor.cflags"),
        (CONFIGURE, "prefix=/x", "LLVM_PROFDATA"),
        (CONFIGURE, "LLVM_PROF_DATA=/x", "LLVM_PROFDATA"),
    ],
)
def test_variables_that_are_refused_and_why(kind: str, text: str, reason: str) -> None:
    assert reason in refusal(kind, text)


def test_values_may_contain_an_equals_sign() -> None:
    assert as_mapping(["A=b=c", "D="]) == {"A": "b=c", "D": ""}


def test_which_variables_of_configure_are_programs() -> None:
    assert is_program("MERGE_FDATA")
    assert not is_program("LDFLAGS")
