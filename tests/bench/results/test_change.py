"""The kinds of files, by paths of 2.7 to main."""

from __future__ import annotations

import pytest

from bench.results import KINDS, kind_of


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (
            "loop",
            "Python/ceval.c Python/ceval_gil.h Python/ceval_macros.h Python/bytecodes.c "
            "Python/generated_cases.c.h Python/executor_cases.c.h Python/opcode_targets.h "
            "Python/optimizer.c Python/specialize.c Python/jit.c Include/opcode.h Lib/opcode.py "
            "Include/internal/pycore_opcode_metadata.h Include/ceval.h Tools/cases_generator/x.py",
        ),
        ("objects", "Objects/obmalloc.c Include/object.h Include/internal/pycore_gc.h"),
        ("core", "Python/compile.c Parser/parser.c Grammar/Grammar Programs/python.c"),
        ("library", "Lib/json/encoder.py Lib/idlelib/help.html Lib/testing.py"),
        ("modules", "Modules/_json.c Modules/gcmodule.c Modules/_io/bytesio.c"),
        (
            "tests",
            "Lib/test/test_int.py Lib/json/tests/test_x.py Lib/idlelib/idle_test/x.py "
            "Lib/ctypes/test/x.py Modules/_testcapimodule.c Programs/_testembed.c",
        ),
        (
            "build",
            "configure configure.ac Makefile.pre.in setup.py Modules/Setup.dist pyconfig.h.in "
            "Tools/scripts/x.py PCbuild/build.bat Misc/python.pc.in PC/config.c",
        ),
        ("docs", "Doc/library/x.rst Misc/NEWS.d/next/x.rst README.rst LICENSE Misc/ACKS"),
        ("other", ".github/CODEOWNERS Demo/x.py .gitignore"),
    ],
)
def test_each_file_has_one_kind(kind: str, paths: str) -> None:
    assert kind in KINDS
    assert {path: kind_of(path) for path in paths.split()} == dict.fromkeys(paths.split(), kind)
