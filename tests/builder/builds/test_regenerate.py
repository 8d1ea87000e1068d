from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds import regenerate
from builder.errors import PatchError

MAKEFILE = """
regen-cases: x
regen-opcode-targets:
regen-ast:
clinic: check
regen-global-objects: clinic
regen-keyword:
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "Makefile.pre.in").write_text(MAKEFILE)
    for name, text in {
        "Python/bytecodes.c": "x",
        "Python/ceval.c": "int x;",
        "Objects/longobject.c": "/*[clinic input]\n[clinic start generated code]*/",
        "Objects/listobject.c": "f(&_Py_ID(append));",
        "Python/opcode_targets.h": "generated",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "targets"),
    [
        (["Python/ceval.c"], ()),
        (["Python/bytecodes.c"], ("regen-cases",)),
        (["Tools/cases_generator/stack.py", "Python/ceval.c"], ("regen-cases",)),
        (["Parser/Python.asdl"], ("regen-ast",)),
        (["Lib/opcode.py"], ("regen-opcode-targets",)),
        (["Objects/longobject.c"], ("clinic",)),
        (["Objects/listobject.c"], ("regen-global-objects",)),
        (["Grammar/Tokens"], ("regen-keyword",)),
        (["Doc/Python/bytecodes.c"], ()),
        (["Objects/deleted.c"], ()),
    ],
)
def test_targets(tree: Path, changed: list[str], targets: tuple[str, ...]) -> None:
    def read(path: str) -> bytes | None:
        file = tree / path
        return file.read_bytes() if file.is_file() else None

    assert regenerate.targets(read, changed) == targets


def test_generated_files_are_newer_than_inputs_and_changed_ones_newest(tree: Path) -> None:
    regenerate.set_file_times(tree, 1000, ["Python/bytecodes.c", "Python/opcode_targets.h"])
    assert (tree / "Python/opcode_targets.h").stat().st_mtime == 1001
    assert (tree / "Python/bytecodes.c").stat().st_mtime == 1002


def test_what_generating_changed(tree: Path) -> None:
    before = regenerate.snapshot(tree)
    (tree / "Python/opcode_targets.h").write_text("other")
    (tree / "Python/new.o").write_text("object")
    assert regenerate.changed_files(before, regenerate.snapshot(tree)) == (
        "Python/opcode_targets.h",
    )


def test_a_patch_that_generating_undoes_is_refused() -> None:
    regenerate.refuse_lost_changes(["a.h"], ["b.c"], ["3.13/x"])
    with pytest.raises(PatchError, match="would be lost") as caught:
        regenerate.refuse_lost_changes(["a.h", "c.h"], ["b.c", "a.h"], ["3.13/x"])
    assert caught.value.where == "3.13/x: a.h"
