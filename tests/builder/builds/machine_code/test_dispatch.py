"""The kind of dispatch and its jumps, of loops in small: each was counted by hand with objdump."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from builder.builds.machine_code import Dispatch, Loop, evaluation_loop
from tests import loops

GOTOS_BY_GCC = ("gotos.c", "-O2", "-fno-gcse", "-fno-reorder-blocks")


def shape(loop: Loop) -> tuple[Dispatch, int, int]:
    return loop.dispatch, loop.indirect_jumps, loop.handlers


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # By gcc.
        (GOTOS_BY_GCC, (Dispatch.GOTOS, 5, 6)),
        ((*GOTOS_BY_GCC, "-no-pie"), (Dispatch.GOTOS, 5, 6)),
        ((*GOTOS_BY_GCC, "-flto"), (Dispatch.GOTOS, 5, 6)),
        (("gotos.c", "-Os"), (Dispatch.MERGED, 1, 6)),
        (("switch.c", "-O2"), (Dispatch.SWITCH, 1, 0)),
        # By clang, assembled.
        (("clang_gotos.s",), (Dispatch.GOTOS, 5, 6)),
        (("clang_gotos.s", "-g"), (Dispatch.GOTOS, 5, 6)),
        # An object file, whose debug information has relocations at the same places.
        (("clang_gotos.s", "-c", "-g"), (Dispatch.GOTOS, 5, 6)),
        (("gotos.c", "-c", "-g", "-O2", "-fno-gcse"), (Dispatch.GOTOS, 5, 6)),
        (("clang_merged.s",), (Dispatch.MERGED, 1, 13)),
        (("clang_tail_calls.s",), (Dispatch.TAIL_CALLS, 4, 5)),
        # What belongs to a just-in-time compiler is not the loop's.
        (("clang_gotos.s", str(loops.SOURCES / "jit.s")), (Dispatch.GOTOS, 5, 6)),
        (("clang_tail_calls.s", str(loops.SOURCES / "jit.s")), (Dispatch.TAIL_CALLS, 4, 5)),
    ],
)
def test_dispatch(
    source: tuple[str, ...], expected: tuple[Dispatch, int, int], tmp_path: Path
) -> None:
    loop = evaluation_loop([loops.build(tmp_path, *source)])
    assert shape(loop) == expected
    assert "dispatch" not in loop.reasons
    gotos = expected[0] in (Dispatch.GOTOS, Dispatch.MERGED)
    assert loop.computed_gotos is gotos


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("gotos.c", (Dispatch.GOTOS, 5, 6)),
        ("switch.c", (Dispatch.SWITCH, 1, 0)),
        ("tail_calls.c", (Dispatch.TAIL_CALLS, 4, 5)),
    ],
)
def test_dispatch_by_a_clang_that_is_installed(
    source: str, expected: tuple[Dispatch, int, int], tmp_path: Path
) -> None:
    compiler = shutil.which("clang") or shutil.which("clang-19")
    if compiler is None:
        pytest.skip("no clang is installed; what clang 19 makes of these is in clang_*.s")
    loop = evaluation_loop([loops.build(tmp_path, source, "-O2", compiler=compiler)])
    assert shape(loop) == expected


def test_tail_calls_are_summed_over_all_functions(tmp_path: Path) -> None:
    loop = evaluation_loop([loops.build(tmp_path, "clang_tail_calls.s")])
    assert loop.function == "_PyEval_EvalFrameDefault"
    assert loop.size == 21 + 3 + 19 + 19 + 23 + 21 + 6


def test_the_loop_of_python_2(tmp_path: Path) -> None:
    changes = {"_PyEval_EvalFrameDefault": "PyEval_EvalFrameEx"}
    loop = evaluation_loop([loops.build(tmp_path, "clang_gotos.s", changes=changes)])
    assert (loop.function, loop.dispatch) == ("PyEval_EvalFrameEx", Dispatch.GOTOS)


@pytest.mark.parametrize(
    "name",
    "opcode_targets opcode_targets.0 opcode_targets.lto_priv.0 opcode_targets_table "
    "opcode_targets.llvm.123 x.opcode_targets.5 opcode_tracing_targets_table".split(),
)
def test_names_of_the_table_of_labels(name: str, tmp_path: Path) -> None:
    changes = {"_PyEval_EvalFrameDefault.opcode_targets": name}
    loop = evaluation_loop([loops.build(tmp_path, "clang_gotos.s", changes=changes)])
    assert loop.dispatch is Dispatch.GOTOS


@pytest.mark.parametrize(
    ("options", "changes", "reason"),
    [
        (("-rdynamic", "-s"), {}, "stripped"),
        # Hardened against speculation: jumps go through functions.
        ((), {"jmpq\t*(%rcx,%rdx,8)": "jmp\tmain"}, "no indirect jump"),
        (
            (),
            {"jmpq\t*(%rcx,%rdx,8)": "ret", "_PyEval_EvalFrameDefault.opcode_targets": "table"},
            "neither",
        ),
    ],
)
def test_what_a_binary_does_not_tell_is_unknown(
    options: tuple[str, ...], changes: dict[str, str], reason: str, tmp_path: Path
) -> None:
    loop = evaluation_loop([loops.build(tmp_path, "clang_gotos.s", *options, changes=changes)])
    assert loop.dispatch is Dispatch.UNKNOWN
    assert loop.computed_gotos is None
    assert reason in loop.reasons["dispatch"]


def test_machine_code_of_another_machine_is_not_counted(tmp_path: Path) -> None:
    path = loops.build(tmp_path, "clang_gotos.s")
    content = bytearray(path.read_bytes())
    content[18:20] = (0xB7).to_bytes(2, "little")  # e_machine: AArch64
    path.write_bytes(content)
    loop = evaluation_loop([path])
    assert (loop.dispatch, loop.indirect_jumps) == (Dispatch.UNKNOWN, 0)
    assert "not x86-64" in loop.reasons["dispatch"]


def test_the_jumps_are_those_that_objdump_shows(tmp_path: Path) -> None:
    if shutil.which("objdump") is None:
        pytest.skip("no objdump is installed")
    path = loops.build(tmp_path, *GOTOS_BY_GCC)
    command = ["objdump", "-d", "--disassemble=_PyEval_EvalFrameDefault", str(path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert evaluation_loop([path]).indirect_jumps == shown.count("jmp    *")


def test_a_kind_of_a_newer_version_is_unknown() -> None:
    assert Dispatch.of("tail calls") is Dispatch.TAIL_CALLS
    assert Dispatch.of("quantum") is Dispatch.UNKNOWN
