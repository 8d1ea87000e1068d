from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.builds.machine_code import Dispatch, Loop, evaluation_loop

# Four handlers, each with a dispatch of its own; -fno-gcse keeps gcc from merging them.
LOOP = """
const char *volatile text = TEXT;
int _PyEval_EvalFrameDefault(const unsigned char *code)
{
    static const void *const opcode_targets[] = {&&a, &&b, &&c, &&d};
    int value = 0;
    goto *opcode_targets[*code++];
a: value += 3; goto *opcode_targets[*code++];
b: value *= 5; goto *opcode_targets[*code++];
c: value ^= 9; goto *opcode_targets[*code++];
d: return value;
}
int main(int count, char **arguments)
{
    return _PyEval_EvalFrameDefault((const unsigned char *)arguments[0]) + text[0];
}
"""


def compiled(folder: Path, *options: str, name: str = "ceval.c", text: str = '"x"') -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(LOOP.replace("TEXT", text))
    output = folder / "python"
    subprocess.run(
        ["gcc", "-g", "-O2", "-fno-gcse", "-fno-crossjumping", *options, "-o", str(output), name],
        cwd=folder,
        check=True,
    )
    return output


def test_the_loops_shape(tmp_path: Path) -> None:
    loop = evaluation_loop([compiled(tmp_path, "-fno-reorder-blocks")])
    assert loop.function == "_PyEval_EvalFrameDefault"
    assert loop.indirect_jumps == 4
    assert loop.dispatch is Dispatch.GOTOS
    assert loop.computed_gotos
    assert loop.handlers == 4
    assert (loop.pgo, loop.lto, loop.reasons) == (False, False, {})
    assert loop.size > 20
    assert loop.compiler.startswith("GNU C")
    assert "-fno-gcse" in loop.options


def test_merged_dispatch_shows(tmp_path: Path) -> None:
    """What made the tail-calling interpreter look so good: all jumps in one place."""
    merged = compiled(tmp_path, "-Os", "-fcrossjumping", "-fno-reorder-blocks")
    assert evaluation_loop([merged]).indirect_jumps < 4


def test_options_are_those_of_the_loops_own_unit(tmp_path: Path) -> None:
    loop = evaluation_loop([compiled(tmp_path, "-fprofile-use", "-Wno-missing-profile")])
    assert "-fprofile-use" in loop.options
    assert (loop.pgo, loop.lto) == (True, False)


def test_binaries_without_a_loop_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not ELF")
    nothing = evaluation_loop([tmp_path / "text"])
    assert nothing == Loop()
    assert (nothing.computed_gotos, nothing.pgo, nothing.lto) == (None, None, None)
    assert set(nothing.reasons) == {"dispatch", "pgo", "lto"}
    there = compiled(tmp_path / "real")
    assert evaluation_loop([tmp_path / "text", Path("/bin/true"), there]).function


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + b"\xff" * 64])
def test_damaged_binaries_are_no_accident(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(content)
    assert evaluation_loop([path]) == Loop()
