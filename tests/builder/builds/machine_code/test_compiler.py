"""What a binary tells of its compiler, PGO and LTO: yes, no with options, and otherwise unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds.machine_code import Loop, evaluation_loop
from builder.builds.machine_code.compiler import _split
from tests import loops

CLANG = "Debian clang version 19.1.7 (3~deb12u1)"
RECORDED = "/usr/lib/llvm-19/bin/clang -O3 -g"


def read(folder: Path, source: str, *options: str, **changes: str) -> Loop:
    names = {"producer": f'"{CLANG}"\n\t.asciz', "file": '.file\t"ceval.c"', "table": ".note.GNU"}
    replaced = {names[name]: text for name, text in changes.items()}
    return evaluation_loop([loops.build(folder, source, *options, changes=replaced)])


def with_options(options: str) -> dict[str, str]:
    return {"producer": f'"{CLANG} {RECORDED} {options}"\n\t.asciz'}


def test_clang_without_options_does_not_tell(tmp_path: Path) -> None:
    loop = read(tmp_path, "clang_gotos.s")
    assert (loop.compiler, loop.options) == (CLANG, "")
    assert (loop.pgo, loop.lto) == (None, None)
    reason = "clang records no options in the binary"
    assert loop.reasons == {"pgo": reason, "lto": reason}


@pytest.mark.parametrize(
    ("options", "pgo", "lto"),
    [
        ("", False, False),
        ("-fprofile-instr-use=code.profclangd", True, False),
        ("-fprofile-use=code.profdata -flto=thin", True, True),
        ("-fprofile-sample-use=x", True, False),
        ("-fprofile-instr-generate -flto", False, True),
        ("-flto -fno-lto", False, False),
    ],
)
def test_clang_with_options(options: str, pgo: bool, lto: bool, tmp_path: Path) -> None:
    loop = read(tmp_path, "clang_gotos.s", **with_options(options))
    assert loop.compiler == CLANG
    # Without the compiler's path, which is the machine's.
    assert loop.options == f"-O3 -g {options}".strip()
    assert (loop.pgo, loop.lto, loop.reasons) == (pgo, lto, {})


def test_options_in_a_section_of_their_own(tmp_path: Path) -> None:
    other = f"{RECORDED} -flto -c Python/errors.c"
    own = f"{RECORDED} -fprofile-use=x -c Python/ceval.c"
    section = f'.GCC.command.line,"MS",@progbits,1\n\t.asciz "{other}"\n\t.asciz "{own}"\n'
    loop = read(tmp_path, "clang_gotos.s", table=f"{section}\t.section\t.note.GNU")
    assert loop.options == "-O3 -g -fprofile-use=x -c Python/ceval.c"
    assert (loop.pgo, loop.lto) == (True, False)


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({"file": '.file\t"ld-temp.o"'}, "merged module"),
        (
            {"table": ".text\nx.llvm.1234:\n\tret\n\t.section\t.note.GNU"},
            "thin LTO",
        ),
    ],
)
def test_lto_shows_in_symbols(changes: dict[str, str], sign: str, tmp_path: Path) -> None:
    loop = read(tmp_path, "clang_gotos.s", **changes)
    assert loop.lto is True
    assert sign in loop.reasons["lto"]
    assert loop.pgo is None


def test_symbols_of_another_files_lto_prove_nothing(tmp_path: Path) -> None:
    text = '.text\n\t.file "ld-temp.o"\nother:\n\tret\n\t.file "ceval.c"\n\t.section\t.note.GNU'
    assert read(tmp_path, "clang_gotos.s", table=text).lto is None


@pytest.mark.parametrize(
    ("options", "pgo", "lto"),
    [
        (("-g",), False, False),
        (("-g", "-fprofile-use", "-Wno-missing-profile"), True, False),
        (("-g", "-flto"), False, True),
        (("-g0",), None, None),
    ],
)
def test_gcc(options: tuple[str, ...], pgo: bool | None, lto: bool | None, tmp_path: Path) -> None:
    loop = read(tmp_path, "gotos.c", "-O2", *options)
    assert (loop.pgo, loop.lto) == (pgo, lto)
    assert ("no debug information" in loop.reasons.get("pgo", "")) is (pgo is None)


@pytest.mark.parametrize(
    ("producer", "expected"),
    [
        (CLANG, (CLANG, "")),
        (f"{CLANG} {RECORDED}", (CLANG, "-O3 -g")),
        ("clang version 16.0.6", ("clang version 16.0.6", "")),
        ("GNU C11 12.2.0 -mtune=generic -O2", ("GNU C11 12.2.0", "-mtune=generic -O2")),
        ("GNU C11 12.2.0", ("GNU C11 12.2.0", "")),
        (
            "clang version 20.0.0 (https://example.org/llvm 0123abc) /usr/bin/clang -O2",
            ("clang version 20.0.0 (https://example.org/llvm 0123abc)", "-O2"),
        ),
        ("", ("", "")),
    ],
)
def test_names_of_compilers(producer: str, expected: tuple[str, str]) -> None:
    assert _split(producer) == expected
