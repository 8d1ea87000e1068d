"""Changed files from which nothing was built, in a small tree that looks like a finished build."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds import unbuilt
from builder.builds.unbuilt import Evidence, UnbuiltChange
from builder.generators import Requirement, requirement

SOURCES = {
    "Python/ceval.c": '#include "Python.h"\n# include "ceval_macros.h"\n',
    "Python/ceval_macros.h": '#ifdef NEVER\n#include "../Objects/stringlib/eq.h"\n#endif',
    "Objects/stringlib/eq.h": "",
    "Objects/stringlib/other.h": "",
    "Include/Python.h": "#include <cpython/object.h>\n",
    "Include/cpython/object.h": "",
    "Include/cpython/alone.h": "",
    "Include/internal/alone.h": "",
    "Python/dynload_win.c": "",
    "Python/bytecodes.c": "",
    "Modules/_json.c": "",
    "Modules/_ssl/cert.c": "",
    "Modules/_ssl.c": '#include "_ssl/cert.c"\n#include "_ssl.h"\n',
    "Modules/_ssl.h": "",
    "Modules/_tkinter.c": "",
    "Modules/nismodule.c": "",
    "Modules/_ctypes/ctypes.h": "",
    "Modules/_ctypes/cfield.c": "",
    "Modules/expat/asciitab.h": "",
    "Modules/expat/xmltok.c": "",
    "Modules/getpath.py": "",
    "Modules/Setup.local": "",
    "Modules/clinic/_tkinter.c.h": "",
    "Objects/listsort.txt": "",
    "Objects/stringlib/README": "",
    "Modules/_decimal/tests/bench.py": "",
    "Lib/os.py": "import this",
    "Lib/test/test_os.py": "",
    "Lib/idlelib/new.def": "",
    "Lib/json/tests/x.py": "",
    "Doc/library/os.rst": "",
    "Misc/NEWS.d/next/x.rst": "",
    "Misc/python.pc.in": "",
    "Misc/python.pc": "",
    "README.rst": "",
    "LICENSE": "the licence",
    "PC/getpathp.c": "",
    "PCbuild/python.vcxproj": "",
    "Mac/BuildScript/x.py": "",
    "iOS/README.rst": "",
    "Tools/gdb/libpython.py": "",
    "Tools/build/deepfreeze.py": "",
    "Tools/scripts/run_tests.py": "",
    "Makefile.pre.in": "",
    "Python/generated_cases.c.h": "",
    "Makefile": "test:\n\t$(srcdir)/Tools/scripts/run_tests.py\n",
    "configure": "",
    "configure.ac": "",
    "setup.py": "",
    "pyconfig.h.in": "",
    "odd": "",
}
OBJECTS = ("Python/ceval.o", "build/temp.linux-x86_64-3.9{tree}/Modules/_ssl.o")
INSTALLED = {
    "lib/python3.9/os.py": "import this",
    "lib/python3.9/LICENSE.txt": "other",
    "lib/python3.9/LICENSE": "the licence",
    "lib/python3.9/test/test_os.py": "",
    "include/python3.9/cpython/alone.h": "",
    "include/python3.9/cpython/object.h": "",
}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Read by most tests, which leave it as it is."""
    return write_evidence(tmp_path_factory.mktemp("build"))


def write_evidence(tmp_path: Path) -> Evidence:
    tree = tmp_path / "src"
    files = {f"src/{path}": text for path, text in SOURCES.items()}
    files |= {f"src/{path.format(tree=tree)}": "" for path in OBJECTS}
    files |= {f"prefix/{path}": text for path, text in INSTALLED.items()}
    files["log/make.log"] = (
        f"gcc -c -O3 ./Modules/_json.c -o x.o\ngcc '{tree}/Modules/expat/xmltok.c'\n"
        "./_freeze ./Modules/getpath.py a.h\npython3 ./Tools/build/deepfreeze.py\n"
    )
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Evidence(tree=tree, prefix=tmp_path / "prefix", logs=tmp_path / "log")


def changes(evidence: Evidence, *changed: str, trained: bool = False) -> tuple[UnbuiltChange, ...]:
    return unbuilt.changes(
        evidence, changed, required=Requirement(), regenerated=(), trained=trained
    )


@pytest.mark.parametrize(
    "path",
    [
        "Python/ceval.c",  # an object beside it
        "Modules/_ssl.c",  # an object of setup.py, which has the whole path in its name
        "Modules/_json.c",  # compiled by a command of the log
        "Modules/expat/xmltok.c",
        "Include/Python.h",
        "Include/cpython/object.h",
        "Python/ceval_macros.h",
        "Modules/_ssl.h",
        "Modules/_ssl/cert.c",
        "Objects/stringlib/eq.h",  # included under a condition, which is not evaluated
        "Lib/os.py",
        "LICENSE",
        "configure",
        "configure.ac",
        "setup.py",
        "pyconfig.h.in",
        "Makefile.pre.in",
        "Modules/Setup.local",
        "Misc/python.pc.in",
        "Modules/getpath.py",  # named by a command
        "Tools/build/deepfreeze.py",
    ],
)
def test_what_something_was_built_from(evidence: Evidence, path: str) -> None:
    assert changes(evidence, path) == ()


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("Objects/stringlib/other.h", "header", "a header that nothing here includes"),
        ("Include/cpython/alone.h", "header", "a header, installed, that nothing here includes"),
        ("Include/internal/alone.h", "header", "a header, installed"),  # the other one's content
        ("Modules/expat/asciitab.h", "header", "a header that nothing here includes"),
        ("Python/dynload_win.c", "source", "not compiled here"),
        ("Python/bytecodes.c", "source", "not compiled here"),
        ("Modules/_tkinter.c", "module", "of the module _tkinter, not built here"),
        ("Modules/nismodule.c", "module", "of the module nis, not built here"),
        ("Modules/_ctypes/cfield.c", "module", "of the module _ctypes, not built here"),
        ("Modules/_ctypes/ctypes.h", "module", "of the module _ctypes, not built here"),
        ("Modules/clinic/_tkinter.c.h", "module", "of the module _tkinter, not built here"),
        ("Objects/listsort.txt", "documentation", "documentation"),
        ("Objects/stringlib/README", "documentation", "documentation"),
        ("Modules/_decimal/tests/bench.py", "tests", "tests"),
        ("Lib/test/test_os.py", "tests", "tests"),
        ("Lib/json/tests/x.py", "tests", "tests"),
        ("Lib/idlelib/new.def", "other", "neither compiled, installed nor run"),
        ("Doc/library/os.rst", "documentation", "documentation"),
        ("Misc/NEWS.d/next/x.rst", "documentation", "documentation"),
        ("README.rst", "documentation", "documentation"),
        ("PC/getpathp.c", "Windows", "for Windows"),
        ("PCbuild/python.vcxproj", "Windows", "for Windows"),
        ("Mac/BuildScript/x.py", "macOS", "for macOS"),
        ("iOS/README.rst", "platform", "for another platform"),
        ("Tools/gdb/libpython.py", "tools", "a tool that building does not use"),
        ("Tools/scripts/run_tests.py", "unknown", "the Makefile names it"),
        ("odd", "other", "neither compiled"),
        ("Doc/deleted.rst", "documentation", "documentation, deleted"),
        ("Python/deleted.c", "unknown", "it is deleted"),
    ],
)
def test_what_nothing_was_built_from(evidence: Evidence, path: str, kind: str, reason: str) -> None:
    [change] = changes(evidence, path)
    assert (change.path, change.kind) == (path, kind)
    assert change.reason.startswith(reason)


def test_tests_train_a_build_with_pgo(evidence: Evidence) -> None:
    assert changes(evidence, "Lib/test/test_os.py", trained=True) == ()


def test_headers_are_unknown_if_names_to_include_are_computed(tmp_path: Path) -> None:
    evidence = write_evidence(tmp_path)
    (evidence.tree / "Python/ceval.c").write_text('#define X "other.h"\n#include X\n')
    [change] = changes(evidence, "Objects/stringlib/other.h")
    assert change.kind == "unknown"


@pytest.mark.parametrize(
    ("changed", "regenerated", "kinds"),
    [
        (["Python/bytecodes.c"], ["Python/generated_cases.c.h"], []),
        (["Python/bytecodes.c", "Python/generated_cases.c.h"], [], ["header"]),
        (["Python/bytecodes.c"], [], ["generator"]),
    ],
)
def test_inputs_of_generators(
    evidence: Evidence, changed: list[str], regenerated: list[str], kinds: list[str]
) -> None:
    required = requirement(
        lambda path: b"regen-cases:\n" if path == "Makefile.pre.in" else None,
        lambda _path: None,
        changed,
    )
    verdicts = unbuilt.changes(
        evidence, changed, required=required, regenerated=regenerated, trained=False
    )
    assert [verdict.kind for verdict in verdicts] == kinds


def test_a_doubt_is_unknown_although_the_file_is_installed(evidence: Evidence) -> None:
    required = Requirement(doubts=(("Lib/os.py", "because"),))
    [change] = unbuilt.changes(
        evidence, ["Lib/os.py"], required=required, regenerated=(), trained=False
    )
    assert (change.kind, change.reason) == ("unknown", "because")


def change(path: str, kind: str) -> UnbuiltChange:
    return UnbuiltChange(path=path, kind=kind, reason=f"is {kind}")


DOC, TEST = change("Doc/a.rst", "documentation"), change("Lib/test/b.py", "tests")
WINDOWS, UNKNOWN = change("PC/c.c", "Windows"), change("d", "unknown")


@pytest.mark.parametrize(
    ("verdicts", "more", "expected"),
    [
        ([], 1, ()),
        ([DOC, TEST], 1, ()),  # part of most patches
        (
            [DOC, TEST],
            0,
            (
                "no-effect: nothing that was built comes from what the patch changes: "
                "Doc/a.rst (is documentation), Lib/test/b.py (is tests)",
            ),
        ),
        (
            [DOC, WINDOWS],
            1,
            ("no-effect: changes PC/c.c (is Windows), and nothing that was built comes from it",),
        ),
        (
            [UNKNOWN],
            0,
            (
                "unknown-effect: whether anything that was built comes from d is not known: "
                "is unknown",
            ),
        ),
    ],
)
def test_warnings(verdicts: list[UnbuiltChange], more: int, expected: tuple[str, ...]) -> None:
    changed = [verdict.path for verdict in verdicts] + ["x.c"] * more
    assert unbuilt.warnings(verdicts, changed) == expected


def test_everything_is_told_after_the_build() -> None:
    assert unbuilt.summary([DOC, WINDOWS, UNKNOWN]) == (
        "changes Doc/a.rst (is documentation), PC/c.c (is Windows), and nothing that was built "
        "comes from them",
        "whether anything that was built comes from d is not known: is unknown",
    )
    assert unbuilt.summary([]) == ()
    many = unbuilt.summary([change(f"Doc/{number}.rst", "x") for number in range(20)])
    assert "12 more, and nothing" in many[0]
